"""A folder that MLflow wrote: its MLmodel tells whether there is ONNX, in which file, and of which columns."""

import json
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from modelward_training.outcome import JobError

from .place import Place

FOLDERS = ("", "artifacts/", "artifacts/model/")
"""Where MLmodel is: in a model's folder, in that of a model of MLflow 3, and in a run's of MLflow 2."""
MLMODEL, MAX_MLMODEL = "MLmodel", 1 << 20


def model_in(place: Place, scratch: Path) -> tuple[str, list[str]]:
    """The ONNX file's path below the place, and the columns that the model's signature names, in its order."""
    folder, text = _mlmodel(place, scratch / MLMODEL)
    said = _read(text, place.told(folder + MLMODEL))
    flavors = said.get("flavors")
    onnx = flavors.get("onnx") if isinstance(flavors, dict) else None
    if not isinstance(onnx, dict):
        there = ", ".join(sorted(map(str, flavors))[:10]) if isinstance(flavors, dict) and flavors else "none"
        raise _unusable(
            f"{place.told(folder + MLMODEL)} has the flavours {there}, and not onnx, which alone is taken: convert the "
            "model to ONNX and log it with mlflow.onnx.log_model(model, save_as_external_data=False)"
        )
    file = onnx.get("data")
    if not isinstance(file, str) or file.startswith("/") or ".." in PurePosixPath(file).parts:
        raise _unusable(f"{place.told(folder + MLMODEL)} names no file of its folder in flavors.onnx.data")
    return folder + file, _columns(said.get("signature"))


def _mlmodel(place: Place, target: Path) -> tuple[str, bytes]:
    for folder in FOLDERS:
        try:
            place.get(folder + MLMODEL, target, MAX_MLMODEL)
        except JobError as error:
            if error.reason != "SourceNotFound":
                raise
        else:
            return folder, target.read_bytes()
    looked = ", ".join(folder + MLMODEL for folder in FOLDERS)
    raise JobError(
        "SourceNotFound", f"{place.told('')} has none of {looked}: name the folder that MLflow wrote MLmodel to"
    )


def _read(text: bytes, where: str) -> dict[str, Any]:
    try:
        said = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _unusable(f"{where} is no YAML: {str(error).splitlines()[0]}") from error
    if not isinstance(said, dict):
        raise _unusable(f"{where} is none of MLflow's: it has no flavors")
    return said


def _columns(signature: object) -> list[str]:
    """None where the signature is of tensors, or there is none."""
    inputs = signature.get("inputs") if isinstance(signature, dict) else None
    try:
        said = json.loads(inputs) if isinstance(inputs, str) else inputs
    except (ValueError, RecursionError):
        return []
    if not isinstance(said, list) or not all(isinstance(each, dict) and each.get("type") != "tensor" for each in said):
        return []
    names = [each.get("name") for each in said]
    return [name for name in names if isinstance(name, str)] if all(isinstance(name, str) for name in names) else []


def _unusable(message: str) -> JobError:
    return JobError("InvalidImport", message)
