"""kopf's settings that the operator's safety rests on."""

import itertools

from modelward.handlers.kopf_settings import operator_settings


def test_watch_is_tried_again_for_ever_every_time() -> None:
    backoffs = operator_settings().networking.error_backoffs
    assert not isinstance(backoffs, float)

    for _ in range(2):
        assert list(itertools.islice(backoffs, 100))[-1] == 2.0


def test_children_are_watched_by_our_label_only() -> None:
    selectors = operator_settings().watching.label_selectors

    assert set(selectors.values()) == {"app.kubernetes.io/managed-by=modelward"}
    assert len(selectors) == 3
