"""`python -m modelward alias NAMESPACE/NAME ALIAS`: a name that ModelDeployments can follow, `ALIAS-` takes it away."""

import re
from argparse import ArgumentParser, Namespace
from typing import Any

from modelward.api import ModelVersion
from modelward.api.common import ALIAS

from . import cluster
from .ask import ask, reason, text_of
from .cluster import Ask, Cluster, Story, Unusable, version_named


def add(commands: Any) -> None:
    command: ArgumentParser = commands.add_parser("alias", help="give a ModelVersion a name, such as champion")
    command.add_argument("resource", metavar="NAMESPACE/NAME", help="of a ModelVersion")
    command.add_argument("alias", metavar="ALIAS", help="champion; champion- takes it away")
    command.add_argument("--why", help="recorded with it, for ever")
    cluster.options(command, "text", "json")
    command.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    return cluster.answer(
        arguments, lambda: _asking(arguments.resource, arguments.alias, reason(arguments.why)), text_of
    )


def _asking(resource: str, alias: str, why: str) -> Ask:
    namespace, name = version_named(resource)
    word, verb = alias.removesuffix("-"), "unalias" if alias.endswith("-") else "alias"
    if not re.fullmatch(ALIAS, word):
        raise Unusable(f"{word} is no alias: write lower-case letters, digits and dashes, such as champion")

    async def asking(asked: Cluster) -> Story:
        return await ask(asked, await asked.get(ModelVersion, namespace, name), verb, word, why)

    return asking
