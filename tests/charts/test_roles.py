"""Who may what: the table in the chart's README, each cell of it tried by impersonation on a real API server."""

import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
import pytest

from api.client import Manifest, wait_until
from api.manifests import DIGEST, KINDS, manifest
from charts.conftest import CHART, Run
from localcluster.api import ApiServer

NAMESPACE = "team-b"
BUILT_IN = {"view", "edit", "admin"}
EVERY_KIND = {f"{kind.lower()}s": kind for kind in KINDS}
ACTIONS = {
    ("modeldeployments", "promote"): ("promote ab", "promote-full ab", "resume ab", "retry ab"),
    ("modeldeployments", "rollback"): ("abort ab", "rollback ab", "pause ab"),
    ("modeldeployments", "approve"): ("approve ab",),
    ("modelversions", "alias"): ("alias champion", "unalias champion"),
    ("modelversions", "approve"): (f"approve {DIGEST}", f"withdraw {DIGEST}"),
}
VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
Cell = tuple[str, str]
"""Resource and verb."""


def granted() -> dict[str, set[Cell]]:
    """By role, what the README says."""
    (found,) = re.findall(r"## Roles.*?\n((?:\|[^\n]*\|\n)+)", (CHART / "README.md").read_text(), re.DOTALL)
    head, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in found.splitlines())
    roles = [re.findall(r"`([a-z-]+)`", cell) for cell in head]
    may: dict[str, set[Cell]] = {role: set() for names in roles for role in names}
    for resources, verbs, *cells in rows:
        names = list(EVERY_KIND) if resources == "all kinds" else resources.split(", ")
        here = {(name, verb) for name in names for verb in verbs.split(", ")}
        for column, cell in enumerate(cells, start=2):
            for role in roles[column]:
                may[role] |= here if cell else set()
    return may


GRANTED = granted()
PEOPLE = list(GRANTED)


@dataclass
class Person:
    """With one role in the namespace. All is asked as a dry run."""

    http: httpx.Client
    name: str

    def ask(self, verb: str, resource: str) -> int:
        """The HTTP status of one request for that verb."""
        plural, _, part = resource.partition("/")
        collection = f"/apis/modelward.dev/v1alpha1/namespaces/{NAMESPACE}/{plural}"
        one = f"{collection}/flights" + (f"/{part}" if part else "")
        match verb:
            case "get":
                return self._send("GET", one)
            case "list":
                return self._send("GET", collection)
            case "watch":
                return self._send("GET", f"{collection}?watch=true&timeoutSeconds=1")
            case "create":
                return self._send("POST", collection, manifest(EVERY_KIND[plural], NAMESPACE, {"metadata.name": "new"}))
            case "update":
                return self._send("PUT", one, self.read(one))
            case "patch":
                body = {"spec": {"replicas": 2}} if part == "scale" else {"metadata": {"annotations": {"note": "one"}}}
                return self._send("PATCH", one, body)
            case "delete":
                return self._send("DELETE", one)
            case _:
                return self._send("DELETE", collection)

    def patch(self, plural: str, change: Manifest) -> httpx.Response:
        return self._request("PATCH", f"/apis/modelward.dev/v1alpha1/namespaces/{NAMESPACE}/{plural}/flights", change)

    def act(self, plural: str, action: str) -> httpx.Response:
        words = {"modelward.dev/action": action, "modelward.dev/requested-by": self.name}
        return self.patch(plural, {"metadata": {"annotations": words}})

    def read(self, path: str) -> Any:
        return self.http.get(path).raise_for_status().json()

    def _send(self, method: str, path: str, body: Any = None) -> int:
        return self._request(method, path, body).status_code

    def _request(self, method: str, path: str, body: Any = None) -> httpx.Response:
        parameters = {} if method == "GET" else {"dryRun": "All"}
        kind = {"Content-Type": "application/merge-patch+json"} if method == "PATCH" else {}
        with self.http.stream(
            method, path, json=body, params=parameters or None, headers={"Impersonate-User": self.name, **kind}
        ) as answer:
            if "watch=" not in path:
                answer.read()
            return answer


@pytest.fixture(scope="module")
def http(server: ApiServer) -> Iterator[httpx.Client]:
    keys = server.plane.authority
    context = ssl.create_default_context(cafile=keys / "ca.crt")
    context.load_cert_chain(keys / "admin.crt", keys / "admin.key")
    with httpx.Client(base_url=server.url, verify=context, timeout=30, trust_env=False) as http:
        yield http


@pytest.fixture
def people(helm: Run, kubectl: Run, http: httpx.Client) -> dict[str, Person]:
    """One of each role, by its name; one object of each kind, named flights."""
    done = helm("install", "modelward", str(CHART), "--set", "actions.verified=true")
    assert done.ok, done.out
    for kind in KINDS:
        wait_until(partial(_is_there, http, kind), f"a {kind} is there")
    for person in PEOPLE:
        role = person if person in BUILT_IN else f"modelward-{person}"
        words = (
            "create",
            "rolebinding",
            person,
            f"--clusterrole={role}",
            f"--user={person}",
            f"--namespace={NAMESPACE}",
        )
        done = kubectl(*words)
        assert done.ok or "already exists" in done.out, done.out
    found = {person: Person(http, person) for person in PEOPLE}
    for person in found.values():
        plural, verb = next(cell for cell in sorted(GRANTED[person.name]) if cell[1] == "list")
        wait_until(partial(_may, person, verb, plural), f"{person.name} may {verb} {plural}")
    wait_until(lambda: found["admin"].act("modeldeployments", "nonsense ab").is_error, "the policies are in force")
    return found


def _is_there(http: httpx.Client, kind: str) -> bool:
    collection = f"/apis/modelward.dev/v1alpha1/namespaces/{NAMESPACE}/{kind.lower()}s"
    answer = http.post(collection, json=manifest(kind, NAMESPACE))
    return answer.is_success or answer.status_code == httpx.codes.CONFLICT


def _may(person: Person, verb: str, resource: str) -> bool:
    return person.ask(verb, resource) != httpx.codes.FORBIDDEN


def test_each_role_may_do_to_each_kind_what_the_table_says_and_nothing_else(people: dict[str, Person]) -> None:
    tried = [(resource, verb) for resource in EVERY_KIND for verb in VERBS]
    tried += [("modeldeployments/scale", verb) for verb in ("get", "update", "patch")]
    tried += [(f"{resource}/status", verb) for resource in EVERY_KIND for verb in ("update", "patch")]
    asked = set(tried)
    assert {cell for cells in GRANTED.values() for cell in cells} - asked == set(ACTIONS), "all of the table is tried"
    for name, person in people.items():
        may = {(resource, verb) for resource, verb in tried if _may(person, verb, resource)}
        assert may == GRANTED[name] & asked, name


def test_each_role_may_ask_for_the_actions_that_the_table_says(people: dict[str, Person]) -> None:
    for name, person in people.items():
        for (plural, verb), actions in ACTIONS.items():
            for action in actions:
                answer = person.act(plural, action)
                may_patch = (plural, "patch") in GRANTED[name]
                assert answer.is_success == ((plural, verb) in GRANTED[name] and may_patch), (name, action, answer.text)
                assert answer.is_success or not may_patch or f"needs the right to {verb}" in answer.text


def test_approver_writes_annotations_and_nothing_else(people: dict[str, Person]) -> None:
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "gone", "uid": "1"}
    changes: dict[str, Any] = {
        "labels": {"metadata": {"labels": {"team": "b"}}},
        "an owner that is not there": {"metadata": {"ownerReferences": [owner]}},
        "a finalizer": {"metadata": {"finalizers": ["example.com/never"]}},
    }
    specs = {"modeldeployments": {"spec": {"replicas": 5}}, "modelversions": {"spec": {"task": "regression"}}}
    for plural, spec in specs.items():
        for change in (*changes.values(), spec):
            answer = people["approver"].patch(plural, change)
            assert answer.is_error, (plural, change)
            assert "may write annotations only" in answer.text or plural == "modelversions", answer.text
        assert people["ml-engineer"].patch(plural, changes["labels"]).is_success


def test_role_takes_up_what_an_administrator_adds(people: dict[str, Person], kubectl: Run) -> None:
    added = ("create", "clusterrole", "more-for-data-scientists", "--verb=create", "--resource=persistentvolumeclaims")
    assert kubectl(*added).ok
    label = "modelward.dev/aggregate-to-data-scientist=true"
    assert kubectl("label", "clusterrole", "more-for-data-scientists", label).ok
    ask = ("auth", "can-i", "create", "persistentvolumeclaims", "--as=data-scientist", f"--namespace={NAMESPACE}")
    wait_until(lambda: kubectl(*ask).ok, "the role has the added right")
    assert kubectl("delete", "clusterrole", "more-for-data-scientists").ok
