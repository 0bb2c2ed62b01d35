"""A head that was seen before is not parsed again, and nothing else is taken for it."""

import pytest

from modelward_serving.heads import MAX_BYTES, MAX_HEADS, Head, Heads

TEXT = b"POST /p HTTP/1.1\r\nContent-Length: 3"


def learnt(headers: dict[bytes, bytes], data: bytes) -> Heads:
    heads = Heads()
    heads.learn(data, Head(b"POST", b"/p", headers))
    return heads


def test_same_head_with_another_body_is_found() -> None:
    heads = learnt({b"content-length": b"3"}, TEXT + b"\r\n\r\nabc")
    found = heads.find(TEXT + b"\r\n\r\nxyz")
    assert found is not None
    assert (found[0].target, found[1]) == (b"/p", b"xyz")


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
    assert learnt({b"content-length": b"3"}, TEXT + b"\r\n\r\nabc").find(data) is None


@pytest.mark.parametrize("name", [b"transfer-encoding", b"connection", b"expect", b"upgrade"])
def test_head_that_asks_for_more_than_a_body_is_parsed_each_time(name: bytes) -> None:
    data = TEXT + b"\r\n\r\nabc"
    assert learnt({b"content-length": b"3", name: b"x"}, data).find(data) is None


@pytest.mark.parametrize("name", [b"authorization", b"cookie", b"proxy-authorization"])
def test_head_that_proves_who_somebody_is_is_not_kept(name: bytes) -> None:
    data = TEXT + b"\r\n\r\nabc"
    assert learnt({b"content-length": b"3", name: b"secret"}, data).find(data) is None


def test_two_requests_at_once_teach_nothing() -> None:
    data = TEXT + b"\r\n\r\nabc"
    assert learnt({b"content-length": b"3"}, data + data).find(data) is None


def test_ever_new_and_large_heads_do_not_add_up() -> None:
    heads = Heads()
    for number in range(3 * MAX_HEADS):
        heads.learn(b"%d\r\n\r\nabc" % number, Head(b"POST", b"/p", {b"content-length": b"3"}))
    large = b"x" * MAX_BYTES + b"\r\n\r\nabc"
    heads.learn(large, Head(b"POST", b"/p", {b"content-length": b"3"}))
    assert heads.find(large) is None
    found = [heads.find(b"%d\r\n\r\nabc" % number) for number in range(3 * MAX_HEADS)]
    assert 0 < sum(one is not None for one in found) <= MAX_HEADS
