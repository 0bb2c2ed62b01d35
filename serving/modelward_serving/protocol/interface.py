"""What a model takes and gives, prepared for the data path."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from modelward_contracts.manifests import Signature, Tensor
from modelward_serving.refusal import ModelError

from .datatypes import DATATYPES, Datatype, of_onnx


@dataclass(frozen=True, slots=True)
class TensorSpec:
    name: str
    """In the ONNX file."""
    title: str
    """What clients see: the dataset's own column name where there is one."""
    datatype: Datatype
    shape: tuple[int, ...]
    tail: tuple[int, ...]
    """The shape of a row."""
    fixed_row: int | None
    """Values a row, where every dimension after the first is fixed."""
    json_head: bytes
    one_row: list[int] | None
    one_row_sizes: tuple[int, ...]
    """The shape of most requests, known in advance."""


@dataclass(frozen=True, slots=True)
class Interface:
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    classes: tuple[str, ...]
    label_output: str | None
    probability_output: str | None
    batches: bool
    """The first dimension of every tensor is free, so rows of several requests can run together."""
    alike: tuple[tuple[int, ...], ...]
    """The inputs by type: those of one type become one array together."""
    one_row_reply: bytes | None
    """From `outputs` on, for one row with all outputs as JSON: a format for each output's values. None where an
    output's row has no fixed length, or no JSON form."""
    numbers_out: bool
    """All outputs are numbers or truth values with a JSON form."""
    output_tails: list[tuple[int, ...]]
    """The outputs' shapes after the rows."""
    input_index: dict[str, int] = field(repr=False)
    output_index: dict[str, int] = field(repr=False)


def compile_interface(signature: Signature) -> Interface:
    inputs, outputs = (tuple(map(_spec, tensors)) for tensors in (signature.inputs, signature.outputs))
    return Interface(
        inputs=inputs,
        outputs=outputs,
        classes=tuple(signature.classes),
        label_output=signature.label_output,
        probability_output=signature.probability_output,
        batches=all(spec.shape and spec.shape[0] == -1 for spec in (*inputs, *outputs)),
        alike=tuple(
            tuple(i for i, spec in enumerate(inputs) if spec.datatype == datatype)
            for datatype in dict.fromkeys(spec.datatype for spec in inputs)
        ),
        one_row_reply=_one_row_reply(outputs),
        numbers_out=all(spec.datatype.name not in ("BYTES", "FP16") for spec in outputs),
        output_tails=[spec.tail for spec in outputs],
        input_index=_index(inputs),
        output_index=_index(outputs),
    )


def signature_of(session: Any) -> Signature:
    """The signature of a bare model.onnx, as onnxruntime sees it."""
    inputs, outputs = ([_tensor(arg) for arg in args] for args in (session.get_inputs(), session.get_outputs()))
    labels = [t.name for t in outputs if t.datatype in ("INT64", "BYTES") and t.shape == [-1]]
    scores = [t.name for t in outputs if t.datatype in ("FP32", "FP64") and len(t.shape) == 2]
    classifier = len(labels) == 1 and len(scores) == 1
    return Signature(
        inputs=inputs,
        outputs=outputs,
        classes=[],
        label_output=labels[0] if classifier else None,
        probability_output=scores[0] if classifier else None,
    )


def check_signature(declared: Signature, session: Any) -> None:
    """The registered signature must be the file's own, so that what was tested is what is served."""
    actual = signature_of(session)
    for side, want, have in (
        ("input", declared.inputs, actual.inputs),
        ("output", declared.outputs, actual.outputs),
    ):
        wanted, found = ({t.name: t.datatype for t in tensors} for tensors in (want, have))
        if wanted != found:
            raise ModelError(
                "SignatureMismatch", f"the registered signature's {side}s are {wanted}, model.onnx has {found}"
            )


def has_rows(interface: Interface) -> bool:
    """Each row can be taken for itself, and has as many values as all others."""
    return interface.batches and all(spec.fixed_row is not None for spec in interface.inputs)


def listed(specs: Sequence[TensorSpec]) -> str:
    """For messages."""
    titles = [f"'{spec.title}'" for spec in specs]
    return ", ".join(titles[:20]) + (f" and {len(titles) - 20} more" if len(titles) > 20 else "")


def _spec(tensor: Tensor) -> TensorSpec:
    shape = tuple(tensor.shape)
    title = tensor.column or tensor.name
    head = b'{"name":%b,"datatype":"%b","shape":[' % (orjson.dumps(title), tensor.datatype.encode())
    tail = shape[1:]
    fixed = math.prod(tail) if all(size > 0 for size in tail) else None
    one_row = [1, *tail] if fixed is not None and shape[:1] == (-1,) else None
    datatype = DATATYPES[tensor.datatype]
    return TensorSpec(tensor.name, title, datatype, shape, tail, fixed, head, one_row, tuple(one_row or ()))


def _one_row_reply(outputs: Sequence[TensorSpec]) -> bytes | None:
    if any(spec.one_row is None or spec.datatype.name == "FP16" for spec in outputs):
        return None
    heads = [spec.json_head + b",".join(b"%d" % size for size in spec.one_row_sizes) for spec in outputs]
    return b',"outputs":[%b]}' % b",".join([b'%b],"data":[%%b]}' % head.replace(b"%", b"%%") for head in heads])


def _index(specs: Sequence[TensorSpec]) -> dict[str, int]:
    """By both names; the column's own name wins where they collide."""
    return {spec.name: i for i, spec in enumerate(specs)} | {spec.title: i for i, spec in enumerate(specs)}


def _tensor(arg: Any) -> Tensor:
    datatype = of_onnx(arg.type)
    if datatype is None:
        raise ModelError(
            "UnsupportedModel",
            f"{arg.name} of model.onnx is a {arg.type}, which the protocol cannot carry: export tensors only"
            " (for scikit-learn: options={'zipmap': False})",
        )
    return Tensor(
        name=arg.name, datatype=datatype.name, shape=[d if isinstance(d, int) and d > 0 else -1 for d in arg.shape]
    )
