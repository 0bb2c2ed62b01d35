"""With `actions.verified` the API server lets people act on a rollout under their own name and with a right only."""

import json
import time

import pytest

from api.client import wait_until
from api.manifests import manifest
from charts.conftest import CHART, Run

PEOPLE = {"ada": "promote,rollback", "eve": "approve", "bob": "get"}
"""And everybody may write ModelDeployments."""


@pytest.fixture
def guarded(helm: Run, kubectl: Run) -> None:
    done = helm("install", "modelward", str(CHART), "--set", "actions.verified=true", "--set", "crds.enabled=true")
    assert done.ok, done.out
    for person, verbs in PEOPLE.items():
        role = ["create", "role", person, "--namespace=team-a", f"--verb={verbs},get,list,update,patch"]
        assert kubectl(*role, "--resource=modeldeployments.modelward.dev").ok
        bind = ["create", "rolebinding", f"act-{person}", f"--role={person}", f"--user={person}", "--namespace=team-a"]
        assert kubectl(*bind).ok
    found = manifest("ModelDeployment", "team-a", {"spec.rollout": {"approval": "Required"}})
    wait_until(lambda: kubectl("apply", "--filename=-", stdin=json.dumps(found)).ok, "the deployment is there")
    wait_until(lambda: "own name" in act(kubectl, "ada", "abort ab", by="eve"), "the policy is in force")


def act(kubectl: Run, person: str, action: str, by: str = "") -> str:
    """What the API server says; each time other words, so that each is a change."""
    words = (f"modelward.dev/action={action} {time.monotonic_ns()}", f"modelward.dev/requested-by={by or person}")
    who = (f"--as={person}", "--namespace=team-a", "--overwrite")
    return kubectl("annotate", "mdep", "flights", *words, *who).out


def test_action_needs_the_own_name_and_a_right(guarded: None, kubectl: Run) -> None:
    for verb in ("promote", "promote-full", "resume", "retry", "abort", "rollback", "pause"):
        assert "annotated" in act(kubectl, "ada", f"{verb} ab")
        for person in ("eve", "bob"):
            assert f"{person} needs the right to" in act(kubectl, person, f"{verb} ab")
    assert "ada needs the right to approve" in act(kubectl, "ada", "approve ab")
    assert "annotated" in act(kubectl, "eve", "approve ab")
    assert "requested-by=bob" in act(kubectl, "bob", "abort ab", by="ada")
    for words in ("promot ab", "abort\tab", "ABORT\u00a0ab", "rollbac\u212a 1"):
        assert "with one of promote" in act(kubectl, "ada", words)

    plain = kubectl("label", "mdep", "flights", "team=a", "--as=bob", "--namespace=team-a")
    assert plain.ok, "what stands there is not asked for again"

    without = ("patch", "mdep", "flights", "--namespace=team-a", "--type=merge")
    away = '{"spec":{"rollout":{"approval":"Automatic"}}}'
    assert "ada needs the right to approve" in kubectl(*without, f"--patch={away}", "--as=ada").out
    assert kubectl(*without, f"--patch={away}", "--as=eve").ok
    assert kubectl("annotate", "mdep", "flights", "modelward.dev/action-", "--as=bob", "--namespace=team-a").ok
