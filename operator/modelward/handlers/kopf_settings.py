"""kopf reduced to its watches."""

import itertools
from collections.abc import Iterator
from typing import Any

import kopf

from modelward.clients.kubernetes import load_configuration
from modelward.handlers.watches import CHILDREN, OURS_ONLY


class _ForEver:
    """Pauses between tries of a watch. With an end, a longer outage of the API server would end the operator, and with
    it the evidence of every rollout."""

    def __iter__(self) -> Iterator[float]:
        return itertools.chain((0.2, 0.5, 1.0), itertools.repeat(2.0))


class _NothingHandled(kopf.DiffBaseStorage):
    """What changed since it was handled last: none of our handlers asks, and kopf would copy each object several times
    to find out."""

    def build(self, **_: Any) -> kopf.BodyEssence:
        return kopf.BodyEssence()

    def fetch(self, **_: Any) -> None:
        return None

    def store(self, **_: Any) -> None:
        """Nothing: kopf writes nothing on objects."""


class _NoProgress(kopf.ProgressStorage):
    """Of handlers that are tried again: ours only enqueue."""

    def fetch(self, **_: Any) -> None:
        return None

    def store(self, **_: Any) -> None: ...

    def purge(self, **_: Any) -> None: ...

    def touch(self, **_: Any) -> None: ...

    def clear(self, *, essence: kopf.BodyEssence) -> kopf.BodyEssence:
        return essence


def operator_settings() -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    # Events are written by act.py, for transitions only.
    settings.posting.enabled = False
    settings.persistence.diffbase_storage = _NothingHandled()
    settings.persistence.progress_storage = _NoProgress()
    # A stray peering object must not pause us; the chart runs one replica with Recreate.
    settings.peering.standalone = True
    # Else the operator needs to watch CRDs and namespaces of the whole cluster. They are there before we start.
    settings.scanning.disabled = True
    # Bookmarks come every minute: a stream without even those is dead.
    settings.watching.inactivity_timeout = 70
    # The server's own choice is up to an hour, in which a half-open connection may hide.
    settings.watching.server_timeout = 600
    settings.watching.connect_timeout = 5
    # Neither side holds thousands of objects in memory at once.
    settings.watching.chunk_size = 500
    # The default of five minutes would be five minutes blind.
    settings.networking.request_timeout = 30
    settings.networking.error_backoffs = _ForEver()
    # For so long the last event of an object stays in memory: at the start, of every object there is.
    settings.queueing.idle_timeout = 0.5
    # Nothing is left to be done for an event when we stop: the next start lists everything.
    settings.queueing.exit_timeout = 0.1
    for group, version, plural in CHILDREN:
        settings.watching.label_selectors[group, version, plural] = OURS_ONLY
    return settings


def register_login(registry: kopf.OperatorRegistry, kubeconfig: str | None, context: str | None) -> None:
    """The credentials of our own client, loaded anew whenever the server refuses the last ones."""

    async def login(**_: Any) -> kopf.ConnectionInfo:
        found = await load_configuration(kubeconfig, context)
        scheme, _space, token = found.api_key.get("BearerToken", "").partition(" ")
        return kopf.ConnectionInfo(
            server=found.host,
            ca_path=found.ssl_ca_cert,
            insecure=not found.verify_ssl,
            scheme=scheme or None,
            token=token or None,
            certificate_path=found.cert_file,
            private_key_path=found.key_file,
            proxy_url=found.proxy,
        )

    kopf.on.login(registry=registry)(login)
