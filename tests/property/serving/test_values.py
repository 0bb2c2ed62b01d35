"""Values on their way in and out: JSON and binary, small bodies and large ones, mean the same."""

import json
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelward_contracts.manifests import Signature, Tensor
from modelward_serving.protocol.datatypes import DATATYPES
from modelward_serving.protocol.encode import Encoder, Results
from modelward_serving.protocol.inference import Inference, all_outputs
from modelward_serving.protocol.interface import Interface, compile_interface
from modelward_serving.protocol.oip import LARGE, Parser
from modelward_serving.refusal import Refused

from .test_oip import PARSER
from .test_oip import requests as odd_requests


def of(datatype: str, width: int) -> Interface:
    tensors = [Tensor(name="x", datatype=datatype, shape=[-1, width])]
    return compile_interface(Signature(inputs=tensors, outputs=tensors, classes=[]))


def values_of(datatype: str) -> st.SearchStrategy[Any]:
    kind = DATATYPES[datatype]
    if kind.kind == "string":
        return st.text(max_size=8)
    if kind.kind == "boolean":
        return st.booleans()
    if kind.bounds is not None:
        return st.integers(*kind.bounds)
    width: Any = kind.size * 8
    return st.floats(width=width, allow_nan=False, allow_infinity=False)


tables = st.sampled_from(sorted(DATATYPES)).flatmap(
    lambda datatype: st.tuples(
        st.just(datatype),
        st.integers(1, 3).flatmap(
            lambda width: st.lists(
                st.lists(values_of(datatype), min_size=width, max_size=width), min_size=1, max_size=6
            )
        ),
    )
)


@given(tables)
def test_every_datatype_goes_both_ways_in_binary_and_json_alike(table: tuple[str, list[list[Any]]]) -> None:
    datatype, rows = table
    interface = of(datatype, len(rows[0]))
    parser, encoder = Parser(interface), Encoder(interface, "m", "1")
    array = np.array(rows, DATATYPES[datatype].numpy)
    sent = Inference(None, len(rows), [], None, all_outputs(interface, binary=True), None)
    body, length = encoder.encode(sent, Results(interface, [array], True), 0, len(rows))
    assert length is not None
    header = orjson.loads(body[:length])
    raw = orjson.dumps({"inputs": header["outputs"]})
    taken = parser.parse(raw + body[length:], len(raw)).values[0]
    np.testing.assert_array_equal(np.array(list(taken), array.dtype), array.ravel())
    if datatype != "FP16":
        text = orjson.dumps({"inputs": [{**header["outputs"][0], "parameters": {}, "data": rows}]})
        for padding in (b"", b" " * LARGE):
            values = parser.parse(text + padding).values[0]
            np.testing.assert_array_equal(np.array(list(values), array.dtype), array.ravel())


@given(odd_requests)
def test_a_large_body_is_accepted_and_read_as_a_small_one(request: Any) -> None:
    try:
        body = orjson.dumps(request)
    except TypeError:
        return
    assert outcome(body) == outcome(body + b" " * LARGE)


@pytest.mark.parametrize(
    "tensor",
    [
        '{"name":"x","datatype":"FP32","shape":[2,2],"data":[[1],[2,3,4]]}',
        '{"name":"x","datatype":"FP32","shape":[2,2],"data":[[1,2],3]}',
        '{"name":"x","datatype":"FP32","shape":[2,2],"data":[[[1,2]],[[3,4]]]}',
        '{"name":"x","datatype":"FP32","shape":[1,2],"data":[1,2],"data":[3,4]}',
        '{"name":"x","name":"y","datatype":"FP32","shape":[1,2],"data":[1,2]}',
        '{"name":"x","datatype":"FP32","shape":[1,2],"data":[1e39,2]}',
        '{"name":"x","datatype":"FP32","shape":[1,2],"data":[]}',
        '{"name":"x","datatype":"FP32","shape":[1,2],"data":[1,null]}',
        '{"name":"x","datatype":"FP32","shape":[1,2],"data":[1,true]}',
        '{"name":"x","datatype":"FP32","shape":[1,2],"data":[1,1e400]}',
        '{"name":"x","datatype":"FP32","shape":[1,2],"data":[-0.0,5e-324]}',
        '{"name":"x","datatype":"FP32","shape":[1,2],"data":[1,[2]]}',
        '{"name":"x","datatype":"FP32","shape":[1,2],"data":[1,[[2]]]}',
        '{"name":"x","datatype":"FP32","shape":[1,2],"data":[[1,[2]]]}',
        '{"name":"x","datatype":"FP32","shape":[2,2],"data":[[1,2],[3,[4]]]}',
        '{"name":"x","datatype":"FP32","shape":[1,2],"data":[1,{}]}',
    ],
)
@pytest.mark.parametrize("prefix", [b"", b"\xef\xbb\xbf"])
def test_what_two_parsers_might_read_differently_is_read_one_way(tensor: str, prefix: bytes) -> None:
    parser = Parser(of("FP32", 2))
    body = prefix + f'{{"inputs":[{tensor}]}}'.encode()
    assert outcome(body, parser) == outcome(body + b" " * LARGE, parser)


@pytest.mark.parametrize("shape", [[-1, 1], [-1]])
@given(st.lists(st.integers(-(2**63), 2**63 - 1) | st.sampled_from([2**53, 2**53 + 1, -(2**53) - 1]), min_size=1))
def test_integers_declared_as_floats_keep_their_digits_in_large_bodies_too(shape: list[int], given: list[int]) -> None:
    tensors = [Tensor(name="x", datatype="INT64", shape=shape)]
    parser = Parser(compile_interface(Signature(inputs=tensors, outputs=tensors, classes=[])))
    tensor = {"name": "x", "datatype": "FP64", "shape": [len(given), 1][: len(shape)], "data": given}
    body = orjson.dumps({"inputs": [tensor]})
    for padding in (b"", b" " * LARGE):
        assert list(parser.parse(body + padding).values[0]) == given


edits = st.lists(
    st.tuples(st.integers(0, 250), st.integers(0, 2), st.sampled_from(list('[]{}",:0123e.-tn'))), max_size=3
)


@given(edits, st.booleans())
def test_a_changed_body_is_read_as_json_has_it_or_refused(edits: list[tuple[int, int, str]], large: bool) -> None:
    body = '{"inputs":[{"name":"x","datatype":"FP64","shape":[2,2],"data":[[1.5,2],[-3,4e2]]}],"id":"a"}'
    for at, dropped, inserted in edits:
        body = body[:at] + inserted + body[at + dropped :]
    try:
        taken = Parser(of("FP64", 2)).parse(body.encode() + b" " * (LARGE if large else 0))
    except Refused:
        return
    tensor = json.loads(body)["inputs"][0]
    given = np.array(tensor["data"], np.float64).ravel()
    np.testing.assert_array_equal(np.array(list(taken.values[0]), np.float64), given)
    assert taken.rows == tensor["shape"][0]
    assert taken.id == json.loads(body).get("id")


def outcome(body: bytes, parser: Parser = PARSER) -> Any:
    try:
        taken = parser.parse(body)
        return repr([[float(v) if type(v) is int else v for v in column] for column in map(_listed, taken.values)])
    except Refused as refused:
        return refused.status
    except FloatingPointError:  # refused where the rows of several requests become one array
        return 400


def _listed(values: Any) -> list[Any]:
    """As the model would get them: numbers of FP32 as such."""
    if isinstance(values, np.ndarray):
        values = values.tolist()
    if all(type(value) in (float, int, type(None)) for value in values):
        with np.errstate(over="raise"):
            return [float(np.float32(np.nan if value is None else value)) for value in values]
    return list(values)
