"""Why the API server refuses the pods of a Job or a Deployment: quota, LimitRange, Pod Security, a webhook.

A Deployment carries it as a condition. A Job does not: its controller tells it in Events only, which is why the
operator may list those. (To try a pod for oneself would need the right to create any.)
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from modelward.clients.kube import Kube
from modelward.decide.conditions import NEVER
from modelward.decide.observed import parse_time
from modelward.names import Manifest

_HEAD = re.compile(r'^(Error creating: )?(pods?) "[^"]*" (is forbidden|is invalid): ', re.IGNORECASE)
_MOST = 1000


async def refusal_of_job(kube: Kube, job: Manifest, pods: Sequence[Manifest]) -> str | None:
    """What its controller was told when it last tried to make a pod, if none came of it since."""
    metadata = job["metadata"]
    selected = {"involvedObject.uid": metadata["uid"], "reason": "FailedCreate"}
    events = await kube.list("v1", "Event", metadata["namespace"], fields=selected)
    newest = max(events, key=_time, default=None)
    made = max((_moment(pod["metadata"].get("creationTimestamp")) for pod in pods), default=None)
    if newest is None or (made is not None and made >= _time(newest)):
        return None
    return in_its_words(newest.get("message", ""))


def refusal_of_deployment(status: dict[str, Any]) -> str | None:
    for condition in status.get("conditions", []):
        if condition["type"] == "ReplicaFailure" and condition["status"] == "True":
            return in_its_words(condition.get("message", ""))
    return None


def in_its_words(message: str) -> str:
    """Without the pod's name, which is another one at each try."""
    text = " ".join(_HEAD.sub("", message).removeprefix("Error creating: ").split())
    return text if len(text) <= _MOST else f"{text[: _MOST - 1]}…"


def _time(event: Manifest) -> datetime:
    series = event.get("series") or {}
    told = (series.get("lastObservedTime"), event.get("lastTimestamp"), event.get("eventTime"))
    return _moment(next(filter(None, told), event["metadata"].get("creationTimestamp")))


def _moment(text: str | None) -> datetime:
    return parse_time(text or NEVER)
