"""A new verified version opens a change in Git: the example's script, a real repository and a real API server."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from api.client import Api, Manifest
from api.manifests import manifest
from gitserver import Repository
from localcluster import parts, paths
from localcluster.api import ApiServer

EXAMPLE = paths.REPOSITORY / "examples/argocd"
SCRIPT = EXAMPLE / "propose-version/propose-version.sh"
FILE = "modeldeployment.yaml"
WHEN = "2026-01-02T03:04:05Z"

Propose = Callable[..., str]


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """With the example's ModelDeployment, which asks for version 1."""
    repository = Repository(tmp_path / "models")
    (repository.folder / FILE).write_text((EXAMPLE / "team" / FILE).read_text())
    repository.commit()
    return repository


@pytest.fixture
def propose(server: ApiServer, namespace: str, repository: Repository, tmp_path: Path) -> Propose:
    def run(code: int = 0, **more: str) -> str:
        environment = {
            "PATH": f"{parts.kubectl().parent}:{os.environ['PATH']}",
            "KUBECONFIG": str(server.kubeconfig),
            "HOME": str(tmp_path),
            "NAMESPACE": namespace,
            "MODEL": "flights",
            "FILE": FILE,
            "REPOSITORY": f"file://{repository.folder}",
            "PROPOSE": f'echo "$HEAD: $TITLE" >> {tmp_path}/proposed',
            **more,
        }
        command = ["sh", str(SCRIPT)]
        done = subprocess.run(command, env=environment, text=True, capture_output=True, timeout=60, check=False)
        assert done.returncode == code, done.stderr
        return (done.stdout + done.stderr).strip()

    return run


def version(api: Api, namespace: str, number: int, verified: str = "True", role: str = "") -> Manifest:
    named = {"metadata.name": f"flights-{number}", "spec.version": number}
    labels = {"metadata.labels": {"modelward.dev/model": "flights", "modelward.dev/version": str(number)}}
    stored = api.create(manifest("ModelVersion", namespace, named | labels))
    said = {
        "status": verified,
        "reason": "GatesPassed",
        "message": "auc 0.9 (at least 0.7)",
        "lastTransitionTime": WHEN,
    }
    stored["status"] = {"conditions": [{"type": kind} | said for kind in ("Ready", "Verified")]}
    if role:
        stored["status"]["deployments"] = [{"deployment": "flights", "role": role, "since": WHEN}]
    return api.replace_status(stored)


def test_newest_verified_version_becomes_a_change_in_git(
    api: Api, namespace: str, repository: Repository, propose: Propose, tmp_path: Path
) -> None:
    for number in (1, 2, 10):
        version(api, namespace, number)
    version(api, namespace, 11, verified="False")
    version(api, namespace, 12, role="Rejected")
    head = f"modelward/{namespace}-flights-10"
    assert propose() == f"{head} is proposed: Serve flights-10 instead of flights-1"
    assert (tmp_path / "proposed").read_text() == f"{head}: Serve flights-10 instead of flights-1\n"
    changed = repository.git("diff", "--unified=0", "main", head).splitlines()[-2:]
    assert changed == ["-    version: 1 # modelward-version: flights", "+    version: 10 # modelward-version: flights"]
    told = repository.git("log", "--max-count=1", "--format=%an: %B", head)
    assert told.startswith("Modelward: Serve flights-10 instead of flights-1")
    assert "flights-10 is verified: auc 0.9 (at least 0.7)" in told
    assert "version: 1 #" in repository.git("show", f"main:{FILE}"), "what is synced is changed by people only"


def test_change_is_proposed_once_and_another_one_for_the_next_version(
    api: Api, namespace: str, repository: Repository, propose: Propose
) -> None:
    version(api, namespace, 2)
    propose()
    assert propose() == f"modelward/{namespace}-flights-2 is proposed already"
    version(api, namespace, 3)
    assert "is proposed: Serve flights-3 instead of flights-1" in propose()
    repository.git("checkout", "--quiet", "main")
    repository.git("merge", "--quiet", f"modelward/{namespace}-flights-3")
    assert propose() == "Git asks for flights-3 already"


def test_rejected_version_that_git_asks_for_is_not_proposed_again(
    api: Api, namespace: str, repository: Repository, propose: Propose
) -> None:
    for number, role in ((1, "Stable"), (2, "Rejected")):
        version(api, namespace, number, role=role)
    (repository.folder / FILE).write_text((repository.folder / FILE).read_text().replace("version: 1", "version: 2"))
    repository.commit()
    assert propose() == "Git asks for flights-2 already"


def test_nothing_is_proposed_without_a_version(propose: Propose) -> None:
    assert propose() == "no verified version of flights yet"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("version: 1", "modeldeployment.yaml has no line 'version: … # modelward-version: flights'"),
        (
            "version: Latest # modelward-version: flights",
            "modeldeployment.yaml asks for Latest: only a number is raised",
        ),
    ],
)
def test_file_that_does_not_say_what_to_raise_is_told(
    api: Api, namespace: str, repository: Repository, propose: Propose, line: str, said: str
) -> None:
    version(api, namespace, 2)
    (repository.folder / FILE).write_text(f"{line}\n")
    repository.commit()
    assert propose(1) == said
