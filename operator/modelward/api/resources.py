"""Requests and limits of a container, with a Pod's own names."""

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Annotated

from pydantic import Field

from .common import ApiModel, int_or_string

QUANTITY = {
    "x-kubernetes-preserve-unknown-fields": True,
    "pattern": r"^[0-9]+(\.[0-9]+)?(m|k|[KMGTP]i|[MGTP])?$",
    "maxLength": 32,
    "minimum": 0,
    "maxProperties": 0,
    "maxItems": 0,
    "not": {"enum": [True, False]},
}
"""Schema of text or a number: `cpu: 0.5` is right in a Pod as well, and structural schemas know no such type."""

Size = Annotated[str | int, Field(json_schema_extra=int_or_string(pattern=QUANTITY["pattern"], maxLength=32))]
"""Of a volume: 10Gi."""

Amounts = Annotated[
    dict[str, str | int | float], Field(max_length=8, json_schema_extra={"additionalProperties": QUANTITY})
]


class Resources(ApiModel):
    """Requests and limits, as in a Pod."""

    requests: Amounts = {}
    """`{cpu: 500m, memory: 1Gi}`."""
    limits: Amounts = {}
    """`{cpu: 2, memory: 2Gi}`."""

    def container(self) -> dict[str, dict[str, str]]:
        """As a container has them: what is empty is left out. Empty itself where nothing is asked for."""
        return {
            name: {resource: str(amount) for resource, amount in amounts.items()}
            for name, amounts in self.wire().items()
            if amounts
        }

    def equals(self, other: "Resources") -> bool:
        """The same amounts, however they are written: 0.1 is 100m, and 0.5Gi is 512Mi."""
        return (_values(self.requests), _values(self.limits)) == (_values(other.requests), _values(other.limits))


_UNITS = {"": Fraction(1), "m": Fraction(1, 1000), "k": Fraction(1000)}
_UNITS |= {prefix: Fraction(1000**power) for power, prefix in enumerate("MGTP", 2)}
_UNITS |= {f"{prefix}i": Fraction(1024**power) for power, prefix in enumerate("KMGTP", 1)}


def _values(amounts: Mapping[str, str | int | float]) -> dict[str, Fraction]:
    return {resource: _value(str(amount)) for resource, amount in amounts.items()}


def _value(amount: str) -> Fraction:
    unit = re.search("[A-Za-z]*$", amount)
    suffix = unit[0] if unit else ""
    return Fraction(amount.removesuffix(suffix)) * _UNITS[suffix]
