"""The largest number that a version of a model ever had, so that none is given twice: versions may be deleted, and
other places still name them. It is owned by nothing, and grows only.
"""

from modelward.names import Manifest, child_name, labels

LAST = "lastVersion"


def counter_name(model: str) -> str:
    """Of the ConfigMap."""
    return child_name(f"modelward-{model}", "versions")


def last_number(counter: Manifest | None) -> int:
    """What a ConfigMap of that name says."""
    said = ((counter or {}).get("data") or {}).get(LAST, "")
    return int(said) if said.isdecimal() else 0


def version_counter(namespace: str, model: str, number: int, before: Manifest | None) -> Manifest:
    """Held against the resourceVersion that was read: a larger number is never written over."""
    metadata = {"name": counter_name(model), "namespace": namespace, "labels": labels("version-counter", model=model)}
    if before:
        metadata["resourceVersion"] = before["metadata"]["resourceVersion"]
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {LAST: str(number)}}
