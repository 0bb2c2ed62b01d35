"""Is a child already as it is desired? Then nothing is written.

What is desired must be found in the live object; what the server or others add is theirs. Quantities are compared by
value (`1000m` is `1`), an empty field is a missing one, and a field that we applied before and want no longer, as
`managedFields` tells, makes a difference as well.
"""

import json
from typing import Any

from kubernetes.utils.quantity import parse_quantity

from modelward.names import FIELD_MANAGER, Manifest

_QUANTITIES = {"resources", "sizeLimit"}
"""Fields below which text is a quantity."""


def holds(live: Manifest, desired: Manifest) -> bool:
    """Applying `desired` to `live` would change nothing."""
    return _within(desired, live) and not _dropped(_applied_before(live), desired)


def same(one: Any, other: Any) -> bool:
    """Equal up to empty and missing fields."""
    return bool((_pruned(one) or None) == (_pruned(other) or None))


def _within(desired: Any, live: Any, quantities: bool = False) -> bool:
    if _empty(desired):
        return _empty(live)
    if isinstance(desired, dict):
        return isinstance(live, dict) and all(
            _within(value, live.get(key), quantities or key in _QUANTITIES) for key, value in desired.items()
        )
    if isinstance(desired, list):
        return (
            isinstance(live, list)
            and len(live) == len(desired)
            and all(_within(value, found, quantities) for value, found in zip(desired, live, strict=True))
        )
    return bool(desired == live) or (quantities and _quantity(desired) == _quantity(live))


def _quantity(value: Any) -> Any:
    parse: Any = parse_quantity  # the library leaves it untyped
    try:
        return parse(value)
    except ValueError:
        return value


def _empty(value: Any) -> bool:
    return value is None or (isinstance(value, str | list | dict) and not value)


def _pruned(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: below for key, found in value.items() if not _empty(below := _pruned(found))}
    return [_pruned(found) for found in value] if isinstance(value, list) else value


def _applied_before(live: Manifest) -> dict[str, Any]:
    for entry in live["metadata"].get("managedFields", []):
        if entry.get("manager") == FIELD_MANAGER and entry.get("operation") == "Apply" and not entry.get("subresource"):
            fields: dict[str, Any] = entry.get("fieldsV1", {})
            return fields
    return {}


def _dropped(owned: dict[str, Any], desired: Any) -> bool:
    """A field of `owned` (fieldsV1) is not in `desired`. Items of sets are left to the comparison of lists."""
    for name, below in owned.items():
        if name.startswith("f:"):
            if not isinstance(desired, dict) or name[2:] not in desired:
                return True
            found = desired[name[2:]]
        elif name.startswith("k:") and isinstance(desired, list):
            keys = json.loads(name[2:])
            found = next((item for item in desired if all(item.get(k, v) == v for k, v in keys.items())), None)
            if found is None:
                return True
        else:
            continue
        if below and _dropped(below, found):
            return True
    return False
