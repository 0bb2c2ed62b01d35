"""When checks of the user's own are asked, of whom, and what is made of their answers."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from modelward.api import ModelDeployment
from modelward.decide.judge.promql import Answer, Check
from modelward.observe.checks import Questions, checks_of
from modelward.settings import PrometheusServer, Settings

SERVERS = (PrometheusServer(name="first", url="http://a"), PrometheusServer(name="second", url="http://b"))
SETTINGS = Settings(training_image="t", scoring_image="s", prometheus=SERVERS)
BEGAN = "2026-01-01T00:00:00Z"
TRIED = {"candidate": "bb", "stable": "aa"}


def revision(name: str) -> dict[str, Any]:
    return {
        "revision": name,
        "modelVersion": f"flights-{name}",
        "version": 1,
        "digest": "sha256:" + "00" * 32,
        "image": "i",
        "since": BEGAN,
    }


class Shop:
    """One deployment, and servers that answer `answer` at once, or `None`: never."""

    def __init__(self, *checks: dict[str, Any], settings: Settings = SETTINGS) -> None:
        self.spec: list[dict[str, Any]] = list(checks)
        self.status: dict[str, Any] = {"phase": "Canary", "rolloutStarted": BEGAN}
        self.status |= {side: revision(name) for side, name in TRIED.items()}
        self.settings, self.questions, self.now = settings, Questions(), datetime(2026, 1, 1, tzinfo=UTC)
        self.asked: list[tuple[str, str]] = []
        self.answer: Answer | None = Answer(5.0)

    async def ask(self, server: PrometheusServer, query: str) -> Answer:
        self.asked.append((server.name, query))
        if self.answer is None:
            await asyncio.Event().wait()
        assert self.answer
        return self.answer

    async def look(self, seconds: float = 2.0) -> tuple[Check, ...]:
        deployment = ModelDeployment.model_validate(
            {
                "metadata": {"name": "flights", "namespace": "ns"},
                "spec": {"modelRef": {"name": "flights"}, "analysis": {"promql": self.spec}},
                "status": self.status,
            }
        )
        found = checks_of(self.questions, deployment, self.settings, self.ask, self.now)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        self.now += timedelta(seconds=seconds)
        return found

    async def looks(self, seconds: float) -> tuple[Check, ...]:
        until, found = self.now + timedelta(seconds=seconds), ()
        while self.now < until:
            found = await self.look()
        return found


async def test_query_is_asked_of_the_first_server_with_its_placeholders_filled() -> None:
    query = 'a{ns="{{namespace}}", d="{{ name }}", c="{{candidate}}"} / a{c="{{stable}}"} + {x="}}"}'
    shop = Shop({"query": query, "maximum": 1})
    await shop.look()
    assert shop.asked == [("first", 'a{ns="ns", d="flights", c="bb"} / a{c="aa"} + {x="}}"}')]


async def test_after_a_promotion_the_sides_are_the_same_revisions() -> None:
    shop = Shop({"query": "{{candidate}} {{stable}}", "maximum": 1})
    shop.status |= {"phase": "Baking", "stable": revision("bb"), "previous": revision("aa"), "candidate": None}
    await shop.look()
    assert shop.asked == [("first", "bb aa")]


async def test_nothing_is_asked_where_no_version_is_on_trial() -> None:
    shop = Shop({"query": "up", "maximum": 1})
    shop.status["phase"] = "Stable"
    (check,) = await shop.looks(30)
    assert (shop.asked, check.answer) == ([], None)


async def test_each_check_is_asked_every_ten_seconds_and_answered_by_the_next_look() -> None:
    shop = Shop({"query": "up", "maximum": 9}, {"name": "other", "query": "up", "minimum": 1, "server": "second"})
    assert [check.answer for check in await shop.look()] == [None, None]
    assert [check.answer.value for check in await shop.look() if check.answer] == [5.0, 5.0]
    await shop.looks(27)
    assert [server for server, _ in shop.asked].count("first") == 4
    assert len(shop.asked) == 8


async def test_three_answers_in_a_row_are_counted_and_one_within_ends_the_row() -> None:
    shop = Shop({"query": "up", "maximum": 1})
    assert [(await shop.looks(10))[0].in_a_row for _ in range(4)] == [1, 2, 3, 3]
    shop.answer = Answer(1.0)
    assert (await shop.looks(10))[0].in_a_row == 0


async def test_no_answer_ends_the_row() -> None:
    shop = Shop({"query": "up", "maximum": 1})
    await shop.looks(20)
    shop.answer = Answer(reason="NoAnswer", message="away")
    (check,) = await shop.looks(10)
    assert (check.reason, check.in_a_row) == ("NoAnswer", 0)


async def test_silent_server_holds_up_no_look_and_its_old_answers_tell_nothing() -> None:
    shop = Shop({"query": "up", "maximum": 1})
    await shop.looks(10)
    shop.answer = None
    (check,) = await shop.looks(50)
    assert check.answer is not None
    (check,) = await shop.looks(30)
    assert check.answer is None
    assert len(shop.asked) == 2
    shop.questions.forget(but=set())
    await asyncio.sleep(0)


async def test_row_goes_on_where_another_operator_takes_over_and_not_after_a_long_time() -> None:
    for away, row in ((15, 3), (3600, 1)):
        shop = Shop({"query": "up", "maximum": 1})
        (check,) = await shop.looks(20)
        assert check.answer
        shop.questions = Questions([check.answer])
        shop.now += timedelta(seconds=away)
        await shop.look()
        (check,) = await shop.look()
        assert check.in_a_row == row


async def test_another_question_or_rollout_begins_another_row() -> None:
    shop = Shop({"query": "up", "maximum": 1})
    await shop.looks(20)
    shop.spec = [{"query": "up", "maximum": 2}]
    assert (await shop.looks(10))[0].in_a_row == 1
    shop.status["rolloutStarted"] = "2026-01-01T00:01:00Z"
    assert (await shop.looks(10))[0].in_a_row == 1


async def test_server_that_the_installation_does_not_name_is_not_asked() -> None:
    shop = Shop({"name": "errors", "query": "up", "maximum": 1, "server": "third"})
    shop.status["phase"] = "Stable"
    (check,) = await shop.look()
    assert shop.asked == []
    assert check.answer
    assert check.answer.reason == "ServerNotAllowed"
    assert check.answer.message.startswith("this installation has no Prometheus server third (it has first, second)")
    assert "errors" in check.answer.message
    alone = Shop({"query": "up", "maximum": 1}, settings=SETTINGS.model_copy(update={"prometheus": ()}))
    (check,) = await alone.look()
    assert check.answer
    assert "names no Prometheus server to ask (it has none)" in check.answer.message
