"""One model in a server of its own, asked over HTTP in both forms, and held against onnxruntime alone."""

import http.client
import json
import struct
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnxruntime

from benchmarks.serving.process import free_port

from .cases import Case
from .nursery import Nursery

Outcome = Literal["equal", "refused by type", "refused by onnxruntime", "wrong"]
Tensors = dict[str, Any]
SECONDS = 60.0
ALIGNED = 64
"""Bytes that the widest instructions read at once."""
_NAMES = {"float16": "FP16", "float32": "FP32", "float64": "FP64", "bool": "BOOL", "object": "BYTES"}
_ORT_TYPES = {
    **{f"tensor({name})": name for name in ("float16", "bool")},
    **{f"tensor({u}int{bits})": f"{u}int{bits}" for u in ("", "u") for bits in (8, 16, 32, 64)},
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(string)": "object",
}


@dataclass
class Verdict:
    name: str
    kind: str
    outcome: Outcome
    said: str = ""
    """By the server, or what is wrong."""
    random: bool = False
    """onnxruntime alone gives another answer each time: types and shapes were compared."""
    json_refused: bool = False
    """An answer held NaN or infinity, which JSON cannot carry."""
    json_too_large: bool = False
    """The request is longer than JSON may be."""
    late: bool = False
    """No answer in time."""
    as_expected: bool | None = None
    """onnxruntime's answer is the one that onnx expects; None where onnx expects nothing."""


@dataclass
class Wrong:
    said: str
    also_alone: bool = False
    """onnxruntime without a server fails too."""


def judge(case: Case, nursery: Nursery, folder: Path) -> Verdict:
    """Never raises for what a server does."""
    verdict = Verdict(case.name, case.kind, "equal")
    folder.mkdir()
    (folder / "model.onnx").write_bytes(case.model)
    port, admin = free_port(), free_port()
    ports = ["--port", str(port), "--admin-port", str(admin), "--host", "127.0.0.1", "--name", "m"]
    pid = nursery.start(folder, *ports, "--workers", "1", "--threads", "1")
    try:
        reason, said = readiness(admin)
        verdict.late = reason == "Loading"
        if reason != "Ready":
            return _refused(case, verdict, reason, said)
        session = _session(case.model)
        for number, asked in enumerate(case.asked):
            expected = case.expected[number] if case.expected else None
            wrong = _ask(session, port, asked, expected, verdict)
            if wrong is not None:
                verdict.outcome = "refused by onnxruntime" if wrong.also_alone else "wrong"
                verdict.said = wrong.said
                return verdict
    except Exception as error:  # told with the model it is about
        verdict.outcome, verdict.said = "wrong", f"{type(error).__name__}: {error}"
        verdict.late = isinstance(error, TimeoutError)
    finally:
        nursery.end(pid)
    return verdict


def _refused(case: Case, verdict: Verdict, reason: str, said: str) -> Verdict:
    verdict.said = said
    verdict.outcome = "wrong"
    try:
        session = _session(case.model)
    except Exception:
        if reason in ("InvalidModel", "LocaleMissing"):
            verdict.outcome = "refused by onnxruntime"
        return verdict
    carried = all(arg.type in _ORT_TYPES for arg in (*session.get_inputs(), *session.get_outputs()))
    if reason == "UnsupportedModel" and not carried:
        verdict.outcome = "refused by type"
    return verdict


def _session(model: bytes) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _ask(session: Any, port: int, asked: Tensors, expected: list[Any] | None, verdict: Verdict) -> Wrong | None:
    names = [arg.name for arg in session.get_outputs()]
    types = {arg.name: _ORT_TYPES[arg.type] for arg in session.get_inputs()}
    feeds = {name: _as_type(value, types[name]) for name, value in asked.items() if name in types}
    answers = [_infer(port, feeds, binary) for binary in ((True, False) if _json_can(feeds) else (True,))]
    try:
        alone, again = (list(map(np.asarray, session.run(names, feeds))) for _ in range(2))
    except Exception as error:
        if all(status in (400, 500) for status, _ in answers):
            return Wrong(answers[0][1]["error"], also_alone=True)
        return Wrong(f"answered where onnxruntime alone fails: {error}")
    verdict.random = not all(map(_same, alone, again))
    verdict.as_expected = _expected(alone, expected or [], verdict.as_expected)
    for form, (status, answer) in zip(("binary", "JSON"), answers, strict=False):
        if form == "JSON" and status != 200:
            verdict.json_refused |= status == 422 and not all(map(_finite, alone))
            verdict.json_too_large |= status == 413
            if verdict.json_refused or verdict.json_too_large:
                continue
        if status != 200:
            return Wrong(f"{form}: {status}: {answer['error']}")
        same = _alike if verdict.random else _same
        if all(_differs(names, one, answer, same) for one in chain([alone], _moved(session, names, feeds))):
            return Wrong(f"{form}: {_differs(names, alone, answer, same)}")
    return None


def _moved(session: Any, names: list[str], feeds: Tensors) -> Iterator[list[Any]]:
    """onnxruntime alone, with inputs that begin elsewhere in memory: some of its sums are added up in an order that
    depends on it."""
    for offset in range(0, ALIGNED, 4):
        placed = {name: value if value.dtype == object else _at(value, offset) for name, value in feeds.items()}
        yield [np.asarray(value) for value in session.run(names, placed)]


def _at(value: Any, offset: int) -> Any:
    """A copy that begins so many bytes behind a whole number of `ALIGNED`, or the next place that its type may have."""
    room = np.empty(value.nbytes + 2 * ALIGNED, np.uint8)
    start = -room.ctypes.data % ALIGNED + offset // value.itemsize * value.itemsize
    copy = room[start : start + value.nbytes].view(value.dtype).reshape(value.shape)
    copy[...] = value
    return copy


def _differs(names: list[str], alone: list[Any], answer: Tensors, same: Callable[[Any, Any], bool]) -> str:
    for name, value in zip(names, alone, strict=True):
        if not same(value, answer[name]):
            return f"{name} is {answer[name]!r}, alone {value!r}"
    return ""


def _as_type(value: Any, dtype: str) -> Any:
    array = np.asarray(value)
    return array.astype(object) if dtype == "object" else np.ascontiguousarray(array, dtype).reshape(array.shape)


def readiness(port: int) -> tuple[str, str]:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        try:
            _, body, _ = _exchange(port, "GET", "/readyz", b"", {})
            told = json.loads(body)
            if told["reason"] != "Loading":
                return told["reason"], told["message"]
        except OSError:
            pass
        time.sleep(0.02)
    return "Loading", f"not ready after {SECONDS:.0f} s"


def _infer(port: int, feeds: Tensors, binary: bool) -> tuple[int, Tensors]:
    """Status, and the outputs by name."""
    tensors, blobs = [], []
    for name, value in feeds.items():
        tensor: Tensors = {"name": name, "datatype": _datatype(value), "shape": list(value.shape)}
        if binary:
            blobs.append(_raw(value))
            tensor["parameters"] = {"binary_data_size": len(blobs[-1])}
        else:
            tensor["data"] = [_json(item) for item in value.ravel().tolist()]
        tensors.append(tensor)
    body: Tensors = {"inputs": tensors}
    if binary:
        body["parameters"] = {"binary_data_output": True}
    head = json.dumps(body).encode()
    headers = {"Inference-Header-Content-Length": str(len(head))} if binary else {}
    status, reply, length = _exchange(port, "POST", "/v2/models/m/infer", b"".join([head, *blobs]), headers)
    top = json.loads(reply[:length])
    if status != 200:
        return status, top
    rest, answer = reply[length or len(reply) :], {}
    for output in top["outputs"]:
        size = output.get("parameters", {}).get("binary_data_size")
        answer[output["name"]] = _received(output, rest[:size] if size is not None else None)
        rest = rest[size or 0 :]
    return status, answer


def _exchange(port: int, method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes, int | None]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        length = response.getheader("inference-header-content-length")
        return response.status, response.read(), None if length is None else int(length)
    finally:
        connection.close()


def _received(output: Tensors, raw: bytes | None) -> Any:
    shape, name = output["shape"], output["datatype"]
    dtype = next((known for known, wire in _NAMES.items() if wire == name), name.lower())
    if raw is None:
        values = output["data"]
        return np.array(values, dtype).reshape(shape)
    if name != "BYTES":
        return np.frombuffer(raw, dtype).reshape(shape)
    texts, at = [], 0
    while at < len(raw):
        (size,) = struct.unpack_from("<I", raw, at)
        texts.append(raw[at + 4 : at + 4 + size].decode())
        at += 4 + size
    return np.array(texts, object).reshape(shape)


def _datatype(value: Any) -> str:
    name = str(value.dtype.name)
    return _NAMES.get(name, name.upper())


def _raw(value: Any) -> bytes:
    if value.dtype != object:
        return bytes(value.tobytes())
    texts = [str(_json(item)).encode() for item in value.ravel().tolist()]
    return b"".join(struct.pack("<I", len(text)) + text for text in texts)


def _json(item: Any) -> Any:
    if isinstance(item, bytes):
        return item.decode()
    return None if isinstance(item, float) and np.isnan(item) else item


def _json_can(feeds: Tensors) -> bool:
    return not any(value.dtype.kind == "f" and np.isinf(value).any() for value in feeds.values())


def _finite(value: Any) -> bool:
    return np.asarray(value).dtype.kind != "f" or bool(np.isfinite(value).all())


def _same(value: Any, other: Any) -> bool:
    value, other = np.asarray(value), np.asarray(other)
    return _alike(value, other) and (
        value.tolist() == other.tolist() if value.dtype == object else _bits(value) == _bits(other)
    )


def _bits(value: Any) -> bytes:
    """NaN has many forms, of which clients see one."""
    return bytes(
        (np.where(np.isnan(value), np.nan, value).astype(value.dtype) if value.dtype.kind == "f" else value).tobytes()
    )


def _alike(value: Any, other: Any) -> bool:
    return bool(value.shape == other.shape and value.dtype == other.dtype)


def _expected(alone: list[Any], expected: list[Any], before: bool | None) -> bool | None:
    close = [_close(value, wanted) for value, wanted in zip(alone, expected, strict=False) if wanted is not None]
    return all(close) and before is not False if close else before


def _close(value: Any, wanted: Any) -> bool:
    value, wanted = np.asarray(value), np.asarray(wanted)
    if value.shape != wanted.shape:
        return False
    if value.dtype.kind == "f":
        return bool(np.allclose(value, wanted.astype(value.dtype), rtol=1e-3, atol=1e-6, equal_nan=True))
    return bool(value.astype(str).tolist() == wanted.astype(str).tolist())
