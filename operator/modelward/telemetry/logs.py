"""Logs as JSON lines, each with the object it is about. No payloads, no secrets."""

import contextlib
import json
import logging
import sys
from collections.abc import Iterator
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

_subject: ContextVar[Any] = ContextVar("subject", default=None)
_EXTRAS = ("retry_after", "settings")


@contextlib.contextmanager
def about(key: Any) -> Iterator[None]:
    """Lines logged within are about this object (kind, namespace, name)."""
    token = _subject.set(key)
    try:
        yield
    finally:
        _subject.reset(token)


class JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        subject = _subject.get()
        if subject is not None:
            line["object"] = {"kind": subject.kind, "namespace": subject.namespace, "name": subject.name}
        line |= {name: getattr(record, name) for name in _EXTRAS if hasattr(record, name)}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def configure(level: str = "INFO") -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # kopf tells of every event it hands over; what matters of it is a warning.
    logging.getLogger("kopf").setLevel(logging.WARNING)
