"""Too much of something: cut off, or taken for what it is."""

import socket
import time

import pytest

from .target import Target, talk

CHUNK = b"100000\r\n" + b" " * (1 << 20) + b"\r\n"


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"a" * 400_000,
        b"GET /v2 HTTP/1.1\r\nA: " + b"b" * 400_000,
        b"GET /v2 HTTP/1.1\r\n" + b"A: b\r\n" * 100_000,
    ],
    ids=["target", "header", "headers"],
)
def test_endless_heads_are_cut_off(target: Target, head: bytes) -> None:
    assert all(400 <= status < 500 for status, _ in talk(target, head))


def test_an_announced_body_of_gigabytes_costs_nothing(target: Target) -> None:
    with target.connect() as client:
        client.sendall(target.head(f"Content-Length: {10 << 30}") + b" " * 1000)
        before = target.resident()
        time.sleep(0.2)
        assert target.resident() - before < 50 << 20


def test_endless_chunks_are_cut_off(target: Target) -> None:
    replies = talk(target, target.head("Transfer-Encoding: chunked"), *[CHUNK] * 300)
    assert all(400 <= status < 500 for status, _ in replies)


def test_endless_trailers_are_not_kept(target: Target) -> None:
    chunks = b"%x\r\n%b\r\n0\r\n" % (len(target.body), target.body)
    talk(target, target.head("Transfer-Encoding: chunked") + chunks, *[b"Name: value\r\n" * 10_000] * 50, seconds=3)


def test_very_many_chunks_are_one_body(target: Target) -> None:
    chunks = b"1\r\n \r\n" * 70_000 + b"%x\r\n%b\r\n0\r\n\r\n" % (len(target.body), target.body)
    assert [status for status, _ in talk(target, target.head("Transfer-Encoding: chunked") + chunks)] == [200]


def test_tiny_chunks_take_no_more_memory_than_they_carry(target: Target) -> None:
    before = target.resident()
    with target.connect() as client:
        client.sendall(target.head("Transfer-Encoding: chunked"))
        try:
            for _ in range(40):
                client.sendall(b"2\r\n  \r\n" * 50_000)
        except OSError:  # it has had enough
            pass
        assert target.resident() - before < 60 << 20


def test_answers_that_nobody_reads_do_not_pile_up(target: Target) -> None:
    before = target.resident()
    many = target.message(target.body, last=False) * 200
    with target.connect(2.0) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        try:
            for _ in range(400):
                client.sendall(many)
        except OSError:  # it reads no more, or has hung up
            pass
        assert target.resident() - before < 30 << 20


def test_clients_that_vanish_in_the_middle_leave_nothing_behind(target: Target) -> None:
    for _ in range(300):
        with target.connect() as client:
            client.sendall(target.message(target.body)[:-5])


def test_slow_clients_hold_nobody_up(target: Target) -> None:
    message = target.message(target.body)
    clients = [target.connect() for _ in range(200)]
    try:
        for at in range(5):
            for client in clients:
                client.sendall(message[at : at + 1])
        started = time.monotonic()
        assert target.infer().status_code == 200
        assert time.monotonic() - started < 5
    finally:
        for client in clients:
            client.close()


def test_a_request_sent_byte_by_byte_is_one_like_any_other(target: Target) -> None:
    message = target.message(target.body)
    assert [status for status, _ in talk(target, *[bytes([byte]) for byte in message])] == [200]
