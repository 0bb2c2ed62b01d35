"""What the server says about itself: log lines as JSON, never with payloads, and the termination message."""

import json
import logging
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from msgspec.structs import replace

from modelward_contracts.reports import MAX_TERMINATION, Termination
from modelward_contracts.wire import canonical

TERMINATION_LOG = Path("/dev/termination-log")


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def configure_logging() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


def write_termination(said: Termination) -> None:
    """For the kubelet, cut to what it takes. Outside a container there is no such file, and none is made."""
    given = os.environ.get("MODELWARD_TERMINATION_LOG")
    path = Path(given) if given else TERMINATION_LOG
    if not given and not path.exists():
        return
    text = said.message.encode()[: MAX_TERMINATION - 200].decode(errors="ignore")
    while len(data := canonical(replace(said, message=text))) > MAX_TERMINATION:
        if not text:
            said = replace(said, serving=None)
        text = text[: max(0, len(text) - 50)]
    try:
        path.write_bytes(data)
    except OSError as error:
        logging.getLogger(__name__).warning("the termination message cannot be written: %s", error)
