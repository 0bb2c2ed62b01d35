"""With `actions.verified` the API server lets people name and approve versions under their own name and with a right
only."""

import json
import time

import pytest

from api.client import wait_until
from api.manifests import DIGEST, manifest
from charts.conftest import CHART, Run

PEOPLE = {"ada": "alias", "eve": "approve", "bob": "get"}
"""And everybody may write ModelVersions."""


@pytest.fixture
def guarded(helm: Run, kubectl: Run) -> None:
    done = helm("install", "modelward", str(CHART), "--set", "actions.verified=true", "--set", "crds.enabled=true")
    assert done.ok, done.out
    for person, verb in PEOPLE.items():
        role = ["create", "role", f"versions-{person}", "--namespace=team-a", f"--verb={verb},get,list,update,patch"]
        assert kubectl(*role, "--resource=modelversions.modelward.dev").ok
        bind = ["create", "rolebinding", f"versions-{person}", f"--role=versions-{person}", f"--user={person}"]
        assert kubectl(*bind, "--namespace=team-a").ok
    found = manifest("ModelVersion", "team-a")
    wait_until(lambda: kubectl("apply", "--filename=-", stdin=json.dumps(found)).ok, "the version is there")
    wait_until(lambda: "own name" in ask(kubectl, "ada", "alias champion", by="eve"), "the policy is in force")


def ask(kubectl: Run, person: str, action: str, by: str = "", at: str = "") -> str:
    """What the API server says; each time another moment, so that each is a change."""
    words = {"action": action, "requested-by": by or person, "requested-at": at or str(time.monotonic_ns())}
    written = [f"modelward.dev/{key}={value}" for key, value in words.items()]
    return kubectl("annotate", "mver", "flights", *written, f"--as={person}", "--namespace=team-a", "--overwrite").out


def test_alias_and_approval_need_the_own_name_and_a_right(guarded: None, kubectl: Run) -> None:
    for action in ("alias champion", "unalias champion"):
        assert "annotated" in ask(kubectl, "ada", action)
        for person in ("eve", "bob"):
            assert f"{person} needs the right to alias" in ask(kubectl, person, action)
    for action in (f"approve {DIGEST}", f"withdraw {DIGEST}"):
        assert "annotated" in ask(kubectl, "eve", action)
        for person in ("ada", "bob"):
            assert f"{person} needs the right to approve" in ask(kubectl, person, action)
    assert "requested-by=ada" in ask(kubectl, "ada", f"alias champion {time.monotonic_ns()}", by="eve")
    for words in ("alia champion", "alias\tchampion", "promote 12"):
        assert "alias NAME [reason]" in ask(kubectl, "ada", words)

    assert "annotated" in ask(kubectl, "ada", "alias champion", at="now")
    again = ("annotate", "mver", "flights", "--namespace=team-a", "--overwrite")
    later = kubectl(*again, "modelward.dev/requested-at=later", "--as=bob")
    assert "requested-by=bob" in later.out, "the same asked for again is asked for by who writes it"
    plain = kubectl("label", "mver", "flights", "team=a", "--as=bob", "--namespace=team-a")
    assert plain.ok, "what stands there is not asked for again"
    assert kubectl(*again, "modelward.dev/action-", "--as=bob").ok
