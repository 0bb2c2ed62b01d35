"""`python -m modelward export NAMESPACE/NAME [--save FILE]`: the manifest that takes a version in elsewhere.

It is a TrainingRun that imports the model by its digest, with the gates of the run that made it, so that they are
looked at again where it goes. What only the target knows is marked with `<…>` and told in comments.
"""

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

import yaml

from modelward.api import GROUP, VERSION, ModelVersion
from modelward.errors import Refused
from modelward.names import child_name

from . import cluster, saved
from .cluster import Ask, Cluster, Story, version_named

NAMESPACE_THERE, DATASET, SECRET, CLAIM = "<namespace>", "<Dataset>", "<Secret>", "<claim>"


def add(commands: Any) -> None:
    command: ArgumentParser = commands.add_parser("export", help="the manifest that takes a version in elsewhere")
    command.add_argument("resource", metavar="NAMESPACE/NAME", help="of a ModelVersion")
    command.add_argument(
        "--save", metavar="FILE", type=Path, help="write model.onnx there, of a store that is a volume"
    )
    cluster.options(command, "text", "json")
    command.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    def asking() -> Ask:
        namespace, name = version_named(arguments.resource)
        return _asking(namespace, name, arguments.save)

    return cluster.answer(arguments, asking, text_of)


def _asking(namespace: str, name: str, save: Path | None) -> Ask:
    async def ask(asked: Cluster) -> Story:
        version = await asked.get(ModelVersion, namespace, name)
        if version.spec.store is None or version.spec.asked is None:
            why = f"{name} was registered by an earlier release, which did not keep what an export needs"
            raise Refused("NotExportable", f"{why}: register it again, by a run with spec.retrain true")
        if save:
            await saved.save(asked, version, save)
        return exported(version, save)

    return ask


def exported(version: ModelVersion, save: Path | None = None) -> Story:
    """The manifest. `save`: where model.onnx was written to."""
    spec, asked = version.spec, version.spec.asked
    assert asked
    evaluation = {"evaluation": asked.evaluation.wire()} if asked.evaluation else {}
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "TrainingRun",
        "metadata": {"name": child_name(version.metadata.name, "import", 50), "namespace": NAMESPACE_THERE},
        "spec": {
            "modelName": spec.model_name,
            "datasetRef": {"name": DATASET},
            "import": _import(version, save),
            "gates": [gate.wire() for gate in asked.gates],
            **evaluation,
        },
    }


def _import(version: ModelVersion, save: Path | None) -> dict[str, Any]:
    store, lineage = version.spec.store, version.spec.lineage
    assert store
    origin = {
        "namespace": version.metadata.namespace,
        "modelVersion": version.metadata.name,
        "digest": version.spec.digest,
        "store": store,
        "trainingRun": lineage.training_run,
        "datasetVersion": lineage.dataset_version,
        "datasetDigest": lineage.dataset_digest,
    }
    path = save.name if save else "model.onnx"
    claim = {"pvc": {"claimName": CLAIM, "path": path}}
    where = claim if saved.is_claim(store) else {"url": saved.blob(version), "secretName": SECRET}
    return {**where, "digest": version.spec.model.digest, "exportedFrom": origin}


def text_of(manifest: Story) -> str:
    comments = [f"# {line}" for line in _comments(manifest["spec"])]
    return "\n".join([*comments, yaml.safe_dump(manifest, sort_keys=False, allow_unicode=True, width=1000)])


def _comments(spec: dict[str, Any]) -> list[str]:
    imported = spec["import"]
    origin = imported["exportedFrom"]
    told = [
        f"{origin['namespace']}/{origin['modelVersion']}, to be taken in elsewhere. Fill in what stands in <>:",
        f"{NAMESPACE_THERE}: where it goes, or leave the line out and write `kubectl apply --namespace`",
        f"{DATASET}: one of that namespace with the columns that the model takes; it is measured, and its gates are",
        "  looked at, on the test rows of that one",
    ]
    if "pvc" in imported:
        path = imported["pvc"]["path"]
        return [
            *told,
            f"{CLAIM}: a PersistentVolumeClaim of that namespace with {path} on it (`modelward export --save {path}`",
            "  writes it here); or put the file on a server, and write `url: https://…/model.onnx` in place of pvc",
        ]
    return [*told, *_secret(imported["url"])]


def _secret(url: str) -> list[str]:
    keys = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" if url.startswith("s3://") else "the keys of that store"
    return [
        f"{SECRET}: one of that namespace, labelled modelward.dev/use: source, with {keys},",
        "  which need to read this one object (AWS_ENDPOINT_URL where the store is not AWS's)",
    ]
