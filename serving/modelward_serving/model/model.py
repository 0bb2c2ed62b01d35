"""The model that is served: proven by its digests before it is loaded, and run over rows of several requests."""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from math import nan
from pathlib import Path
from struct import error as StructError  # noqa: N812 — it is an exception
from struct import pack
from typing import Any, TypeVar

import msgspec
import numpy as np

from modelward_contracts.manifests import GoldenRequests, ModelManifest
from modelward_contracts.profile import ReferenceProfile
from modelward_contracts.wire import decode, sha256
from modelward_serving.protocol.inference import Inference
from modelward_serving.protocol.interface import Interface, TensorSpec, check_signature, compile_interface, signature_of
from modelward_serving.protocol.tensors import Values, from_texts
from modelward_serving.refusal import ModelError, Refused

from .external import has_external_data
from .plan import Plan
from .session import RUN_OPTIONS, open_session

T = TypeVar("T")
Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Model:
    name: str
    version: str
    digest: str
    """Of the manifest; of model.onnx where there is none."""
    profile_digest: str
    interface: Interface
    golden: GoldenRequests | None
    profile: ReferenceProfile | None
    session: Any
    output_names: list[str]

    def run(self, feeds: dict[str, Array]) -> list[Array]:
        outputs: list[Array] = self.session.run(self.output_names, feeds, RUN_OPTIONS)
        return outputs

    def feeds(self, requests: list[Inference], rows: int) -> dict[str, Array]:
        """One array for each input over all the requests' `rows`. Raises `Refused` for values that do not fit."""
        interface, shapes = self.interface, requests[0].shapes
        columns = list(zip(*[request.values for request in requests], strict=True))
        if len(columns) > len(interface.alike) and all(request.listed for request in requests):
            with suppress(ArithmeticError, ValueError):  # one by one it is known which
                return self._feeds_alike(columns, rows)
        feeds = {}
        for i, spec in enumerate(interface.inputs):
            column: Sequence[Values] = columns[i]
            if bytes in map(type, column):
                column = from_texts(spec, column, rows)
            try:
                values = _joined(column, spec.datatype.numpy)
            except (ArithmeticError, ValueError) as error:
                raise _does_not_fit(spec, column) from error
            tail = shapes[i] if shapes is not None else spec.tail
            feeds[spec.name] = values.reshape((rows, *tail) if interface.batches else tail)
        return feeds

    def _feeds_alike(self, columns: list[tuple[Values, ...]], rows: int) -> dict[str, Array]:
        """Of many inputs of few types each type is one array, of which each input has its part."""
        feeds = {}
        for alike in self.interface.alike:
            specs = [self.interface.inputs[i] for i in alike]
            values = [value for i in alike for part in columns[i] for value in part]
            joined = _array(values, specs[0].datatype.numpy)
            start = 0
            for spec in specs:
                end = start + rows * (spec.fixed_row or 1)
                feeds[spec.name] = joined[start:end].reshape((rows, *spec.tail))
                start = end
        return feeds


def _joined(values: Sequence[Values], dtype: Any) -> Array:
    if len(values) == 1:
        lone = _array(values[0], dtype)
        return lone if lone.flags.aligned else lone.copy()
    if set(map(type, values)) == {list}:
        return _array(list(chain.from_iterable(values)), dtype)
    parts = [part if isinstance(part, np.ndarray) else _array(part, dtype) for part in values]
    with np.errstate(over="raise"):
        return np.concatenate(parts, dtype=dtype, casting="same_kind")


def _array(values: Values, dtype: Any) -> Array:
    """Plain numbers go through `struct`, in a third of numpy's time; it knows no missing ones. A number too large for
    the type raises instead of becoming infinite."""
    if isinstance(values, np.ndarray):
        if values.dtype == dtype:
            return values
        with np.errstate(over="raise"):
            return values.astype(dtype)
    if dtype.kind == "f":
        form = f"<{len(values)}{dtype.char}"
        try:
            return np.frombuffer(pack(form, *values), dtype)
        except StructError:
            return np.frombuffer(pack(form, *[nan if value is None else value for value in values]), dtype)
    return np.asarray(values, dtype)


def _does_not_fit(spec: TensorSpec, values: Sequence[Values]) -> Refused:
    """With the row where only one request is meant; several are tried again one by one."""
    what = f"out of range for {spec.datatype.name}"
    largest = float(np.finfo(spec.datatype.numpy).max) if spec.datatype.kind == "float" else np.inf
    for at, value in enumerate(chain.from_iterable(values)):
        if value is not None and abs(value) > largest:
            return Refused(f"input '{spec.title}' row {at // (spec.fixed_row or 1)}: {value} is {what}")
    return Refused(f"input '{spec.title}' holds a value {what}")


def load(folder: Path, name: str | None, version: str, digest: str | None, plan: Plan) -> Model:
    """Raises `ModelError`. Nothing is handed to onnxruntime before its bytes are what the manifest says."""
    model_bytes = _read(folder / "model.onnx")
    manifest, manifest_digest = _manifest(folder, digest)
    golden = profile = None
    if manifest is not None:
        _check("model.onnx", model_bytes, manifest.model.digest)
        golden = _part(folder / "golden.json", manifest.golden.digest, GoldenRequests)
        profile = _part(folder / "profile.json", manifest.profile.digest, ReferenceProfile)
    _require_whole(model_bytes)
    session = open_session(model_bytes, plan)
    if manifest is not None:
        check_signature(manifest.signature, session)
    interface = compile_interface(manifest.signature if manifest is not None else signature_of(session))
    return Model(
        name=name or (manifest.model_name if manifest is not None else folder.resolve().name),
        version=version,
        digest=manifest_digest or sha256(model_bytes),
        profile_digest=manifest.profile.digest if manifest is not None else "",
        interface=interface,
        golden=golden,
        profile=profile,
        session=session,
        output_names=[spec.name for spec in interface.outputs],
    )


def _require_whole(model: bytes) -> None:
    try:
        outside = has_external_data(model)
    except ValueError as error:
        raise ModelError("InvalidModel", f"model.onnx cannot be loaded: it is no ONNX file: {error}") from error
    if outside:
        raise ModelError(
            "ExternalData", "model.onnx keeps weights in other files, which no digest proves: save it with all its data"
        )


def _manifest(folder: Path, digest: str | None) -> tuple[ModelManifest | None, str | None]:
    path = folder / "manifest.json"
    if not path.exists():
        if digest is not None:
            raise ModelError("ManifestMissing", f"{path} is missing, but {digest} is to be served")
        return None, None
    data = _read(path)
    if digest is not None:
        _check("manifest.json", data, digest)
    return _decoded("manifest.json", data, ModelManifest), sha256(data)


def _part(path: Path, digest: str, shape: type[T]) -> T:
    data = _read(path)
    _check(path.name, data, digest)
    return _decoded(path.name, data, shape)


def _decoded(name: str, data: bytes, shape: type[T]) -> T:
    try:
        return decode(data, shape)
    except msgspec.DecodeError as error:
        raise ModelError("InvalidModel", f"{name} cannot be read: {error}") from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError("ModelMissing", f"{path} cannot be read: {error.strerror}") from error


def _check(name: str, data: bytes, digest: str) -> None:
    actual = "sha256:" + hashlib.sha256(data).hexdigest()
    if actual != digest:
        raise ModelError(
            "DigestMismatch",
            f"{name} hashes to {actual}, expected {digest}: the bytes were changed; train or fetch again",
        )
