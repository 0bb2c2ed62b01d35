"""Amounts of resources as Kubernetes writes them."""

from decimal import Decimal

_SUFFIXES = {"m": Decimal("0.001"), "k": Decimal(1000)}
_SUFFIXES |= {prefix: Decimal(1000) ** power for power, prefix in enumerate("MGTP", start=2)}
_SUFFIXES |= {f"{prefix}i": Decimal(1024) ** power for power, prefix in enumerate("KMGTP", start=1)}


def quantity(text: str) -> Decimal:
    """`500m` is 0.5, `1.5Gi` is 1610612736. Raises ValueError for what the CRD refuses."""
    number = text.rstrip("mkKMGTPi")
    suffix = text[len(number) :]
    if suffix and suffix not in _SUFFIXES:
        raise ValueError(f"{text!r} is no quantity")
    return Decimal(number) * _SUFFIXES.get(suffix, Decimal(1))
