"""Where things live: what may be built again in the cache, what belongs to one running cluster in its state folder."""

import os
import re
from pathlib import Path

MODULE = Path(__file__).resolve().parent
REPOSITORY = MODULE.parent.parent

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")
_STATE_PREFIX = "modelward-cluster-"


def cache() -> Path:
    """The folder outside the checkout that all checkouts of this user share."""
    chosen = os.environ.get("MODELWARD_CACHE")
    root = Path(chosen) if chosen else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "modelward"
    root.mkdir(parents=True, exist_ok=True)
    return root


def state(name: str) -> Path:
    """The folder that holds everything of the cluster `name`; short, because unix sockets live below it."""
    if not _NAME.fullmatch(name):
        raise SystemExit(f"cluster name {name!r}: use 1 to 40 lower-case letters, digits and dashes")
    return Path("/var/tmp") / f"{_STATE_PREFIX}{name}"


def cluster_names() -> list[str]:
    """The clusters of this machine that have not been taken down."""
    return sorted(path.name.removeprefix(_STATE_PREFIX) for path in Path("/var/tmp").glob(f"{_STATE_PREFIX}*"))
