"""`pytest tests/hostile --url http://host:port --model NAME`; without a URL it starts this project's server."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from unit.serving.models import bare, linear
from unit.serving.processes import serving

from .target import Target, good_request

GROWTH = 100 << 20
"""Bytes that the server may have grown by after each test: less than two bodies at its limit."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("hostile input")
    group.addoption("--url", help="an Open Inference Protocol server, http://host:port")
    group.addoption("--model", default="m", help="its model")
    group.addoption("--request", type=Path, help="file with a valid request, where the metadata names no inputs")
    group.addoption("--pid", type=int, help="its process on this machine, to bound its memory")


@pytest.fixture(scope="session")
def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    # Registered only where this folder is among the arguments.
    url = request.config.getoption("--url", default=None)
    if url is None:
        with serving(bare(tmp_path_factory.mktemp("hostile") / "m", linear())) as server:
            yield Target(server.data, "m", good_request(server.data, "m"), server.process.pid)
        return
    options = request.config.option
    given = json.loads(options.request.read_text()) if options.request else good_request(url, options.model)
    yield Target(url.rstrip("/"), options.model, given, options.pid)


@pytest.fixture(scope="session")
def expected(target: Target) -> object:
    """What the good request is answered with before anything bad has come."""
    reply = target.infer()
    assert reply.status_code == 200, reply.text
    return reply.json()["outputs"]


@pytest.fixture(autouse=True)
def _still_answers_and_has_not_grown(target: Target, expected: object) -> Iterator[None]:
    before = target.resident()
    yield
    reply = target.infer()
    assert reply.status_code == 200, reply.text
    assert reply.json()["outputs"] == expected
    assert target.resident() - before < GROWTH
