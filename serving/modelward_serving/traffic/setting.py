"""The traffic setting in force: who may change it, and what survives a restart."""

import logging
import re
from pathlib import Path

from modelward_contracts.traffic import Traffic, Untrusted, verify

log = logging.getLogger(__name__)
_PEM = re.compile(rb"-----BEGIN [^-]+-----.+?-----END [^-]+-----\s*", re.DOTALL)


class Older(Exception):
    """A setting that was overtaken: the one in force has a larger epoch."""

    def __init__(self, epoch: int) -> None:
        super().__init__(f"the setting in force has epoch {epoch}")
        self.epoch = epoch


class Settings:
    """Takes a setting only if it is signed, addressed to this server, and not older than the one in force."""

    def __init__(self, folder: Path | None, deployment: str, revision: str) -> None:
        self._folder, self._deployment, self._revision = folder, deployment, revision
        self._keys = self._read_keys()
        self.current: Traffic | None = None
        self._signed = b""

    @property
    def epoch(self) -> int:
        return self.current.epoch if self.current is not None else 0

    def in_force(self) -> Traffic:
        return self.current or Traffic(deployment=self._deployment, revision=self._revision, epoch=0)

    def accept(self, signed: bytes) -> Traffic:
        """Raises `Untrusted` or `Older`. The operator repeats a setting at every scrape: that costs nothing."""
        if self.current is not None and signed == self._signed:
            return self.current
        traffic = self._verified(signed)
        if (traffic.deployment, traffic.revision) != (self._deployment, self._revision):
            raise Untrusted(
                f"the setting is for {traffic.deployment} revision {traffic.revision}, this is {self._deployment}"
                f" revision {self._revision}"
            )
        if traffic.epoch < self.epoch:
            raise Older(self.epoch)
        self.current, self._signed = traffic, signed
        return traffic

    def read_mounted(self) -> Traffic | None:
        """The last setting, as a pod finds it when it starts."""
        if self._folder is None:
            return None
        try:
            signed = (self._folder / f"{self._revision}.json").read_bytes()
            return self.accept(signed)
        except FileNotFoundError:
            return None
        except (OSError, Untrusted, Older) as error:
            log.warning("the mounted traffic setting is not used: %s", error)
            return None

    def _verified(self, signed: bytes) -> Traffic:
        try:
            return verify(signed, self._keys)
        except Untrusted:
            # Keys rotate: the mounted file may have a newer one than this process.
            self._keys = self._read_keys()
            return verify(signed, self._keys)

    def _read_keys(self) -> list[bytes]:
        if self._folder is None:
            return []
        try:
            return _PEM.findall((self._folder / "keys.pem").read_bytes())
        except OSError:
            return []
