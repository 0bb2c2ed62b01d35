"""`python -m modelward approve NAMESPACE/NAME`: a ModelVersion may serve where `rollout.approval: Required` waits."""

from argparse import ArgumentParser, Namespace
from typing import Any

from modelward.api import ModelVersion

from . import cluster
from .ask import ask, reason, text_of
from .cluster import Ask, Cluster, Story, version_named


def add(commands: Any) -> None:
    command: ArgumentParser = commands.add_parser("approve", help="approve a ModelVersion, wherever it may serve")
    command.add_argument("resource", metavar="NAMESPACE/NAME", help="of a ModelVersion")
    command.add_argument("--withdraw", action="store_true", help="end the approval instead")
    command.add_argument("--why", help="recorded with it, for ever")
    cluster.options(command, "text", "json")
    command.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    verb = "withdraw" if arguments.withdraw else "approve"
    return cluster.answer(arguments, lambda: _asking(arguments.resource, verb, reason(arguments.why)), text_of)


def _asking(resource: str, verb: str, why: str) -> Ask:
    namespace, name = version_named(resource)

    async def asking(asked: Cluster) -> Story:
        version = await asked.get(ModelVersion, namespace, name)
        return await ask(asked, version, verb, version.spec.digest, why)

    return asking
