"""The init step of a scoring pod: from the store to the pod's folder, every byte proven, and no rejected revision.

`python -m modelward_serving.fetch --store URL --namespace NS --manifest sha256:… --to DIR --deployment NAME
--revision REV --retry N`. Exit codes: 0 ok, 3 the revision was rolled back before, 75 the store is unavailable, else 1.
"""

import argparse
import logging
import os
import sys
from pathlib import Path

from modelward_contracts.manifests import ModelManifest
from modelward_contracts.reports import Termination
from modelward_contracts.store import Store, StoreError, StoreUnavailable
from modelward_contracts.verdicts import StoredService, StoredVerdict, served_key, verdict_key
from modelward_contracts.wire import decode

from .process.reporting import configure_logging, write_termination

EX_REJECTED = 3
EX_TEMPFAIL = os.EX_TEMPFAIL
log = logging.getLogger(__name__)


class Rejected(Exception):
    """This revision was rolled back, and nobody asked for another try."""


def fetch(store: Store, manifest_digest: str, folder: Path, deployment: str, revision: str, retry: int) -> None:
    """Raises `Rejected` or `StoreError`."""
    refuse_rejected(store, deployment, revision, retry)
    data = store.get_bytes(manifest_digest)
    manifest = decode(data, ModelManifest)
    folder.mkdir(parents=True, exist_ok=True)
    store.get_file(manifest.model.digest, folder / "model.onnx")
    store.get_file(manifest.profile.digest, folder / "profile.json")
    store.get_file(manifest.golden.digest, folder / "golden.json")
    (folder / "manifest.json").write_bytes(data)


def refuse_rejected(store: Store, deployment: str, revision: str, retry: int) -> None:
    """The verdict lies in the store, so that a rebuilt cluster knows it too."""
    verdict = store.read_record(verdict_key(deployment, revision), StoredVerdict)
    if verdict is not None and verdict.retry >= retry:
        raise Rejected(
            f"revision {revision} of {deployment} was rolled back at {verdict.decided} ({verdict.reason}:"
            f" {verdict.message}); set rollout.retry to {verdict.retry + 1} to try it again"
        )


def in_service(store: Store, deployment: str, revision: str) -> StoredService | None:
    """The other revision that was in service when the store was last told: a deployment made anew begins with it."""
    known = store.read_record(served_key(deployment), StoredService)
    return known if known is not None and known.revision != revision else None


def main(arguments: list[str] | None = None) -> int:
    configure_logging()
    options = _options(arguments)
    serving = None
    try:
        store = Store(options.store, options.namespace)
        serving = in_service(store, options.deployment, options.revision)
        fetch(store, options.manifest, options.to, options.deployment, options.revision, options.retry)
    except Rejected as error:
        return _failed(EX_REJECTED, "RejectedRevision", str(error), serving=serving)
    except StoreUnavailable as error:
        return _failed(EX_TEMPFAIL, type(error).__name__, str(error), retryable=True)
    except StoreError as error:
        return _failed(1, type(error).__name__, str(error))
    except OSError as error:
        return _failed(EX_TEMPFAIL, "VolumeUnavailable", f"writing to {options.to} failed: {error}", retryable=True)
    except ValueError as error:
        return _failed(1, "InvalidModel", f"{options.manifest} in the store is no model's manifest: {error}")
    log.info("fetched %s", options.manifest)
    if serving is not None:
        write_termination(Termination(result="Succeeded", reason="Fetched", message="", serving=serving))
    return 0


def _failed(code: int, reason: str, message: str, retryable: bool = False, serving: StoredService | None = None) -> int:
    log.error("%s", message, extra={"fields": {"reason": reason}})
    said = Termination(result="Failed", reason=reason, message=message, retryable=retryable, serving=serving)
    write_termination(said)
    return code


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="modelward-fetch", description="Fetch a model by digest.")
    parser.add_argument("--store", required=True, help="URL of the store's root")
    parser.add_argument("--namespace", required=True)
    parser.add_argument("--manifest", required=True, help="digest of the ModelManifest")
    parser.add_argument("--to", required=True, type=Path, help="folder to write to")
    parser.add_argument("--deployment", required=True, help="name of the ModelDeployment")
    parser.add_argument("--revision", required=True)
    parser.add_argument("--retry", type=int, default=0, help="only verdicts with a smaller number are overridden")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
