"""`python -m modelward why` against a real API server, with a status that the operator's decisions made."""

import json
import os
import subprocess
import sys

import pytest

from api.client import Api
from api.manifests import manifest
from localcluster.api import ApiServer
from unit.modelward.cli.test_why import FAILING
from unit.modelward.decide.simulated import healthy, with_canary

Done = tuple[int, str, str]


def why(server: ApiServer, *words: str, user: str = "admin") -> Done:
    return commanded(server, "why", *words, user=user)


def commanded(server: ApiServer, *words: str, user: str = "admin") -> Done:
    environment = os.environ | {"KUBECONFIG": str(server.plane.kubeconfig(user))}
    command = [sys.executable, "-m", "modelward", *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def rolled_back(api: Api, namespace: str) -> str:
    world = with_canary()
    world.give(healthy(), healthy())
    world.settle(3)
    world.give(FAILING, healthy())
    world.run("Stable")
    world.settle()
    found = api.create(manifest("ModelDeployment", namespace))
    api.replace_status({**found, "status": world.status.wire()})
    return f"{namespace}/flights"


def test_a_rollback_is_told_in_words_and_as_json(server: ApiServer, rolled_back: str) -> None:
    code, text, errors = why(server, rolled_back)
    assert (code, errors) == (0, "")
    assert text.startswith(f"{rolled_back}: flights-1 (revision ")
    assert "requests failed (" in text
    assert "set spec.rollout.retry to 1" in text

    code, output, errors = why(server, rolled_back, "-o", "json")
    assert (code, errors) == (0, "")
    story = json.loads(output)
    (harm,) = [entry for entry in story["history"] if entry["cause"] == "Errors"]
    assert harm["evidence"]["failures"] > 100
    assert f"    {harm['compared'][0]}" in text.splitlines()


def test_what_is_not_there_or_not_allowed_is_one_sentence(server: ApiServer, rolled_back: str) -> None:
    namespace = rolled_back.partition("/")[0]
    assert why(server, f"{namespace}/trains") == (
        1,
        "",
        f"modelward why: no ModelDeployment trains in namespace {namespace}: there are flights\n",
    )
    assert why(server, "nowhere/flights") == (1, "", "modelward why: no namespace nowhere\n")
    code, output, errors = why(server, rolled_back, user="controller-manager")
    assert (code, output, len(errors.splitlines())) == (1, "", 1)
    assert "is forbidden" in errors
