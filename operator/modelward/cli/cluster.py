"""What the commands that ask a cluster share: with the caller's own rights, one sentence where it cannot be done.

A kubeconfig as kubectl finds it, or a pod's service account. Exit code 1 where a resource cannot be read, 2 where the
command or the kubeconfig is wrong.
"""

import asyncio
import json
import os
import re
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from modelward.api import GROUP, VERSION
from modelward.api.common import Resource
from modelward.errors import Refused, Unavailable
from modelward.names import Manifest

API = f"{GROUP}/{VERSION}"
NAMESPACE = r"([a-z0-9][-a-z0-9]{0,62})"
NAME = r"([a-z0-9][-a-z0-9.]{0,252})"
Story = dict[str, Any]
R = TypeVar("R", bound=Resource)


class Unusable(Exception):
    """The command or the kubeconfig is wrong."""


class Cluster:
    """Reads resources, annotates them, and makes what a command is for. What is not there, or not allowed, is
    `Refused` with a sentence."""

    def __init__(self, kube: Any, configuration: Any = None) -> None:
        self._kube, self._configuration = kube, configuration

    async def get(self, kind: type[R], namespace: str, name: str) -> R:
        found = await self.find(kind, namespace, name)
        if found is None:
            raise Refused("NotFound", await self._not_there(kind.NAMES.kind, namespace, name))
        return found

    async def find(self, kind: type[R], namespace: str, name: str) -> R | None:
        raw = await self._kube.get(API, kind.NAMES.kind, namespace, name)
        return None if raw is None else _read(kind, raw)

    async def list(self, kind: type[R], namespace: str, labels: dict[str, str] | None = None) -> Sequence[R]:
        return [_read(kind, raw) for raw in await self._kube.list(API, kind.NAMES.kind, namespace, labels)]

    async def annotate(self, found: Resource, annotations: Mapping[str, str | None]) -> None:
        """If it is still as it was found; else Conflict. None takes an annotation away."""
        metadata = found.metadata
        named = {"name": metadata.name, "namespace": metadata.namespace, "resourceVersion": metadata.resource_version}
        patch = {"apiVersion": API, "kind": found.NAMES.kind, "metadata": {**named, "annotations": annotations}}
        await self._kube.merge(patch, "modelward-cli")

    async def caller(self) -> str | None:
        """The name by which the API server knows the caller; None where it does not tell."""
        asking = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview", "metadata": {}}
        try:
            told = await self._kube.create(asking)
        except Refused:
            return None
        return str(told["status"]["userInfo"]["username"])

    async def raw(self, api_version: str, kind: str, namespace: str, name: str) -> Manifest | None:
        found: Manifest | None = await self._kube.get(api_version, kind, namespace, name)
        return found

    async def create(self, manifest: Manifest) -> Manifest:
        made: Manifest = await self._kube.create(manifest)
        return made

    async def delete(self, api_version: str, kind: str, namespace: str, name: str) -> None:
        await self._kube.delete(api_version, kind, namespace, name)

    async def output(self, namespace: str, pod: str, command: Sequence[str]) -> AsyncIterator[bytes]:
        """What a command in a running pod writes."""
        from modelward.clients import exec as client  # imports the client, which few commands need

        async for part in client.output(self._configuration, namespace, pod, command):
            yield part

    async def _not_there(self, kind: str, namespace: str, name: str) -> str:
        """What is missing: Modelward, the namespace, or the name."""
        try:
            others = await self._kube.list(API, kind, namespace)
        except Refused as refusal:
            if refusal.reason == "NotFound":
                return f"the cluster knows no {kind}s: is Modelward installed there?"
            return f"no {kind} {name} in namespace {namespace}"
        if not others and await self._no_namespace(namespace):
            return f"no namespace {namespace}"
        names = sorted(other["metadata"]["name"] for other in others)
        there_are = f"there are {', '.join(names[:20])}" if names else "there is none at all"
        return f"no {kind} {name} in namespace {namespace}: {there_are}"

    async def _no_namespace(self, namespace: str) -> bool:
        try:
            return await self._kube.get("v1", "Namespace", "", namespace) is None
        except Refused:
            return False  # not everybody may look at namespaces


def options(command: ArgumentParser, *outputs: str) -> None:
    command.add_argument("--kubeconfig", help="instead of $KUBECONFIG or ~/.kube/config")
    command.add_argument("--context", help="of the kubeconfig")
    first = outputs[0]
    command.add_argument("-o", "--output", choices=outputs, default=first, help=f"{first} unless said otherwise")


Ask = Callable[[Cluster], Awaitable[Story]]


def answer(
    arguments: Namespace,
    asking: Callable[[], Ask],
    text_of: Callable[[Story], str],
    code_of: Callable[[Story], int] = lambda _: 0,
) -> int:
    """Print what was found, as JSON or in words; the exit code. `asking` reads the command's words."""
    try:
        ask = asking()
        if arguments.kubeconfig and not Path(arguments.kubeconfig).is_file():
            raise Unusable(f"{arguments.kubeconfig} is no file: --kubeconfig names one")
        story = asyncio.run(_asked(arguments.kubeconfig, arguments.context, ask))
    except (Unusable, Refused, Unavailable) as error:
        print(f"modelward {arguments.command}: {error}", file=sys.stderr)
        return 2 if isinstance(error, Unusable) else 1
    if arguments.output == "json":
        print(json.dumps(story, ensure_ascii=False, indent=2))
    else:
        print("\n".join(map(printable, text_of(story).splitlines())))
    return code_of(story)


def named(resource: str, form: str, kind: str, written: str) -> tuple[str, ...]:
    """The parts of what the caller named."""
    found = re.fullmatch(form, resource)
    if found is None:
        raise Unusable(f"{resource} names no {kind}: write {written}")
    return found.groups()


def version_named(resource: str) -> tuple[str, ...]:
    """A ModelVersion's namespace and its name."""
    return named(resource, f"{NAMESPACE}/{NAME}", "ModelVersion", "NAMESPACE/NAME, of a ModelVersion")


def printable(line: str) -> str:
    """Names and reasons are what somebody wrote: no terminal is to obey them."""
    return "".join(character if character.isprintable() else "?" for character in line)


async def _asked(kubeconfig: str | None, context: str | None, ask: Ask) -> Story:
    from kubernetes.aio.config import ConfigException  # a second of imports that no other command needs

    from modelward.clients.kubernetes import KubernetesKube, load_configuration

    try:
        configuration = await load_configuration(kubeconfig or os.environ.get("KUBECONFIG") or None, context)
    except (ConfigException, yaml.YAMLError, OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise Unusable(f"no cluster to ask (--kubeconfig names one): {' '.join(str(error).split())}") from error
    kube = KubernetesKube(configuration)
    try:
        return await ask(Cluster(kube, configuration))
    finally:
        await kube.close()


def _read(kind: type[R], raw: Manifest) -> R:
    try:
        return kind.model_validate(raw)
    except ValidationError as error:
        first, name = error.errors()[0], raw["metadata"]["name"]
        where = ".".join(map(str, first["loc"]))
        raise Refused(
            "Unreadable", f"another release wrote {kind.NAMES.kind} {name}: {where}: {first['msg']}"
        ) from error
