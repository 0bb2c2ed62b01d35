"""What a model.onnx says of its inputs and outputs, and why some of it cannot be served."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from msgspec.structs import replace

from modelward_contracts.manifests import Signature, Tensor
from modelward_serving.protocol.datatypes import DATATYPES, of_onnx
from modelward_serving.refusal import ModelError

from .protobuf import fields, messages

_GRAPH = 7
_INPUT, _OUTPUT = 11, 12
_NAME, _TYPE = 1, 2
_TENSOR_TYPE, _SHAPE = 1, 2


def signature_of(session: Any, classes: Sequence[str] = ()) -> Signature:
    """The signature of a bare model.onnx, as onnxruntime sees it. `classes`: where the file names them. Raises
    `ModelError` for types that no request can carry."""
    inputs = [_tensor(arg, "input") for arg in session.get_inputs()]
    outputs = [_tensor(arg, "output") for arg in session.get_outputs()]
    if inputs and all(t.shape[:1] == [-1] for t in inputs) and any(t.shape[:1] == [1] for t in outputs):
        outputs = _as_they_come(session, inputs, outputs)
    labels = [t.name for t in outputs if t.datatype in ("INT64", "BYTES") and t.shape == [-1]]
    scores = [t.name for t in outputs if t.datatype in ("FP32", "FP64") and len(t.shape) == 2]
    classifier = len(labels) == 1 and len(scores) == 1
    return Signature(
        inputs=inputs,
        outputs=outputs,
        classes=list(classes) if classifier else [],
        label_output=labels[0] if classifier else None,
        probability_output=scores[0] if classifier else None,
    )


def check_signature(declared: Signature, session: Any) -> None:
    """The registered signature must be the file's own, so that what was tested is what is served."""
    for side, want, have in (
        ("input", declared.inputs, session.get_inputs()),
        ("output", declared.outputs, session.get_outputs()),
    ):
        wanted = {tensor.name: tensor.datatype for tensor in want}
        found = {arg.name: _tensor(arg, side).datatype for arg in have}
        if wanted != found:
            raise ModelError(
                "SignatureMismatch", f"the registered signature's {side}s are {wanted}, model.onnx has {found}"
            )


def unranked(session: Any, model: bytes) -> frozenset[str]:
    """Inputs and outputs that may have any number of dimensions: those without a shape in the file `model`. For
    onnxruntime they have none, as scalars have."""
    bare = {arg.name for arg in (*session.get_inputs(), *session.get_outputs()) if not arg.shape}
    return frozenset(_without_shape(memoryview(model)) if bare else ()) & bare


def _without_shape(model: memoryview) -> Iterator[str]:
    for graph in messages(model, _GRAPH):
        for number, value in fields(graph):
            if number in (_INPUT, _OUTPUT) and isinstance(value, memoryview):
                tensors = [tensor for kind in messages(value, _TYPE) for tensor in messages(kind, _TENSOR_TYPE)]
                if not any(list(messages(tensor, _SHAPE)) for tensor in tensors):
                    yield b"".join(messages(value, _NAME)).decode("utf-8", "replace")


def _as_they_come(session: Any, inputs: list[Tensor], outputs: list[Tensor]) -> list[Tensor]:
    """Boosters' exporters declare labels of the shape [1] for any number of rows: those that have two rows for two of
    the inputs' have as many as they."""
    feeds = {t.name: np.zeros([2, *(max(size, 1) for size in t.shape[1:])], _dtype(t)) for t in inputs}
    try:
        values = session.run([t.name for t in outputs], feeds)
    except Exception:  # onnxruntime raises a dozen types; a model may refuse blanks, and then keeps what it declares
        return outputs
    come = [np.shape(value)[:1] == (2,) for value in values]
    return [
        replace(t, shape=[-1, *t.shape[1:]]) if two and t.shape[:1] == [1] else t
        for t, two in zip(outputs, come, strict=True)
    ]


def _dtype(tensor: Tensor) -> Any:
    datatype = DATATYPES[tensor.datatype]
    return np.dtype(str) if datatype.kind == "string" else datatype.numpy


def _tensor(arg: Any, side: str) -> Tensor:
    datatype = of_onnx(arg.type)
    if datatype is None:
        raise ModelError(
            "UnsupportedModel", f"the {side} '{arg.name}' of model.onnx is a {arg.type}: {_instead(arg.type, side)}"
        )
    sizes = [size if isinstance(size, int) and size >= 0 else -1 for size in arg.shape]
    return Tensor(name=arg.name, datatype=datatype.name, shape=sizes)


def _instead(kind: str, side: str) -> str:
    """The sentence that leads to a model that can be served."""
    if kind.startswith("optional("):
        return "requests carry tensors, each of them there; export it as a plain tensor"
    if kind.startswith("sparse_tensor("):
        return "requests carry dense tensors; export it as one"
    if "map(" in kind:
        if side == "output":
            return "requests carry tensors, no dictionaries; leave out the ZipMap (skl2onnx: options={'zipmap': False})"
        return "requests carry tensors, no dictionaries; export the model behind the step that takes them apart"
    if kind.startswith("seq("):
        return (
            "requests carry tensors, no lists of them; make each an output of its own, or one tensor of all (Concat)"
            if side == "output"
            else "requests carry tensors, no lists of them; make each an input of its own, or one tensor of all (Split)"
        )
    inner = kind[len("tensor(") : -1]
    if inner.startswith("complex"):
        return "the protocol has no complex numbers; give the real and the imaginary part as two tensors"
    step = "from" if side == "input" else "to"
    wider = "int8 or int32" if "int" in inner else "float or float16"
    return f"neither the protocol nor onnxruntime's Python has numbers of type {inner}; put a Cast {step} {wider} there"
