"""Asks the user's own checks of a candidate, on trial and while it is watched after its promotion.

Each is asked every ten seconds and answered in the background: a server that is slow or down holds up no look at the
candidate, and an answer is taken up by the next look. The row of answers lies in status, so that another operator goes
on with it.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from datetime import datetime
from typing import Any

from modelward.api import ModelDeployment
from modelward.api.model_deployment import CheckAnswer, PromqlCheck
from modelward.decide.judge.promql import (
    SERVER_NOT_ALLOWED,
    Answer,
    Check,
    filled,
    followed,
    fresh,
    name_of,
    question,
)
from modelward.errors import Refused
from modelward.settings import PrometheusServer, Settings

ASK_SECONDS = 10.0

Ask = Callable[[PrometheusServer, str], Coroutine[Any, Any, Answer]]
"""A query of a server. Raises nothing."""


class Questions:
    """Of one ModelDeployment, by their ids. `known`: the answers that its status holds."""

    def __init__(self, known: Iterable[CheckAnswer] = ()) -> None:
        self.answers = {answer.id: answer for answer in known}
        self._asked: dict[str, datetime] = {}
        self._under_way: dict[str, asyncio.Task[Answer]] = {}

    def due(self, id_: str, now: datetime) -> bool:
        asked = self._asked.get(id_)
        waited = asked is None or not 0 <= (now - asked).total_seconds() < ASK_SECONDS
        return waited and id_ not in self._under_way

    def put(self, id_: str, asking: Coroutine[Any, Any, Answer], now: datetime) -> None:
        self._asked[id_], self._under_way[id_] = now, asyncio.create_task(asking)

    def taken_up(self, id_: str) -> Answer | None:
        """What has come since the last look."""
        task = self._under_way.get(id_)
        return self._under_way.pop(id_).result() if task and task.done() else None

    def forget(self, but: set[str]) -> None:
        """All others."""
        for id_ in self._under_way.keys() - but:
            self._under_way.pop(id_).cancel()
        self.answers = {id_: answer for id_, answer in self.answers.items() if id_ in but}
        self._asked = {id_: asked for id_, asked in self._asked.items() if id_ in but}


def checks_of(
    questions: Questions, deployment: ModelDeployment, settings: Settings, ask: Ask, now: datetime
) -> tuple[Check, ...]:
    """Of spec.analysis.promql, in its order. Where nothing is on trial nothing is asked."""
    sides, found, current = _sides(deployment), [], set()
    for index, check in enumerate(deployment.spec.analysis.promql):
        name = name_of(check, index)
        try:
            server = server_of(check, name, settings)
        except Refused as problem:
            found.append(Check(name, check, CheckAnswer(id="", name=name, reason=problem.reason, message=str(problem))))
            continue
        if sides is None:
            found.append(Check(name, check))
            continue
        query = filled(check.query, sides)
        id_ = question(deployment.status.rollout_started or "", server.name, query, check)
        current.add(id_)
        if answer := questions.taken_up(id_):
            questions.answers[id_] = followed(questions.answers.get(id_), id_, name, check, answer, now)
        if questions.due(id_, now):
            questions.put(id_, ask(server, query), now)
        known = questions.answers.get(id_)
        found.append(Check(name, check, known if known and fresh(known, now) else None))
    questions.forget(but=current)
    return tuple(found)


def server_of(check: PromqlCheck, name: str, settings: Settings) -> PrometheusServer:
    """Raises Refused: only those that the installation names may be asked, or the operator could be sent anywhere."""
    servers = settings.prometheus
    found = next((server for server in servers if check.server in (None, server.name)), None)
    if found:
        return found
    known = f"it has {', '.join(server.name for server in servers)}" if servers else "it has none"
    asked = f"has no Prometheus server {check.server}" if check.server else "names no Prometheus server to ask"
    raise Refused(
        SERVER_NOT_ALLOWED,
        f"this installation {asked} ({known}): change or leave out analysis.promql's check {name}, or ask who installed"
        " Modelward to add the server to the chart's prometheus.servers",
    )


def _sides(deployment: ModelDeployment) -> dict[str, str] | None:
    """What the placeholders stand for. None where no version is on trial or watched."""
    status = deployment.status
    match status.phase:
        case "Canary" | "Paused" | "Promoting":
            tried, instead = status.candidate, status.stable
        case "Baking":
            tried, instead = status.stable, status.previous
        case _:
            return None
    if tried is None or instead is None:
        return None
    return {
        "namespace": deployment.metadata.namespace,
        "name": deployment.metadata.name,
        "candidate": tried.revision,
        "stable": instead.revision,
    }
