"""Which requests go to the candidate: exactly the weight's share, in an order nobody can predict."""

import hashlib
import random
from collections.abc import Mapping

from modelward_contracts.traffic import Traffic

BLOCK = 100


class Split:
    """One traffic setting, prepared for the data path."""

    __slots__ = ("_at", "_block", "_matches", "_random", "_sticky", "weight")

    def __init__(self, traffic: Traffic, source: random.Random | None = None) -> None:
        self.weight = min(max(traffic.weight, 0), 100)
        self._matches = [(match.name.lower().encode(), match.value.encode()) for match in traffic.matches]
        self._sticky = traffic.sticky_header.lower().encode() if traffic.sticky_header else None
        self._random = source or random.Random()  # noqa: S311 — shares need no secrecy
        self._block = [True] * self.weight + [False] * (BLOCK - self.weight)
        self._at = BLOCK

    def picks(self, headers: Mapping[bytes, bytes]) -> bool:
        """A matching header, else the sticky key's side, else the next of the shuffled block."""
        for name, value in self._matches:
            if headers.get(name) == value:
                return True
        if self._sticky is not None and (key := headers.get(self._sticky)) is not None:
            return sticky_share(key) < self.weight
        if self._at == BLOCK:
            self._random.shuffle(self._block)
            self._at = 0
        self._at += 1
        return self._block[self._at - 1]


def sticky_share(key: bytes) -> float:
    """0 … 100, the same for a key on every server, so that a growing weight only ever adds keys."""
    return int.from_bytes(hashlib.blake2b(key, digest_size=4).digest(), "little") / 2**32 * 100
