"""Bytes that are no HTTP, or mean two things: refused, and never read as a second request."""

import contextlib

import pytest

from .target import Target, talk

SECRET = b"GET /v2/health/live HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    "raw",
    [
        b"\0\1\2\3\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /v2 HTTP/9.9\r\nHost: x\r\n\r\n",
        b"GET /v2 HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n",
        b"GET /v2 HTTP/1.1\r\nHost: x\r\nA : b\r\n\r\n",
        b"GET /v2 HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n",
        b"GET /v2 HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n",
        b"GET /v2 HTTP/1.1\r\nHost: x\r\nA: b\r\n folded\r\n\r\n",
        b"GET /v2 HTTP/1.1\nHost: x\n\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
    ids=lambda value: repr(value[:24]),
)
def test_what_is_no_http_is_refused(target: Target, raw: bytes) -> None:
    assert_refused(target, raw)


@pytest.mark.parametrize(
    "headers",
    [
        ("Content-Length: -1",),
        ("Content-Length: +3",),
        ("Content-Length: 0x3",),
        ("Content-Length: 3, 4",),
        ("Content-Length: 99999999999999999999999",),
        ("Content-Length: 3", "Content-Length: 4"),
        ("Content-Length: 3", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked", "Content-Length: 3"),
        ("Content-Length: 3", "Transfer-Encoding : chunked"),
        ("Content-Length: 3", "Transfer-Encoding: x, chunked"),
        ("Transfer-Encoding: chunked, x",),
        ("Transfer-Encoding: xchunked",),
        ("Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
        ("Content-Length: 3\n", "Transfer-Encoding: chunked"),
    ],
)
def test_a_length_that_means_two_things_is_refused(target: Target, headers: tuple[str, ...]) -> None:
    assert_refused(target, target.head(*headers) + b"0\r\n\r\n" + SECRET)


@pytest.mark.parametrize("chunk", [b"zz\r\n", b"0x0\r\n\r\n", b"-1\r\n", b"fffffffffffffffff\r\n", b"1\na\n0\n\n"])
def test_malformed_chunks_are_refused(target: Target, chunk: bytes) -> None:
    assert_refused(target, target.head("Transfer-Encoding: chunked") + chunk + SECRET)


def test_trailers_change_nothing(target: Target) -> None:
    chunks = b"%x\r\n%b\r\n0\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\n" % (len(target.body), target.body)
    statuses = [status for status, _ in talk(target, target.head("Transfer-Encoding: chunked") + chunks)]
    assert statuses in ([200], [400])


def test_answers_to_head_have_no_body(target: Target) -> None:
    head = target.head(path="/v2/health/live", method="HEAD")
    with target.connect() as client:
        client.sendall(head)
        received = client.recv(65536)
        client.settimeout(0.3)
        with contextlib.suppress(TimeoutError):
            received += client.recv(65536)
    assert received.startswith(b"HTTP/1.1 ")
    assert received.endswith(b"\r\n\r\n")


def test_pipelined_requests_are_answered_in_order(target: Target) -> None:
    pair = target.message(target.body, last=False) + target.message(b"{}", last=False)
    statuses = [status for status, _ in talk(target, pair * 50)]
    assert statuses[::2] == [200] * 50
    assert all(400 <= status < 500 for status in statuses[1::2])
    assert len(statuses) == 100


def test_thousands_of_requests_in_one_piece_behind_a_slower_one_are_answered_each(target: Target) -> None:
    health = target.head(path="/v2/health/live", method="GET")
    statuses = [status for status, _ in talk(target, target.message(target.body, last=False) + health * 2_000)]
    assert statuses == [200] * 2_001


def test_good_request_before_garbage_is_answered(target: Target) -> None:
    statuses = [status for status, _ in talk(target, target.message(target.body, last=False) + b"\0\0\0\r\n\r\n")]
    assert statuses[:1] == [200]
    assert all(400 <= status < 500 for status in statuses[1:])


def assert_refused(target: Target, raw: bytes) -> None:
    """One answer of a client's error (or 501, 505: what the server does not do), or none at all."""
    statuses = [status for status, _ in talk(target, raw)]
    assert len(statuses) <= 1, statuses
    assert all(400 <= status < 500 or status in (501, 505) for status in statuses), statuses
