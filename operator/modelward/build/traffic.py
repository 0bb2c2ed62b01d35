"""The ConfigMap from which scoring pods that start read their traffic setting and the operator's public keys."""

from collections.abc import Callable, Iterable

from modelward.names import Manifest, child_name, labels, owned_by
from modelward_contracts.traffic import Traffic

KEYS = "keys.pem"


def traffic_name(deployment: str) -> str:
    return child_name(deployment, "traffic")


def traffic_config_map(
    owner: Manifest, settings: Iterable[Traffic], sign: Callable[[Traffic], str], public_keys: str
) -> Manifest:
    """One signed setting per revision, as `<revision>.json`."""
    name = owner["metadata"]["name"]
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": traffic_name(name),
            "namespace": owner["metadata"]["namespace"],
            "labels": labels("traffic", deployment=name),
            "ownerReferences": [owned_by(owner)],
        },
        "data": {KEYS: public_keys} | {f"{s.revision}.json": sign(s) for s in settings},
    }
