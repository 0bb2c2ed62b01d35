"""The keys of the source's Secret. They stand in the environment with a prefix, for the store's have the same names."""

import base64
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from modelward_contracts.tasks import SOURCE_VARIABLE
from modelward_training.outcome import JobError

CA = "ca.crt"
SECRET_NAME = "spec.secretName"  # noqa: S105 - a field's name


@dataclass(frozen=True)
class Credentials:
    secret: str | None
    """The Secret's name; None: there is none, and nothing of the environment counts."""
    environment: Mapping[str, str]
    place: str = "source.url"
    """The field that says where to, for messages."""
    named_in: str = SECRET_NAME
    """The field that names the Secret."""

    def get(self, key: str) -> str | None:
        return self.environment.get(SOURCE_VARIABLE + key) or None if self.secret else None

    def need(self, key: str, why: str) -> str:
        found = self.get(key)
        if found is None:
            raise JobError("SecretKeyMissing", f"the Secret {self.secret} has no key {key}, {why}: add it", again=True)
        return found

    def options(self, keys: dict[str, str]) -> dict[str, Any]:
        """Those of {option: key} that the Secret has."""
        return {option: found for option, key in keys.items() if (found := self.get(key))}

    def authority(self) -> str | None:
        """Certificates in PEM that servers are trusted by, beside the usual ones or, of object stores, instead."""
        found = self.get(CA)
        try:
            if found:
                ssl.create_default_context(cadata=found)
        except (ssl.SSLError, ValueError) as error:
            what = f"{CA} of the Secret {self.secret} holds no certificate in PEM"
            raise JobError("InvalidCertificate", f"{what}: {error}", again=True) from error
        return found

    def header(self, url: str) -> str | None:
        """What proves who asks for `url`: only to the host that the Secret names, whoever wrote the URL."""
        host = self.get("HTTP_HOST")
        if host is None:
            self._without_host()
            return None
        asked = urlsplit(url)
        if host.lower() not in (asked.netloc.lower(), (asked.hostname or "").lower()):
            return None
        return self._authorization()

    def meant_for(self, url: str) -> None:
        """Raise where the Secret is for another host than that of the URL."""
        host, asked = self.get("HTTP_HOST"), urlsplit(url)
        if host and host.lower() not in (asked.netloc.lower(), (asked.hostname or "").lower()):
            raise JobError(
                "SecretForOtherHost",
                f"the Secret {self.secret} is for the host {host} (its key HTTP_HOST), and {self.place} names "
                f"{asked.netloc}: name another Secret or another URL",
                again=True,
            )

    def _authorization(self) -> str:
        if token := self.get("HTTP_TOKEN"):
            return f"Bearer {token}"
        beside = "and neither HTTP_TOKEN, beside HTTP_HOST"
        user = self.need("HTTP_USERNAME", beside)
        password = self.need("HTTP_PASSWORD", "beside HTTP_USERNAME")
        return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

    def _without_host(self) -> None:
        for key in ("HTTP_TOKEN", "HTTP_USERNAME", "HTTP_PASSWORD"):
            if self.get(key):
                self.need("HTTP_HOST", f"which says to whom {key} may be sent")
