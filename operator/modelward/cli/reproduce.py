"""`python -m modelward reproduce NAMESPACE/NAME`: trains a version again from its lineage, and compares.

It makes a TrainingRun with `reproduce`, which registers nothing, and waits for what it says. Exit code 0 where the
bytes are identical, 1 where they differ or it could not be trained.
"""

import asyncio
import sys
from argparse import ArgumentParser, Namespace
from typing import Any

from modelward.api import GROUP, VERSION, DatasetVersion, ModelVersion, TrainingRun
from modelward.names import Manifest, child_name

from . import cluster
from .cluster import Ask, Cluster, Story, version_named

LOOKS = 2.0
"""Seconds between."""


def add(commands: Any) -> None:
    command: ArgumentParser = commands.add_parser("reproduce", help="train a version again, and compare")
    command.add_argument("resource", metavar="NAMESPACE/NAME", help="of a ModelVersion")
    cluster.options(command, "text", "json")
    command.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    def code_of(told: Story) -> int:
        return 0 if told["identical"] else 1

    return cluster.answer(arguments, lambda: _asking(*version_named(arguments.resource)), _text_of, code_of)


def _asking(namespace: str, name: str) -> Ask:
    async def ask(asked: Cluster) -> Story:
        version = await asked.get(ModelVersion, namespace, name)
        data = await asked.get(DatasetVersion, namespace, version.spec.lineage.dataset_version)
        made = (await asked.create(manifest(version, data.spec.dataset_name)))["metadata"]["name"]
        told = ""
        while True:
            found = await asked.get(TrainingRun, namespace, made)
            ready = found.status.condition("Ready")
            if found.status.is_over:
                return _story(found, ready.message if ready else "")
            if ready and ready.message != told:
                told = ready.message
                print(cluster.printable(f"{made}: {told}"), file=sys.stderr)
            await asyncio.sleep(LOOKS)

    return ask


def manifest(version: ModelVersion, dataset: str) -> Manifest:
    """A run of its own each time."""
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "TrainingRun",
        "metadata": {
            "generateName": child_name(version.metadata.name, "again", 44) + "-",
            "namespace": version.metadata.namespace,
        },
        "spec": {
            "modelName": version.spec.model_name,
            "datasetRef": {"name": dataset, "version": version.spec.lineage.dataset_version},
            "reproduce": {"name": version.metadata.name},
        },
    }


def _story(run: TrainingRun, message: str) -> Story:
    found = run.status.reproduction
    return {
        "trainingRun": run.metadata.name,
        "identical": bool(found and found.identical),
        "message": message,
        "differences": found.differences if found else [],
    }


def _text_of(told: Story) -> str:
    return str(told["message"])
