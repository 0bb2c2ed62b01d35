"""The protocol core under anything at all: a request is understood, or refused with a sentence. Nothing else."""

import contextlib
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelward_contracts.manifests import Signature, Tensor
from modelward_serving.protocol.encode import Encoder, Results
from modelward_serving.protocol.inference import Inference
from modelward_serving.protocol.interface import compile_interface
from modelward_serving.protocol.oip import LARGE, Parser
from modelward_serving.protocol.predict import PlainParser
from modelward_serving.refusal import Refused

KINDS = {"number": "FP32", "count": "INT64", "name": "BYTES", "flag": "BOOL"}
TENSORS = [Tensor(name=name, datatype=kind, shape=[-1, 1]) for name, kind in KINDS.items()]
INTERFACE = compile_interface(Signature(inputs=TENSORS, outputs=TENSORS, classes=[]))
PARSER, PLAIN = Parser(INTERFACE), PlainParser(INTERFACE, 10_000)

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
)
sizes = st.one_of(st.integers(-2, 4), st.integers(), scalars)
tensors = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from([*KINDS]) | scalars,
        "datatype": st.sampled_from([*KINDS.values(), "FP16", "FP64", "UINT8"]) | scalars,
        "shape": st.lists(sizes, max_size=4) | scalars,
        "data": st.lists(anything, max_size=4) | anything,
        "parameters": st.fixed_dictionaries({}, optional={"binary_data_size": sizes, "content_type": scalars})
        | scalars,
    },
)
requests = st.fixed_dictionaries(
    {},
    optional={
        "id": scalars,
        "inputs": st.lists(tensors, max_size=5) | anything,
        "outputs": st.lists(st.fixed_dictionaries({"name": st.sampled_from([*KINDS]) | scalars}), max_size=3)
        | anything,
        "parameters": st.fixed_dictionaries({}, optional={"binary_data_output": scalars, "timeout": scalars}) | scalars,
    },
)


def encoded(value: Any) -> bytes:
    """JSON, or its like where it holds what JSON cannot."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return repr(value).encode(errors="replace")


def check(result: Inference) -> None:
    assert result.rows >= 1
    assert [len(values) for values in result.values] == [result.rows] * 4


@given(st.binary(max_size=300), st.none() | st.integers(-5, 400))
def test_any_bytes_are_understood_or_refused(body: bytes, length: int | None) -> None:
    for parse in (lambda: PARSER.parse(body, length), lambda: PLAIN.parse(body)):
        with contextlib.suppress(Refused):
            check(parse())


@given(requests, st.binary(max_size=40), st.booleans())
def test_any_request_is_understood_or_refused(request: Any, raw: bytes, large: bool) -> None:
    header = encoded(request)
    header += b" " * LARGE if large else b""
    with contextlib.suppress(Refused):
        check(PARSER.parse(header + raw, len(header)))


floats = st.floats(width=32, allow_nan=False, allow_infinity=False) | st.none()
columns = st.integers(1, 20).flatmap(
    lambda rows: st.fixed_dictionaries(
        {
            "number": st.lists(floats, min_size=rows, max_size=rows),
            "count": st.lists(st.integers(-(2**63), 2**63 - 1), min_size=rows, max_size=rows),
            "name": st.lists(st.text(max_size=10), min_size=rows, max_size=rows),
            "flag": st.lists(st.booleans(), min_size=rows, max_size=rows),
        }
    )
)


@given(columns, st.booleans())
def test_small_and_large_bodies_give_the_same_values(data: dict[str, list[Any]], padded: bool) -> None:
    inputs = [{"name": n, "datatype": k, "shape": [len(data[n]), 1], "data": data[n]} for n, k in KINDS.items()]
    result = PARSER.parse(orjson.dumps({"inputs": inputs}) + (b" " * LARGE if padded else b""))
    for name, values in zip(KINDS, result.values, strict=True):
        wanted = np.float32(data[name]) if name == "number" else data[name]
        np.testing.assert_array_equal(np.float32(values) if name == "number" else list(values), wanted)


@given(columns, st.data())
def test_each_request_of_a_batch_gets_its_own_rows(data: dict[str, list[Any]], draw: st.DataObject) -> None:
    rows = len(data["count"])
    arrays: list[np.ndarray[Any, Any]] = [
        np.float32([value or 0 for value in data["number"]])[:, None],
        np.array(data["count"], np.int64)[:, None],
        np.array(data["name"], object)[:, None],
        np.array(data["flag"])[:, None],
    ]
    start = draw.draw(st.integers(0, rows - 1))
    end = draw.draw(st.integers(start + 1, rows))
    request = Inference("id", end - start, [], None, PARSER._plain, None)
    body, _ = Encoder(INTERFACE, "m", "1").encode(request, Results(INTERFACE, arrays, True), start, end)
    for output, array in zip(orjson.loads(body)["outputs"], arrays, strict=True):
        assert output["shape"] == [end - start, 1]
        np.testing.assert_array_equal(np.array(output["data"], array.dtype), array[start:end, 0])


@pytest.mark.parametrize(
    "body", [b"[18446744073709551615]", b'{"inputs": [[18446744073709551615]]}', b'{"inputs": {"a": 1}}']
)
def test_an_array_in_the_place_of_an_object_is_refused_in_a_large_body_too(body: bytes) -> None:
    with pytest.raises(Refused) as small:
        PARSER.parse(body)
    with pytest.raises(Refused) as large:
        PARSER.parse(body + b" " * LARGE)
    assert small.value.message == large.value.message


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_no_row_hides_a_number_that_json_cannot_carry(value: float) -> None:
    interface = compile_interface(Signature(inputs=TENSORS[:1], outputs=TENSORS[:1], classes=[]))
    results = Results(interface, [np.array([[1.0], [value], [2.0]], np.float32)], True)
    encoder, parser = Encoder(interface, "m", "1"), Parser(interface)
    for start in (0, 2):
        assert encoder.encode(Inference(None, 1, [], None, parser._plain, None), results, start, start + 1)
    with pytest.raises(Refused, match="NaN or infinite"):
        encoder.encode(Inference(None, 1, [], None, parser._plain, None), results, 1, 2)
