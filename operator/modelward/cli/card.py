"""`python -m modelward card NAMESPACE/NAME`: a ModelVersion as its model card, in Markdown.

What was measured and where it came from is of the immutable spec; aliases, approvals and where it serves are as they
are now.
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from typing import Any

from modelward.api import DatasetVersion, ModelVersion
from modelward.errors import Refused

from . import card_text, cluster
from .cluster import Ask, Cluster, Story, version_named


def add(commands: Any) -> None:
    command: ArgumentParser = commands.add_parser("card", help="the model card of a ModelVersion, in Markdown")
    command.add_argument("resource", metavar="NAMESPACE/NAME", help="of a ModelVersion")
    cluster.options(command, "text", "json")
    command.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    return cluster.answer(arguments, lambda: _asking(*version_named(arguments.resource)), card_text.text_of)


def _asking(namespace: str, name: str) -> Ask:
    async def ask(asked: Cluster) -> Story:
        version = await asked.get(ModelVersion, namespace, name)
        return story_of(version, await _data(asked, version))

    return ask


async def _data(asked: Cluster, version: ModelVersion) -> DatasetVersion | None:
    """None also where it is deleted, or not for the caller to see."""
    try:
        return await asked.find(DatasetVersion, version.metadata.namespace, version.spec.lineage.dataset_version)
    except Refused:
        return None


def story_of(version: ModelVersion, data: DatasetVersion | None) -> Story:
    metadata, status, verified = version.metadata, version.status, version.status.condition("Verified")
    return {
        "namespace": metadata.namespace,
        "name": metadata.name,
        "registered": metadata.creation_timestamp,
        **version.spec.wire(),
        "verified": {"status": verified.status, "message": verified.message} if verified else None,
        "data": _of_data(data) if data else None,
        "limits": list(_limits(version)),
        "alias": status.alias,
        "aliases": [word.wire() for word in status.aliases],
        "approved": status.approval is not None,
        "approvals": [word.wire() for word in status.approvals],
        "deployments": [served.wire() for served in status.deployments],
    }


def _of_data(version: DatasetVersion) -> Story:
    spec = version.spec
    column = next((each for each in spec.columns if each.name == spec.time), None)
    times = column.statistics if column else None
    return {
        "dataset": spec.dataset_name,
        "rows": spec.rows,
        "label": spec.label,
        "splitRows": spec.split_rows.wire(),
        "splitBoundaries": spec.split_boundaries.wire() if spec.split_boundaries else None,
        "from": times.earliest if times else None,
        "to": times.latest if times else None,
        "sourceFiles": spec.source_files,
        "warnings": spec.warnings,
    }


def _limits(version: ModelVersion) -> Iterator[str]:
    """What its author should know, and what nobody has looked at."""
    spec = version.spec
    yield from spec.notes
    yield from (gate.message or f"{gate.metric} is unclear" for gate in spec.gates if gate.result == "Unclear")
    if not spec.gates:
        yield "no gate was set: nothing was asked of its quality"
    if not spec.slices:
        yield "no slices were measured (evaluation.slices): whether it is worse on some groups is not known"
    if small := [each for each in spec.slices if not each.counted]:
        yield f"{len(small)} of the slices have too few rows for a gate to look at"
    if not spec.importance:
        yield "what its columns matter was not measured (evaluation.importance)"
    if spec.task == "classification" and "calibration_error" not in spec.metrics:
        yield "it gives no probabilities: how sure it is cannot be said"
    if not spec.baselines:
        yield "it was compared with no baseline"
    if spec.batching and not spec.batching.rows_independent:
        yield f"servers run each request by itself: {spec.batching.reason}"
