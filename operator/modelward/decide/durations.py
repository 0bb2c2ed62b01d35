"""Durations as the API has them: 30s, 5m, 1h30m."""

import re

_UNITS = {"s": 1, "m": 60, "h": 3600}


def seconds(duration: str) -> float:
    return float(sum(int(n) * _UNITS[unit] for n, unit in re.findall(r"([0-9]+)(s|m|h)", duration)))
