"""Weights that an ONNX file keeps in others beside it. Found in its protobuf, without the onnx package.

A manifest's digest proves model.onnx and nothing beside it, so a model under one must hold all its bytes. A bare one
may have files beside it, in its folder and nowhere else.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from modelward_serving.refusal import ModelError

from .protobuf import fields, messages

_NESTED = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
}
_ENTRY, _DATA_LOCATION, _EXTERNAL = 13, 14, 1
MAX_DEPTH = 50
_CHUNK = 1 << 20


def external_files(model: bytes) -> list[str]:
    """As they are named, each once. Raises `ValueError` for bytes that are no protobuf, as far as they had to be read.

    Every reference to another file names its `location`, so most files need no more than one search: the nodes of
    large forests hold millions of numbers.
    """
    return sorted(set(_locations("model", memoryview(model), 0))) if b"location" in model else []


def require_within(folder: Path, names: list[str]) -> None:
    """Raises `ModelError` unless each name is that of a file in the folder, wherever links lead."""
    inside = folder.resolve()
    for name in names:
        file = Path(name)
        if not name or file.is_absolute() or not (inside / file).resolve().is_relative_to(inside):
            raise ModelError(
                "ExternalData",
                f"model.onnx keeps weights in {name!r}, outside its folder: put the file itself, no link to elsewhere,"
                " beside model.onnx",
            )
        if not (inside / file).is_file():
            raise ModelError(
                "ExternalData", f"model.onnx keeps weights in {name!r}, which is not there: copy it beside model.onnx"
            )


def digest_of_all(folder: Path, model: bytes, names: list[str]) -> str:
    """Of the model and the files beside it, with their names."""
    whole = hashlib.sha256(hashlib.sha256(model).digest())
    for name in names:
        part = hashlib.sha256()
        with (folder / name).open("rb") as file:
            while chunk := file.read(_CHUNK):
                part.update(chunk)
        whole.update(name.encode() + b"\0" + part.digest())
    return f"sha256:{whole.hexdigest()}"


def _locations(kind: str, message: memoryview, depth: int) -> Iterator[str]:
    if depth > MAX_DEPTH:
        raise ValueError("nested too deeply")
    if kind == "tensor":
        if (_DATA_LOCATION, _EXTERNAL) in fields(message):
            entries = [dict(fields(entry)) for entry in messages(message, _ENTRY)]  # of a key and its value
            named = {bytes(entry.get(1, b"")): bytes(entry.get(2, b"")) for entry in entries}
            yield named.get(b"location", b"").decode("utf-8", "surrogateescape")
        return
    nested = _NESTED.get(kind, {})
    for number, value in fields(message):
        if isinstance(value, memoryview) and (inner := nested.get(number)):
            yield from _locations(inner, value, depth + 1)
