"""HTTP framing without a socket: where the bytes are cut changes nothing, and no bytes at all raise."""

import asyncio
import time
from itertools import pairwise
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from modelward_serving.http.connection import MAX_PIPELINED_BYTES, Connection, Port
from modelward_serving.http.limits import Limits
from modelward_serving.http.messages import Request
from modelward_serving.protocol.oip import Parser
from modelward_serving.refusal import Refused

from .test_oip import INTERFACE, KINDS

PARSER = Parser(INTERFACE)
STATUSES = {200, 400, 413, 431, 501}
SAMPLES: dict[str, Any] = {"number": 1.5, "count": 7, "name": "ü", "flag": True}
BODY = orjson.dumps(
    {"inputs": [{"name": n, "datatype": k, "shape": [1, 1], "data": [SAMPLES[n]]} for n, k in KINDS.items()]}
)


class Pipe(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.closed = False
        self.reading = True

    def write(self, data: Any) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def can_write_eof(self) -> bool:
        return False

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True


class Full(Pipe):
    """Takes one answer at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.connection: Connection | None = None

    def write(self, data: Any) -> None:
        super().write(data)
        if self.connection is not None:
            self.connection.pause_writing()


class Seen:
    """A port that scores nothing: it tells of each request what it understood."""

    def __init__(self) -> None:
        self.failures: list[Exception] = []
        self.port = Port("data", self.handle, Limits(body_bytes=10_000, head_bytes=2_000))
        self.pipe = Pipe()
        self.connection = Connection(self.port)
        self.connection.connection_made(self.pipe)

    def handle(self, request: Request) -> None:
        length = request.headers.get(b"inference-header-content-length", b"")
        try:
            inference = PARSER.parse(request.body, int(length) if length.isdigit() else None)
        except Refused as refused:
            request.refuse(refused.status, refused.message)
        except Exception as error:
            self.failures.append(error)
            raise
        else:
            understood = [inference.id, [list(map(repr, values)) for values in inference.values]]
            request.respond(200, orjson.dumps([request.target.decode("latin-1"), understood]))

    def feed(self, pieces: list[bytes]) -> bytes:
        for piece in pieces:
            if not self.pipe.closed:
                self.connection.data_received(piece)
        assert not self.failures
        return bytes(self.pipe.written)


def message(body: bytes, chunks: list[int] | None, headers: str = "") -> bytes:
    head = f"POST /v2/models/m/infer HTTP/1.1\r\nHost: x\r\n{headers}".encode()
    if chunks is None:
        return head + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    pieces = cut(body, chunks)
    framed = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces if piece)
    return head + b"Transfer-Encoding: chunked\r\n\r\n" + framed + b"0\r\nTrailer: x\r\n\r\n"


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


places = st.lists(st.integers(0, 5_000), max_size=12)
bodies = st.sampled_from([BODY, b"{}", b"", BODY + b" " * 3_000])
messages = st.builds(
    message, bodies, st.none() | places, st.sampled_from(["", "Upgrade: h2c\r\nConnection: Upgrade\r\n"])
)


@given(st.lists(messages, min_size=1, max_size=4), places)
def test_where_the_bytes_are_cut_changes_no_answer(sent: list[bytes], places: list[int]) -> None:
    stream = b"".join(sent)
    whole = Seen().feed([stream])
    assert whole.count(b"HTTP/1.1 ") == len(sent)
    assert Seen().feed(cut(stream, places)) == whole


edits = st.lists(
    st.tuples(st.integers(0, 400), st.integers(0, 3), st.sampled_from([b"", b"\0", b"\r\n", b":", b"9"]) | st.binary()),
    min_size=1,
    max_size=4,
)


@given(messages, edits, places)
def test_changed_bytes_get_an_answer_of_the_status_map_or_wait_for_more(
    sent: bytes, edits: list[tuple[int, int, bytes]], places: list[int]
) -> None:
    for at, dropped, inserted in edits:
        sent = sent[:at] + inserted + sent[at + dropped :]
    answer = Seen().feed(cut(sent, places))
    statuses = [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:] if not part.startswith(b"100")]
    assert STATUSES.issuperset(statuses)


@given(st.lists(st.binary(max_size=200), max_size=5))
def test_any_bytes_raise_nothing(pieces: list[bytes]) -> None:
    Seen().feed(pieces)


def test_head_that_comes_with_the_end_of_the_request_before_is_not_charged_for_it() -> None:
    first, second = message(BODY + b" " * 3_000, None), message(BODY, None, f"X: {'a' * 1_500}\r\n")
    answers = Seen().feed([first + second[:50], second[50:1_000], second[1_000:]])
    assert answers.count(b"HTTP/1.1 200") == 2


def test_a_head_in_small_pieces_is_cut_off_all_the_same() -> None:
    first, second = message(BODY, None), message(BODY, None, f"X: {'a' * 5_000}\r\n")
    answers = Seen().feed([first + second[:50], *[second[at : at + 100] for at in range(50, len(second), 100)]])
    assert [answers.count(b"HTTP/1.1 %d" % status) for status in (200, 431)] == [1, 1]


def test_a_large_body_behind_an_unanswered_request_is_the_last_to_be_read_until_then() -> None:
    held: list[Request] = []
    connection, pipe = Connection(Port("data", held.append)), Pipe()
    connection.connection_made(pipe)
    connection.data_received(message(BODY, None))
    connection.data_received(message(b" " * MAX_PIPELINED_BYTES, None))
    assert pipe.reading
    connection.data_received(message(b" " * (MAX_PIPELINED_BYTES + 1), None))
    assert not pipe.reading
    while held:
        held.pop().respond(200, b"{}")
    assert pipe.reading
    assert bytes(pipe.written).count(b"HTTP/1.1 200") == 3


def test_thousands_of_requests_behind_an_unanswered_one_are_answered_each() -> None:
    held: list[Request] = []
    unseen = [3_000]

    def handle(request: Request) -> None:
        if request.body:
            held.append(request)
        else:
            unseen[0] -= 1
            request.respond(200, b"{}")

    connection, pipe = Connection(Port("data", handle)), Pipe()
    connection.connection_made(pipe)
    connection.data_received(message(BODY, None) + message(b"", None) * 3_000)
    held.pop().respond(200, b"{}")
    assert unseen == [0]
    assert bytes(pipe.written).count(b"HTTP/1.1 200") == 3_001


def test_requests_wait_for_a_client_that_does_not_take_its_answers() -> None:
    pipe = Full()
    connection = Connection(Port("data", lambda request: request.respond(200, b"{}")))
    connection.connection_made(pipe)
    pipe.connection = connection
    connection.data_received(message(b"", None) * 50)
    for answered in range(1, 51):
        assert bytes(pipe.written).count(b"HTTP/1.1 200") == answered
        connection.resume_writing()
    assert pipe.reading


def test_thousands_of_offered_upgrades_in_one_read_are_declined_each() -> None:
    offer = message(BODY, None, "Upgrade: h2c\r\nConnection: Upgrade\r\n")
    assert Seen().feed([offer * 2_000]).count(b"HTTP/1.1 200") == 2_000


def test_a_header_repeated_without_end_costs_no_more_than_its_bytes() -> None:
    held: list[Request] = []
    connection = Connection(Port("data", held.append, Limits(head_bytes=8_000_000)))
    connection.connection_made(Pipe())
    began = time.perf_counter()
    connection.data_received(message(BODY, None, "a:\r\n" * 1_000_000))
    assert time.perf_counter() - began < 10  # growing the value with each line: most of a minute
    assert held[0].headers[b"a"] == b", " * 999_999
