"""`python -m modelward why NAMESPACE/NAME`: what a ModelDeployment serves, what is on trial, what was decided and why.

With the caller's own rights: a kubeconfig as kubectl finds it, or a pod's service account. Exit code 1 where the
resource cannot be read, 2 where the command or the kubeconfig is wrong.
"""

import asyncio
import json
import os
import re
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from modelward.api import GROUP, VERSION, ModelDeployment
from modelward.errors import Refused, Unavailable
from modelward.names import Manifest

from .story import story_of, text_of

API = f"{GROUP}/{VERSION}"
NAMES = re.compile(r"([a-z0-9][-a-z0-9]{0,62})/([a-z0-9][-a-z0-9.]{0,252})")


class Unusable(Exception):
    """The command or the kubeconfig is wrong."""


def add(commands: Any) -> None:
    command: ArgumentParser = commands.add_parser("why", help="what was decided about a ModelDeployment, and why")
    command.add_argument("resource", metavar="NAMESPACE/NAME", help="of the ModelDeployment")
    command.add_argument("--kubeconfig", help="instead of $KUBECONFIG or ~/.kube/config")
    command.add_argument("--context", help="of the kubeconfig")
    command.add_argument("-o", "--output", choices=["text", "json"], default="text", help="text unless said otherwise")
    command.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    try:
        named = NAMES.fullmatch(arguments.resource)
        if named is None:
            raise Unusable(f"{arguments.resource} names no ModelDeployment: write NAMESPACE/NAME")
        if arguments.kubeconfig and not Path(arguments.kubeconfig).is_file():
            raise Unusable(f"{arguments.kubeconfig} is no file: --kubeconfig names one")
        raw = asyncio.run(_read(arguments.kubeconfig, arguments.context, *named.groups()))
        story = story_of(ModelDeployment.model_validate(raw))
    except (Unusable, Refused, Unavailable) as error:
        print(f"modelward why: {error}", file=sys.stderr)
        return 2 if isinstance(error, Unusable) else 1
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        print(f"modelward why: another release wrote {arguments.resource}: {where}: {first['msg']}", file=sys.stderr)
        return 1
    print(json.dumps(story, ensure_ascii=False, indent=2) if arguments.output == "json" else text_of(story))
    return 0


async def _read(kubeconfig: str | None, context: str | None, namespace: str, name: str) -> Manifest:
    from kubernetes.aio.config import ConfigException  # a second of imports that no other command needs

    from modelward.clients.kubernetes import KubernetesKube, load_configuration

    try:
        configuration = await load_configuration(kubeconfig or os.environ.get("KUBECONFIG") or None, context)
    except (ConfigException, yaml.YAMLError, OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise Unusable(f"no cluster to ask (--kubeconfig names one): {' '.join(str(error).split())}") from error
    kube = KubernetesKube(configuration)
    try:
        found = await kube.get(API, "ModelDeployment", namespace, name)
        if found is None:
            raise Refused("NotFound", await _not_there(kube, namespace, name))
        return found
    finally:
        await kube.close()


async def _not_there(kube: Any, namespace: str, name: str) -> str:
    """What is missing: Modelward, the namespace, or the name."""
    try:
        others = await kube.list(API, "ModelDeployment", namespace)
    except Refused as refusal:
        if refusal.reason == "NotFound":
            return "the cluster knows no ModelDeployments: is Modelward installed there?"
        return f"no ModelDeployment {name} in namespace {namespace}"
    if not others and await _no_namespace(kube, namespace):
        return f"no namespace {namespace}"
    names = sorted(other["metadata"]["name"] for other in others)
    there_are = f"there are {', '.join(names[:20])}" if names else "there is none at all"
    return f"no ModelDeployment {name} in namespace {namespace}: {there_are}"


async def _no_namespace(kube: Any, namespace: str) -> bool:
    try:
        return await kube.get("v1", "Namespace", "", namespace) is None
    except Refused:
        return False  # not everybody may look at namespaces
