"""Which output is the label, which the probabilities, and of which classes: told by what came out, not by a name."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx

from modelward_contracts.manifests import DatasetManifest
from modelward_training.outcome import JobError

from .classes import numbered, order
from .probabilities import fault

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Meaning:
    """`label` of a regression is its number. `by_number`: the label output counts the classes, and names none."""

    label: str | None
    probability: str | None = None
    classes: list[str] = field(default_factory=list)
    by_number: bool = False
    notes: list[str] = field(default_factory=list)


def meaning(
    outputs: dict[str, Array], model: onnx.ModelProto, dataset: DatasetManifest, zipped: dict[str, list[str]]
) -> Meaning:
    """`outputs` of all held-out rows; `zipped`: the classes of outputs that a ZipMap named."""
    if dataset.task == "regression":
        return Meaning(_number(outputs))
    label = _label(outputs)
    fitting, faults = [], []
    for name in sorted(_floats(outputs), key=lambda name: (name not in zipped, "prob" not in name)):
        values = _table(outputs[name])
        classes = order(model, name, values.shape[1], zipped.get(name, []), dataset.classes)
        if classes is None:
            count = len(dataset.classes)
            faults.append(f"{name!r} gives {values.shape[1]} numbers a row, the label has {count} classes")
        elif (wrong := fault(values)) is not None:
            faults.append(f"{name!r} holds no probabilities: {wrong}")
        else:
            fitting.append((name, classes))
    if label is None and not fitting:
        raise JobError("InvalidModel", _nothing(faults))
    probability, classes = fitting[0] if fitting else (None, list(dataset.classes))
    by_number = label is not None and numbered(outputs[label].reshape(-1), model, label, dataset.classes)
    told = [] if fitting else [f"labels are measured only: the output {wrong}" for wrong in faults[:1]]
    if by_number:
        told.append(_numbers(str(label), dataset.classes))
    return Meaning(label, probability, classes, by_number, told)


def _floats(outputs: dict[str, Array]) -> list[str]:
    return [name for name, values in outputs.items() if values.dtype.kind == "f"]


def _table(values: Array) -> Array:
    return values.reshape(len(values), -1)


def _label(outputs: dict[str, Array]) -> str | None:
    single = [name for name, values in outputs.items() if _table(values).shape[1] == 1]
    fitting = [name for name in single if outputs[name].dtype.kind != "f"]
    return next((name for name in fitting if "label" in name), next(iter(fitting), None))


def _number(outputs: dict[str, Array]) -> str:
    single = [name for name, values in outputs.items() if _table(values).shape[1] == 1 and values.dtype.kind in "fiu"]
    floats = [name for name in single if outputs[name].dtype.kind == "f"] or single
    if len(floats) != 1:
        gives = ", ".join(f"{name!r} of {_table(values).shape[1]}" for name, values in outputs.items())
        raise JobError(
            "InvalidModel", f"model.onnx must give one output of one number a row for regression; it gives {gives}"
        )
    return floats[0]


def _nothing(faults: list[str]) -> str:
    if faults:
        return f"the output {'; the output '.join(faults[:3])}"
    return "model.onnx gives neither a label nor probabilities: export one of them"


def _numbers(label: str, classes: list[str]) -> str:
    some = ", ".join(f"{number} {name}" for number, name in enumerate(classes[:6])) + (" …" if len(classes) > 6 else "")
    return (
        f"the output {label!r} counts the classes ({some}): the stored model gives their names instead; "
        "the output may also be left out"
    )
