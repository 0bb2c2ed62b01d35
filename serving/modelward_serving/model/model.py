"""The model that is served: proven by its digests before it is loaded, and run over rows of several requests."""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain
from math import nan
from pathlib import Path
from struct import error as StructError  # noqa: N812 — it is an exception
from struct import pack
from typing import Any, TypeVar

import msgspec
import numpy as np

from modelward_contracts.manifests import Batching, GoldenRequests, ModelManifest
from modelward_contracts.profile import ReferenceProfile
from modelward_contracts.wire import decode, sha256
from modelward_onnx.foreign import what_instead
from modelward_serving.protocol.inference import Inference
from modelward_serving.protocol.interface import Interface, TensorSpec, compile_interface
from modelward_serving.protocol.tensors import Values, from_texts
from modelward_serving.refusal import ModelError, Refused

from .declared import check_signature, signature_of, unranked
from .external import digest_of_all, external_files, require_within
from .folder import read_model
from .plan import Plan
from .session import RUN_OPTIONS, open_session
from .ties import Tie, ties_of
from .together import Proven, Wanted, batching
from .unzipped import has_dictionaries, unzipped

T = TypeVar("T")
Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Model:
    name: str
    version: str
    digest: str
    """Of the manifest; of model.onnx, with the files beside it that belong to it, where there is none."""
    profile_digest: str
    interface: Interface
    batching: Batching
    golden: GoldenRequests | None
    profile: ReferenceProfile | None
    session: Any
    output_names: list[str]
    ties: tuple[Tie, ...] = ()

    def run(self, feeds: dict[str, Array]) -> list[Array]:
        outputs: list[Array] = self.session.run(self.output_names, feeds, RUN_OPTIONS)
        return outputs

    def run_without_rows(self, feeds: dict[str, Array]) -> list[Array]:
        """Some operators fail for want of rows, where there is nothing to compute."""
        outputs = self.interface.outputs
        if self.interface.batches and all(spec.fixed_row is not None for spec in outputs):
            return [np.empty((0, *spec.tail), spec.datatype.numpy) for spec in outputs]
        return self.run(feeds)

    def unbatched(self, reason: str) -> "Model":
        """The same, with each request run by itself."""
        interface = replace(self.interface, batches=False)
        return replace(self, interface=interface, batching=Batching(rows_independent=False, reason=reason))

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
            row = shapes[i] if shapes is not None else spec.tail
            whole = shapes is None or interface.batches
            feeds[spec.name] = values.reshape((rows, *row) if whole else row)
        for tie in self.ties:
            if not (tie.of_rows and interface.batches):
                tie.check(feeds)
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


def load(
    folder: Path,
    name: str | None,
    version: str,
    digest: str | None,
    plan: Plan,
    wanted: Wanted = "auto",
    proof: Proven | None = None,
) -> Model:
    """Raises `ModelError`. Nothing is handed to onnxruntime before its bytes are what the manifest says."""
    model_bytes = read_model(folder)
    manifest, manifest_digest = _manifest(folder, digest)
    golden = profile = None
    if manifest is not None:
        _check("model.onnx", model_bytes, manifest.model.digest)
        golden = _part(folder / "golden.json", manifest.golden.digest, GoldenRequests)
        profile = _part(folder / "profile.json", manifest.profile.digest, ReferenceProfile)
    beside = _beside(folder, model_bytes, manifest is not None)
    classes: list[str] = []
    session = open_session(model_bytes, plan, folder if beside else None)
    if manifest is None and has_dictionaries(session):
        without, classes = unzipped(model_bytes)
        session = open_session(without, plan, folder if beside else None)
    if manifest is not None:
        check_signature(manifest.signature, session)
    told = batching(wanted, manifest, proof, sha256(model_bytes))
    signature = manifest.signature if manifest is not None else signature_of(session, classes)
    interface = compile_interface(signature, told.rows_independent, unranked(session, model_bytes))
    if told.rows_independent and not interface.rows:
        told = Batching(rows_independent=False, reason="an input or output has no free first dimension")
    return Model(
        name=name or (manifest.model_name if manifest is not None else folder.resolve().name),
        version=version,
        digest=manifest_digest or (digest_of_all(folder, model_bytes, beside) if beside else sha256(model_bytes)),
        profile_digest=manifest.profile.digest if manifest is not None else "",
        interface=interface,
        batching=told,
        golden=golden,
        profile=profile,
        session=session,
        output_names=[spec.name for spec in interface.outputs],
        ties=ties_of(session, interface),
    )


def _beside(folder: Path, model: bytes, is_proven: bool) -> list[str]:
    """The files that the model keeps weights in. Raises `ModelError` if it is no model, or may not."""
    if (what := what_instead(model)) is not None:
        raise ModelError("InvalidModel", f"model.onnx {what}")
    try:
        names = external_files(model)
    except ValueError as error:
        raise ModelError("InvalidModel", f"model.onnx cannot be loaded: it is no ONNX file: {error}") from error
    if names and is_proven:
        raise ModelError(
            "ExternalData", "model.onnx keeps weights in other files, which no digest proves: save it with all its data"
        )
    require_within(folder, names)
    return names


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
