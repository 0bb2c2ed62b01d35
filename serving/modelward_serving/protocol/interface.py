"""What a model takes and gives, prepared for the data path."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import orjson

from modelward_contracts.manifests import Signature, Tensor

from .datatypes import DATATYPES, Datatype


@dataclass(frozen=True, slots=True)
class TensorSpec:
    name: str
    """In the ONNX file."""
    title: str
    """What clients see: the dataset's own column name where there is one."""
    datatype: Datatype
    shape: tuple[int, ...]
    any_rank: bool
    """Nothing is known of the shape, and `shape` says nothing."""
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
    rows: bool
    """The first dimension of every tensor is free."""
    batches: bool
    """Rows of several requests run together: all tensors of a request have as many rows as the first. Where not, each
    keeps its own first dimension."""
    alike: tuple[tuple[int, ...], ...]
    """The inputs by type: those of one type become one array together."""
    one_row_reply: bytes | None
    """From `outputs` on, for one row with all outputs as JSON: a format for each output's values. None where an
    output's row has no fixed length."""
    numbers_out: bool
    """All outputs are numbers or truth values."""
    output_tails: list[tuple[int, ...]]
    """The outputs' shapes after the rows."""
    input_index: dict[str, int] = field(repr=False)
    output_index: dict[str, int] = field(repr=False)


def compile_interface(
    signature: Signature, rows_independent: bool = True, unranked: frozenset[str] = frozenset()
) -> Interface:
    """`unranked`: names of tensors that may have any number of dimensions, whatever the signature says."""
    inputs, outputs = (
        tuple(_spec(tensor, tensor.name in unranked) for tensor in tensors)
        for tensors in (signature.inputs, signature.outputs)
    )
    rows = bool(inputs) and all(spec.shape[:1] == (-1,) for spec in (*inputs, *outputs))
    return Interface(
        inputs=inputs,
        outputs=outputs,
        classes=tuple(signature.classes),
        label_output=signature.label_output,
        probability_output=signature.probability_output,
        rows=rows,
        batches=rows and rows_independent,
        alike=tuple(
            tuple(i for i, spec in enumerate(inputs) if spec.datatype == datatype)
            for datatype in dict.fromkeys(spec.datatype for spec in inputs)
        ),
        one_row_reply=_one_row_reply(outputs),
        numbers_out=all(spec.datatype.kind != "string" for spec in outputs),
        output_tails=[spec.tail for spec in outputs],
        input_index=_index(inputs),
        output_index=_index(outputs),
    )


def has_rows(interface: Interface) -> bool:
    """Each row can be taken for itself, and has as many values as all others."""
    return interface.rows and all(spec.fixed_row is not None for spec in interface.inputs)


def listed(specs: Sequence[TensorSpec]) -> str:
    """For messages."""
    if not specs:
        return "none"
    titles = [f"'{spec.title}'" for spec in specs]
    return ", ".join(titles[:20]) + (f" and {len(titles) - 20} more" if len(titles) > 20 else "")


def _spec(tensor: Tensor, any_rank: bool) -> TensorSpec:
    shape = tuple(tensor.shape)
    title = tensor.column or tensor.name
    head = b'{"name":%b,"datatype":"%b","shape":[' % (orjson.dumps(title), tensor.datatype.encode())
    tail = shape[1:]
    fixed = math.prod(tail) if all(size > 0 for size in tail) else None
    one_row = [1, *tail] if fixed is not None and shape[:1] == (-1,) else None
    datatype = DATATYPES[tensor.datatype]
    return TensorSpec(tensor.name, title, datatype, shape, any_rank, tail, fixed, head, one_row, tuple(one_row or ()))


def _one_row_reply(outputs: Sequence[TensorSpec]) -> bytes | None:
    if any(spec.one_row is None for spec in outputs):
        return None
    heads = [spec.json_head + b",".join(b"%d" % size for size in spec.one_row_sizes) for spec in outputs]
    return b',"outputs":[%b]}' % b",".join([b'%b],"data":[%%b]}' % head.replace(b"%", b"%%") for head in heads])


def _index(specs: Sequence[TensorSpec]) -> dict[str, int]:
    """By both names; the column's own name wins where they collide."""
    return {spec.name: i for i, spec in enumerate(specs)} | {spec.title: i for i, spec in enumerate(specs)}
