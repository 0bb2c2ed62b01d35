"""What the usual way understands, the general way understands alike: it is quicker and never more lenient."""

import json
from struct import pack
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelward_contracts.manifests import Signature, Tensor
from modelward_serving.protocol.datatypes import DATATYPES
from modelward_serving.protocol.inference import Inference
from modelward_serving.protocol.interface import Interface, compile_interface
from modelward_serving.protocol.oip import Parser
from modelward_serving.protocol.tensors import from_texts
from modelward_serving.protocol.usual import MAX_BYTES, MAX_HEADERS, FloatRows
from modelward_serving.refusal import Refused

KINDS = {"number": "FP32", "wide": "FP64", "count": "INT8", "large": "UINT64", "name": "BYTES", "flag": "BOOL"}


class General(Parser):
    """Without the usual ways."""

    def __init__(self, interface: Interface) -> None:
        super().__init__(interface)
        self.usual = lambda _body: None


class Usual(Parser):
    """Without the general way."""

    def _request(self, top: Any, raw: memoryview) -> Inference:
        raise Refused("unusual")


def interface_of(tensors: list[Tensor]) -> Interface:
    return compile_interface(Signature(inputs=tensors, outputs=tensors, classes=[]))


COLUMNS = interface_of([Tensor(name=name, datatype=kind, shape=[-1, 1]) for name, kind in KINDS.items()])
NUMBERS = [name for name, kind in KINDS.items() if DATATYPES[kind].kind in ("float", "integer")]
ONLY_NUMBERS = interface_of([Tensor(name=name, datatype=KINDS[name], shape=[-1, 1]) for name in NUMBERS])
SHORT = interface_of([Tensor(name="x", datatype="FP32", shape=[-1, 7])])
LONG = interface_of([Tensor(name="x", datatype="FP32", shape=[-1, 500], column="pixels")])

values = {
    "FP32": st.floats(width=32, allow_nan=False, allow_infinity=False) | st.none() | st.integers(-(2**70), 2**70),
    "FP64": st.floats(allow_nan=False, allow_infinity=False) | st.none() | st.integers(-(2**53), 2**53),
    "INT8": st.integers(-128, 127),
    "UINT64": st.integers(0, 2**64 - 1),
    "BYTES": st.text(max_size=5),
    "BOOL": st.booleans(),
}
odd = st.sampled_from(
    [None, True, 1, 1.0, 2.5, -129, 2**64, 10**30, "1", "", [], [1], [[1]], {}, {"a": 1}, [None], [1, 2], [True], ["a"]]
)
keys = st.sampled_from(["name", "datatype", "shape", "data", "parameters", "other"])


def dumped(value: Any) -> bytes:
    return repr(value).encode() if isinstance(value, int) and value.bit_length() > 64 else orjson.dumps(value)


def as_json(items: list[tuple[str, bytes]]) -> bytes:
    """An object that may hold a name twice."""
    return b"{%b}" % b",".join(orjson.dumps(name) + b":" + value for name, value in items)


@st.composite
def nearly_usual(draw: st.DrawFn) -> bytes:
    tensors = []
    for name, kind in KINDS.items():
        shape = draw(st.sampled_from([[1, 1], [1], [1, 1, 1]]))
        items = [("name", dumped(name)), ("datatype", dumped(kind)), ("shape", dumped(shape))]
        items.append(("data", b"[%b]" % dumped(draw(values[kind]))))
        tensors.append(items)
    for _ in range(draw(st.integers(0, 2))):
        at, key, value = draw(st.integers(0, len(tensors) - 1)), draw(keys), dumped(draw(odd))
        tensors[at] = [item for item in tensors[at] if item[0] != key or draw(st.booleans())]
        tensors[at].insert(draw(st.integers(0, len(tensors[at]))), (key, value))
    if draw(st.booleans()):
        tensors = draw(st.permutations(tensors))
    top = [("inputs", b"[%b]" % b",".join(map(as_json, tensors)))]
    if draw(st.booleans()):
        key = draw(st.sampled_from(["id", "outputs", "parameters", "other"]))
        top.append((key, dumped(draw(odd | st.text(max_size=4)))))
    return as_json(top)


def understood_in_json(parser: Parser, body: bytes) -> tuple[Inference, list[Any]]:
    """A request and its values. Raises `Refused`."""
    request = parser.parse(body)
    columns = [
        from_texts(spec, [values], 1) for spec, values in zip(parser._interface.inputs, request.values, strict=True)
    ]
    return request, [values for (values,) in columns]


def alike(interface: Interface, body: bytes, parser: Parser | None = None) -> bool:
    """Whether the usual way had an answer; if it had, the general way gives the same."""
    try:
        usual, taken = understood_in_json(parser or Usual(interface), body)
    except Refused as refused:
        if refused.message != "unusual":
            with pytest.raises(Refused):
                General(interface).parse(body)
        return False
    general = General(interface).parse(body)
    assert (usual.id, usual.rows, usual.shapes, usual.wanted, usual.common) == (
        general.id, general.rows, general.shapes, general.wanted, general.common,
    )  # fmt: skip
    for spec, one, other in zip(interface.inputs, taken, general.values, strict=True):
        if spec.datatype.kind == "float":
            arrays = [np.array(each, np.float64).astype(spec.datatype.numpy) for each in (one, other)]
            np.testing.assert_array_equal(*arrays)
        else:
            assert list(one) == list(other)
            assert list(map(type, one)) == list(map(type, other))
    return True


@given(nearly_usual())
def test_columns_in_the_usual_way_mean_the_same_in_the_general(body: bytes) -> None:
    alike(COLUMNS, body)


numbers = st.floats(width=32, allow_nan=False, allow_infinity=False) | st.integers(-(2**63), 2**64 - 1)


@pytest.mark.parametrize("interface", [SHORT, LONG], ids=["short", "long"])
@given(st.lists(numbers, min_size=3, max_size=6), st.data())
def test_a_row_of_floats_in_the_usual_way_means_the_same_in_the_general(
    interface: Interface, some: list[float], data: st.DataObject
) -> None:
    width = interface.inputs[0].fixed_row or 1
    row = (some * 500)[:width]
    items = [("name", b'"x"'), ("datatype", b'"FP32"'), ("shape", b"[1,%d]" % width), ("data", orjson.dumps(row))]
    if data.draw(st.booleans()):
        at, key, value = data.draw(st.integers(0, 4)), data.draw(keys), dumped(data.draw(odd))
        items.insert(at, (key, value))
    if data.draw(st.booleans()):
        with_odd = b"[%b]" % b",".join(map(dumped, [*row[:-1], data.draw(odd)]))
        items = [(key, with_odd if key == "data" else value) for key, value in items]
    body = as_json([("inputs", b"[%b]" % as_json(items)), ("id", orjson.dumps(data.draw(st.text(max_size=9))))])
    alike(interface, body)
    parser = Usual(interface)
    for _ in range(2):  # the second time what is around the numbers may be known
        alike(interface, as_json([("inputs", b"[%b]" % as_json(items))]), parser)
        given_id = data.draw(
            st.text(max_size=3).map(orjson.dumps) | st.sampled_from([b'"\\u0041"', b'"\x01"', b'"\xff"', b"7"])
        )
        alike(interface, as_json([("id", given_id), ("inputs", b"[%b]" % as_json(items))]), parser)


def test_usual_requests_go_the_usual_way() -> None:
    sent = {"number": 1.5, "wide": None, "count": 3, "large": 2**64 - 1, "name": "a", "flag": True}
    inputs = [{"name": n, "datatype": k, "shape": [1, 1], "data": [sent[n]]} for n, k in KINDS.items()]
    assert alike(COLUMNS, orjson.dumps({"id": "7", "inputs": inputs}))
    for name in ("x", "pixels"):
        long = {"name": name, "datatype": "FP64", "shape": [1, 500], "data": [0.123456789] * 500}
        assert alike(LONG, orjson.dumps({"inputs": [long]}))
        assert alike(LONG, orjson.dumps({"inputs": [long]}, option=orjson.OPT_INDENT_2))
    short = {"name": "x", "datatype": "FP32", "shape": [1, 7], "data": [0.5, None, 1, -2, 3e-9, 6, 7]}
    for dumps in (orjson.dumps, lambda value: json.dumps(value).encode()):
        assert alike(SHORT, dumps({"inputs": [short]}))
        parser = Usual(SHORT)
        for number in range(3):
            assert alike(SHORT, dumps({"id": str(number), "inputs": [short]}), parser)
        rows = parser.usual.__self__  # type: ignore[attr-defined]
        assert isinstance(rows, FloatRows)
        assert (len(rows._known), len(rows._known_with_id)) == (0, 1)


def test_requests_with_and_without_an_id_are_not_taken_for_each_other() -> None:
    tensor = {"name": "x", "datatype": "FP32", "shape": [1, 7], "data": [1, 2, 3, 4, 5, 6, 7]}
    without, with_id, with_none, with_empty = (
        orjson.dumps({**top, "inputs": [tensor]}) for top in ({}, {"id": "7"}, {"id": None}, {"id": ""})
    )
    # What follows on an id, for itself, is no JSON.
    bodies = [without, with_id, with_none, with_empty, with_id.removeprefix(b'{"id":"7"'), b"", b"[", b'{"id":"7"']
    for first in bodies:
        for second in bodies:
            parser = Parser(SHORT)
            for body in (first, second, first, second):
                try:
                    wanted: str | None = General(SHORT).parse(body).id
                except Refused:
                    with pytest.raises(Refused):
                        parser.parse(body)
                else:
                    assert parser.parse(body).id == wanted


@pytest.mark.parametrize("interface", [SHORT, LONG], ids=["short", "long"])
@pytest.mark.parametrize("inner", ["[1]", '"]"', "true", "1e400", "01", "1,2", "", "1]", "[1", "{", "}", '"', "1 2"])
def test_what_stands_between_the_numbers_of_a_row_is_not_overlooked(interface: Interface, inner: str) -> None:
    width = interface.inputs[0].fixed_row or 1
    row = ",".join(["0.5"] * (width - 1) + [inner])
    body = f'{{"inputs":[{{"name":"x","datatype":"FP32","shape":[1,{width}],"data":[{row}]}}]}}'.encode()
    known = (
        f'{{"inputs":[{{"name":"x","datatype":"FP32","shape":[1,{width}],"data":[{"0," * (width - 1)}0]}}]}}'.encode()
    )
    parser = Usual(interface)
    assert alike(interface, known, parser)
    assert not alike(interface, body, parser)


@pytest.mark.parametrize("again", ['"data":[]', '"data": []', '"d\\u0061ta":[]'])
def test_a_row_of_floats_given_twice_is_not_taken_for_the_first(again: str) -> None:
    body = f'{{"inputs":[{{"name":"x","datatype":"FP32","shape":[1,7],"data":[1,2,3,4,5,6,7],{again}}}]}}'.encode()
    assert not alike(SHORT, body)


@given(st.lists(st.sampled_from(["1", "2.5", "null", "true", '"', '"a"', "[", "{", "}", "", "1,2", "1 2"]), min_size=2))
def test_a_text_among_others_is_read_as_it_is_alone(texts: list[str]) -> None:
    """Each a row of two values, the second 0."""
    spec = interface_of([Tensor(name="x", datatype="FP32", shape=[-1, 2])]).inputs[0]
    rows: list[Any] = [f"{text},0".encode() for text in texts]

    def read(column: list[Any]) -> list[float | None]:
        return [value for values in from_texts(spec, column, len(column)) for value in values]

    def alone(row: bytes) -> list[float | None] | None:
        try:
            return read([row])
        except Refused:
            return None

    expected = [alone(row) for row in rows]
    if None in expected:
        with pytest.raises(Refused):
            read(rows)
    else:
        assert read(rows) == [value for values in expected if values is not None for value in values]


def test_a_name_that_two_inputs_could_have_is_nobodys_usual_name() -> None:
    """`a` is the first's own name and the second's column."""
    tensors = [
        Tensor(name="a", datatype="FP32", shape=[-1, 1]),
        Tensor(name="b", datatype="FP32", shape=[-1, 1], column="a"),
    ]
    inputs = [{"name": name, "datatype": "FP32", "shape": [1, 1], "data": [1.0]} for name in ("a", "b")]
    with pytest.raises(Refused, match="unusual"):
        Usual(interface_of(tensors)).parse(orjson.dumps({"inputs": inputs}))


short = st.text(max_size=3).map(str.encode)


@st.composite
def raw_tensors(draw: st.DrawFn, names: list[str]) -> tuple[list[dict[str, Any]], bytes]:
    """In any order, one of them perhaps as JSON or of another size than it says."""
    rows = draw(st.integers(1, 3))
    tensors, raw = [], b""
    for name in draw(st.permutations(names)):
        kind = DATATYPES[KINDS[name]]
        tensor: dict[str, Any] = {"name": name, "datatype": kind.name, "shape": [rows, 1]}
        if kind.kind == "string":
            part = b"".join(
                pack("<I", len(text)) + text for text in draw(st.lists(short, min_size=rows, max_size=rows))
            )
        else:
            part = draw(st.binary(min_size=rows * kind.size, max_size=rows * kind.size))
        if draw(st.integers(0, 30)) == 0:
            tensor["data"] = draw(st.lists(values[kind.name], min_size=rows, max_size=rows))
        else:
            tensor["parameters"] = {"binary_data_size": len(part) + (draw(st.integers(0, 30)) == 0)}
            raw += part
        tensors.append(tensor)
    return tensors, raw


def understood(parser: Parser, header: bytes, raw: bytes) -> Any:
    try:
        got = parser.parse(header + raw, len(header))
    except Refused as refused:
        return refused.message
    parts = [part.tobytes() if isinstance(part, np.ndarray) else part for part in got.values]
    return got.id, got.rows, got.shapes, got.wanted, got.timeout, parts


@pytest.mark.parametrize(("interface", "names"), [(COLUMNS, list(KINDS)), (ONLY_NUMBERS, NUMBERS)])
@given(st.data())
def test_raw_tensors_after_a_header_met_before_mean_the_same_as_after_a_new_one(
    interface: Interface, names: list[str], data: st.DataObject
) -> None:
    tensors, raw = data.draw(raw_tensors(names))
    top = {"inputs": tensors, "parameters": {"binary_data_output": data.draw(st.booleans()), "timeout": 5}}
    header = orjson.dumps(top if data.draw(st.booleans()) else {"inputs": tensors})
    parser = Parser(interface)
    first = understood(parser, header, raw)
    assert first == understood(Parser(interface), header, raw) == understood(parser, header, raw)
    other = data.draw(st.binary(min_size=len(raw), max_size=len(raw)) | st.binary(max_size=40))
    assert understood(parser, header, other) == understood(Parser(interface), header, other)


def test_headers_are_remembered_unless_they_differ_from_request_to_request() -> None:
    def header(**more: Any) -> bytes:
        tensor = {"name": "x", "datatype": "FP32", "shape": [1, 500], "parameters": {"binary_data_size": 2000}}
        return orjson.dumps({"inputs": [tensor], **more})

    parser = Parser(LONG)
    for number in range(MAX_HEADERS + 2):
        understood(parser, header(id=str(number)), bytes(2000))
        understood(parser, header(parameters={"number": number}), bytes(2000))
        understood(parser, header(parameters={"pad": "x" * MAX_BYTES}), bytes(2000))
    assert len(parser._raw._known) == 2
    last = header(parameters={"number": MAX_HEADERS + 1})
    assert parser._raw.read(last + bytes(2000), len(last)) is not None
