from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from modelward.clients.kube import Conflict
from modelward.decide.plan import Key
from modelward.engine.freshness import Freshness

KEY, NOW = Key("ModelDeployment", "ns", "flights"), datetime(2026, 1, 1, tzinfo=UTC)


def read(version: int) -> dict[str, Any]:
    return {"apiVersion": "modelward.dev/v1alpha1", "metadata": {"resourceVersion": str(version)}}


def is_outdated(known: Freshness, found: dict[str, Any] | None, after: int = 0) -> bool:
    try:
        known.require(KEY, found, NOW + timedelta(seconds=after))
    except Conflict:
        return True
    return False


def test_read_before_what_the_watch_has_told_is_outdated() -> None:
    known = Freshness({KEY: "99"})
    assert is_outdated(known, read(98))
    assert not is_outdated(known, read(99))
    assert not is_outdated(known, read(100)), "numbers, not words"


def test_read_before_what_was_just_written_is_outdated() -> None:
    known = Freshness()
    known.note(KEY, read(7), NOW)
    assert is_outdated(known, read(6), after=29)
    assert not is_outdated(known, read(7))


def test_object_that_is_missing_is_outdated_until_its_end_is_told() -> None:
    told = {KEY: "9"}
    known = Freshness(told)
    assert is_outdated(known, None)
    del told[KEY]
    assert not is_outdated(known, None)


def test_cluster_that_was_restored_from_a_backup_is_looked_at_again() -> None:
    told = {KEY: "9000"}
    known = Freshness(told)
    known.note(KEY, read(9000), NOW)
    told[KEY] = "500"  # listed anew by the watch
    assert is_outdated(known, read(500))
    assert not is_outdated(known, read(500), after=31)


@pytest.mark.parametrize("version", ["", "abc"])
def test_version_that_is_no_number_says_nothing(version: str) -> None:
    assert not is_outdated(Freshness({KEY: version}), read(1))
