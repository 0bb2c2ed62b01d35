"""What a person asks of a ModelVersion: aliases and approvals, each word once, with who, when and why."""

from datetime import timedelta
from typing import Any

import pytest

from modelward.api import ModelVersion
from modelward.decide.aliases import holder
from modelward.decide.model_version import ModelVersionObserved, decide
from modelward.decide.plan import Event

from .simulated import SETTINGS, START, version

DIGEST = version(1).spec.digest


class Registry:
    """Versions of one model, looked at as the operator does, in the order in which they are asked."""

    def __init__(self, *numbers: int, verified: bool = False) -> None:
        self.versions = {f"flights-{number}": version(number) for number in numbers}
        self.settings = SETTINGS.model_copy(update={"actions_verified": verified})
        self.now, self.events, self._writes = START, list[Event](), 0
        for name in self.versions:
            self.look(name)

    def write(self, name: str, **annotations: str) -> None:
        keys = {f"modelward.dev/{key.replace('_', '-')}": value for key, value in annotations.items()}
        found, self._writes = self.versions[name], self._writes + 1
        metadata = found.metadata.model_copy(
            update={"annotations": found.metadata.annotations | keys, "resource_version": str(self._writes)}
        )
        self.versions[name] = found.model_copy(update={"metadata": metadata})

    def look(self, name: str, asked_at: str | None = None) -> None:
        found = self.versions[name]
        observed = ModelVersionObserved(found, versions=tuple(self.versions.values()), asked_at=asked_at)
        plan = decide(observed, self.settings, self.now)
        assert plan.status
        self.events += plan.events
        self.versions[name] = ModelVersion.model_validate(
            {"metadata": found.metadata.wire(), "spec": found.spec.wire(), "status": plan.status.wire()}
        )
        self.now += timedelta(seconds=1)

    def ask(self, name: str, action: str, **annotations: str) -> str:
        """The answer."""
        self.write(name, action=action, **annotations)
        self.look(name)
        return self.answer(name)

    def answer(self, name: str) -> str:
        done = self.versions[name].status.condition("ActionDone")
        return f"{done.reason}: {done.message}" if done else ""

    def settle(self) -> None:
        for _ in range(2):
            for name in self.versions:
                self.look(name)

    def holder(self, alias: str = "champion") -> str | None:
        found = holder(alias, self.versions.values())
        return found[0].metadata.name if found else None

    def aliases(self, name: str) -> list[tuple[str, str | None, bool]]:
        """Name, why, whether it ends there."""
        return [(word.name, word.why, bool(word.removed)) for word in self.versions[name].status.aliases]

    def shown(self) -> dict[str, str | None]:
        return {name: found.status.alias for name, found in self.versions.items()}


def test_alias_is_recorded_with_who_when_and_why() -> None:
    registry = Registry(1)
    answer = registry.ask("flights-1", "alias champion best on weekends", requested_by="ada")
    assert answer == "Done: flights-1 is champion of flights, by ada (unverified): best on weekends"
    (word,) = registry.versions["flights-1"].status.wire()["aliases"]
    assert word == {
        "name": "champion",
        "time": "2026-01-01T00:00:01Z",
        "by": "ada",
        "verified": False,
        "why": "best on weekends",
        "order": 1,
    }
    assert registry.shown() == {"flights-1": "champion"}
    assert [event.reason for event in registry.events] == ["AliasSet"]


def test_alias_moves_and_the_version_before_tells_to_whom() -> None:
    registry = Registry(1, 2)
    registry.ask("flights-1", "alias champion")
    assert "in place of flights-1" in registry.ask("flights-2", "alias champion")
    assert registry.holder() == "flights-2"
    registry.settle()
    assert registry.aliases("flights-1") == [("champion", None, False), ("champion", "given to flights-2", True)]
    assert registry.shown() == {"flights-1": None, "flights-2": "champion"}
    assert registry.versions["flights-2"].status.aliases[0].before == "flights-1"

    del registry.versions["flights-2"]
    registry.settle()
    assert registry.holder() is None, "it does not fall back to whoever held it once"


def test_alias_is_taken_away_and_given_again() -> None:
    registry = Registry(1, 2)
    registry.ask("flights-1", "alias champion")
    assert "not champion of flights any more" in registry.ask("flights-1", "unalias champion too slow")
    assert registry.holder() is None
    assert "given" not in registry.ask("flights-1", "alias champion", requested_at="now")
    assert registry.holder() == "flights-1"
    assert registry.aliases("flights-1") == [
        ("champion", None, False),
        ("champion", "too slow", True),
        ("champion", None, False),
    ]


def test_words_that_stand_or_come_back_never_act_again() -> None:
    registry = Registry(1, 2)
    registry.ask("flights-1", "alias champion")
    registry.ask("flights-2", "alias champion")
    registry.settle()
    before = registry.versions["flights-1"].status
    registry.settle()
    assert registry.versions["flights-1"].status == before
    registry.ask("flights-1", "alias other")
    registry.ask("flights-1", "alias champion")
    assert registry.holder() == "flights-2", "an old annotation that a backup brings back"
    registry.ask("flights-1", "alias champion", requested_at="2026-02-01")
    assert registry.holder() == "flights-1", "who asks again says when"


def test_what_a_version_was_created_with_never_acts() -> None:
    registry = Registry()
    registry.versions["flights-1"] = version(1)
    assert "ask again" in registry.ask("flights-1", "alias champion")
    registry.settle()
    assert registry.holder() is None
    assert registry.ask("flights-1", "alias champion", requested_at="now").startswith("Done")


@pytest.mark.parametrize("later_first", [False, True])
def test_moves_that_nobody_saw_end_as_they_were_asked_for(later_first: bool) -> None:
    registry = Registry(1, 2)
    registry.write("flights-1", action="alias champion")
    registry.write("flights-2", action="alias champion")
    asked = {"flights-1": "2026-01-01T00:00:10Z", "flights-2": "2026-01-01T00:00:20Z"}
    for name in sorted(asked, reverse=later_first):
        registry.look(name, asked[name])
    registry.settle()
    assert registry.shown() == {"flights-1": None, "flights-2": "champion"}


def test_moves_within_a_second_end_as_they_were_asked_for() -> None:
    registry = Registry(1, 2)
    for name in ("flights-2", "flights-1"):
        registry.write(name, action="alias champion")
        registry.look(name, "2026-01-01T00:00:10Z")
    registry.settle()
    assert registry.shown() == {"flights-1": "champion", "flights-2": None}


def test_approval_names_the_digest_and_is_withdrawn() -> None:
    registry = Registry(1, verified=True)
    assert f"write `approve {DIGEST}`" in registry.ask("flights-1", "approve sha256:12")
    assert "flights-1 is approved, by ada: reviewed" in registry.ask(
        "flights-1", f"approve {DIGEST} reviewed", requested_by="ada"
    )
    status = registry.versions["flights-1"].status
    assert status.approval
    assert (status.approval.by, status.approval.verified) == ("ada", True)
    assert "approved already, by ada" in registry.ask("flights-1", f"approve {DIGEST} me too", requested_by="bob")
    registry.ask("flights-1", f"withdraw {DIGEST} bias found", requested_by="bob")
    status = registry.versions["flights-1"].status
    assert status.approval is None
    assert [(word.by, word.why, word.removed) for word in status.approvals] == [
        ("ada", "reviewed", None),
        ("bob", "bias found", True),
    ]


@pytest.mark.parametrize(
    ("action", "answer"),
    [
        ("alias", "an alias is a word"),
        ("alias 3", "an alias is a word"),
        ("alias latest", "an alias is a word"),
        ("alias Champion", "an alias is a word"),
        ("unalias champion", "flights-1 is not champion; no version is"),
        ("approve", "write `approve sha256:"),
        ("withdraw " + DIGEST, "flights-1 is not approved"),
        ("promote 12", 'write "alias NAME [reason]"'),
    ],
)
def test_what_cannot_be_done_is_answered_once_and_says_what_can(action: str, answer: str) -> None:
    registry = Registry(1)
    assert registry.ask("flights-1", action).startswith("Refused: ")
    assert answer in registry.answer("flights-1")
    registry.settle()
    assert [event.reason for event in registry.events] == ["ActionRefused"]
    assert registry.versions["flights-1"].status.aliases == []


def test_answer_goes_with_the_annotation() -> None:
    registry = Registry(1)
    registry.ask("flights-1", "alias champion")
    registry.write("flights-1", action="")
    registry.look("flights-1")
    assert registry.answer("flights-1") == ""
    assert registry.holder() == "flights-1"


def test_list_that_is_full_takes_no_alias_but_the_ends_of_what_is_held() -> None:
    registry = Registry(1, 2)
    for number in range(60):
        registry.ask("flights-1", f"alias a{number}")
    assert "name another version" in registry.answer("flights-1")
    held = registry.versions["flights-1"].status
    assert len(held.aliases) == 50
    for number in range(50):
        registry.ask("flights-2", f"alias a{number}")
    registry.settle()
    words: Any = registry.versions["flights-1"].status.aliases
    assert (len(words), registry.shown()["flights-1"]) == (100, None)
