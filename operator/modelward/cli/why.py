"""`python -m modelward why NAMESPACE/[KIND/]NAME`: why a resource is as it is, and from which cause it came.

Of a ModelDeployment, which is meant where no kind is said and there is one: what it serves, what is on trial, what was
decided and why.
"""

from argparse import ArgumentParser, Namespace
from typing import Any

from modelward.api import (
    KINDS,
    Dataset,
    DatasetVersion,
    ModelDeployment,
    ModelVersion,
    RegisteredModel,
    Resource,
    TrainingRun,
)
from modelward.api.training_run import Cause
from modelward.errors import Refused

from . import chain, cluster, story
from .cluster import NAME, NAMESPACE, Ask, Cluster, Story, Unusable, named

FORM = rf"{NAMESPACE}/(?:([a-zA-Z]{{1,32}})/)?{NAME}"
WRITTEN = "NAMESPACE/NAME, or NAMESPACE/KIND/NAME"
UNSAID = (ModelDeployment, ModelVersion, TrainingRun, RegisteredModel, DatasetVersion, Dataset)
"""In which order a name is looked for, where no kind is said."""


def add(commands: Any) -> None:
    command: ArgumentParser = commands.add_parser("why", help="what was decided about a resource, and why it exists")
    command.add_argument(
        "resource", metavar="NAMESPACE/NAME", help="of a ModelDeployment; NAMESPACE/KIND/NAME of anything else"
    )
    cluster.options(command, "text", "json")
    command.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    return cluster.answer(arguments, lambda: _asking(*named(arguments.resource, FORM, "resource", WRITTEN)), _text_of)


def _asking(namespace: str, word: str | None, name: str) -> Ask:
    kind = _kind(word) if word else None

    async def ask(asked: Cluster) -> Story:
        return await _told(asked, await (asked.get(kind, namespace, name) if kind else _found(asked, namespace, name)))

    return ask


async def _found(asked: Cluster, namespace: str, name: str) -> Resource:
    for kind in UNSAID:
        try:
            if found := await asked.find(kind, namespace, name):
                return found
        except Refused:
            if kind is ModelDeployment:
                raise  # who may look at nothing is told so
    return await asked.get(ModelDeployment, namespace, name)


def _kind(word: str) -> type[Resource]:
    for kind in KINDS:
        if word.lower() in (kind.NAMES.singular, kind.NAMES.plural, kind.NAMES.short):
            return kind
    known = ", ".join(f"{kind.NAMES.singular} ({kind.NAMES.short})" for kind in KINDS)
    raise Unusable(f"{word} is no kind of Modelward's: write one of {known}")


async def _told(asked: Cluster, found: Resource) -> Story:
    namespace = found.metadata.namespace
    match found:
        case ModelDeployment():
            return await _deployment(asked, found)
        case ModelVersion():
            return await _version(asked, found)
        case TrainingRun():
            made = found.status.model_version
            version = await asked.find(ModelVersion, namespace, made) if made else None
            return chain.of_run(found, await _version(asked, version) if version else None)
        case RegisteredModel():
            return chain.of_model(found)
        case DatasetVersion():
            parent = await asked.find(DatasetVersion, namespace, found.spec.parent) if found.spec.parent else None
            return chain.of_data(found, parent, await asked.list(ModelVersion, namespace))
        case Dataset():
            return chain.of_dataset(found)
    raise AssertionError(found)


async def _deployment(asked: Cluster, found: ModelDeployment) -> Story:
    told = story.story_of(found)
    if told["serving"]:
        told["serving"]["trainedBecause"] = await _cause(asked, found.metadata.namespace, told["serving"])
    return told


async def _cause(asked: Cluster, namespace: str, serving: Story) -> str | None:
    """None also where the caller may look at deployments alone."""
    try:
        version = await asked.find(ModelVersion, namespace, serving["modelVersion"])
    except Refused:
        return None
    cause: Cause | None = version.spec.lineage.cause if version else None
    return chain.in_words(cause) if cause else None


async def _version(asked: Cluster, version: ModelVersion) -> Story:
    namespace, lineage = version.metadata.namespace, version.spec.lineage
    data = await asked.find(DatasetVersion, namespace, lineage.dataset_version)
    deployments = await asked.list(ModelDeployment, namespace)
    return chain.of_version(version, data, deployments)


def _text_of(told: Story) -> str:
    return chain.text_of(told) if "said" in told else story.text_of(told)
