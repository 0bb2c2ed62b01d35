"""Sources that are not on this machine: object stores and web servers. They are listed first, and read afterwards."""

from .files import Listed, Remote, fetched
from .open import opened

__all__ = ["Listed", "Remote", "fetched", "opened"]
