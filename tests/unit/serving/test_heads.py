"""A head that was seen before is not parsed again, and nothing else is taken for it."""

from asyncio import Transport
from unittest.mock import Mock

import pytest

from modelward_serving.http.connection import Connection, Port
from modelward_serving.http.heads import MAX_BYTES, MAX_HEADS, Head, Heads
from modelward_serving.http.messages import Request

TEXT = b"POST /p HTTP/1.1\r\nContent-Length: 3"


class Client:
    """A connection to a port that has learnt one head, or may have: what comes with it goes to `known`."""

    def __init__(self, headers: dict[bytes, bytes], data: bytes) -> None:
        self.known: list[Request] = []
        self.parsed: list[Request] = []
        self.port = Port("data", self.parsed.append)
        self.port.heads.learn(data, Head(b"POST", b"/p", headers, self.known.append))

    def sends(self, data: bytes) -> None:
        connection = Connection(self.port)
        connection.connection_made(Mock(Transport))
        connection.data_received(data)


def test_same_head_with_another_body_is_known() -> None:
    client = Client({b"content-length": b"3"}, TEXT + b"\r\n\r\nabc")
    client.sends(TEXT + b"\r\n\r\nxyz")
    assert [(request.target, request.body) for request in client.known] == [(b"/p", b"xyz")]


@pytest.mark.parametrize(
    "data",
    [
        TEXT + b"\r\n\r\nxy",
        TEXT + b"\r\n\r\nxyzPOST",
        TEXT + b"0\r\n\r\nxyz",
        b"\r\n\r\n" + TEXT + b"\r\n\r\nxyz",
        TEXT,
        b"",
    ],
    ids=["part of the body", "more than the body", "another head", "empty lines before", "no end", "nothing"],
)
def test_other_bytes_are_the_parser_s(data: bytes) -> None:
    client = Client({b"content-length": b"3"}, TEXT + b"\r\n\r\nabc")
    client.sends(data)
    assert client.known == []


@pytest.mark.parametrize("name", [b"transfer-encoding", b"connection", b"expect", b"upgrade"])
def test_head_that_asks_for_more_than_a_body_is_parsed_each_time(name: bytes) -> None:
    data = TEXT + b"\r\n\r\nabc"
    client = Client({b"content-length": b"3", name: b"x"}, data)
    client.sends(data)
    assert client.known == []


@pytest.mark.parametrize("name", [b"authorization", b"cookie", b"proxy-authorization"])
def test_head_that_proves_who_somebody_is_is_not_kept(name: bytes) -> None:
    data = TEXT + b"\r\n\r\nabc"
    client = Client({b"content-length": b"3", name: b"secret"}, data)
    client.sends(data)
    assert client.known == []


def test_two_requests_at_once_teach_nothing() -> None:
    data = TEXT + b"\r\n\r\nabc"
    client = Client({b"content-length": b"3"}, data + data)
    client.sends(data)
    assert client.known == []
    assert len(client.parsed) == 1


def test_ever_new_and_large_heads_do_not_add_up() -> None:
    heads = Heads()
    for number in range(3 * MAX_HEADS):
        heads.learn(b"%d\r\n\r\nabc" % number, Head(b"POST", b"/p", {b"content-length": b"3"}, print))
    large = b"x" * MAX_BYTES + b"\r\n\r\nabc"
    heads.learn(large, Head(b"POST", b"/p", {b"content-length": b"3"}, print))
    assert heads.get(b"x" * MAX_BYTES) is None
    found = [heads.get(b"%d" % number) for number in range(3 * MAX_HEADS)]
    assert 0 < sum(one is not None for one in found) <= MAX_HEADS
