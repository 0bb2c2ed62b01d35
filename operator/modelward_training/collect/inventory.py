"""What lies in a namespace's part of the store: blobs, and records by their kind."""

from dataclasses import dataclass, field

from modelward_contracts.collection import COLLECTION
from modelward_contracts.manifests import BLOBS
from modelward_contracts.storage.place import Found
from modelward_contracts.store import GOING, Store
from modelward_training.outcome import JobError

RUNS, VERDICTS, SERVED, TRACES, CACHE = "runs", "verdicts", "served", "traces", "cache"
KINDS = (RUNS, VERDICTS, SERVED, TRACES, CACHE)
_DIGITS = frozenset("0123456789abcdef")


@dataclass(frozen=True)
class Inventory:
    blobs: dict[str, Found] = field(default_factory=dict)
    """By digest."""
    records: dict[str, list[Found]] = field(default_factory=lambda: {kind: [] for kind in KINDS})

    @property
    def bytes(self) -> int:
        return sum(blob.size for blob in self.blobs.values())


def inventory(store: Store) -> Inventory:
    """Raises where something lies there that a newer Modelward may have put there: it could name blobs, too."""
    found = Inventory()
    for each in store.list():
        kind, _, rest = each.path.partition("/")
        name = each.path.removeprefix(BLOBS)
        if name != each.path and len(name) == 64 and _DIGITS.issuperset(name):
            found.blobs[f"sha256:{name}"] = each
        elif rest and kind in found.records:
            found.records[kind].append(each)
        elif each.path != COLLECTION and not each.path.startswith(GOING):
            raise JobError(
                "UnknownContent",
                f"{each.path} in the store is of no kind that is known here: nothing is taken away; remove it if it is "
                "not Modelward's, or run the newer version that wrote it",
            )
    return found
