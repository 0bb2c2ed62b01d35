"""Sources that are not on this machine: object stores and web servers. They are listed first, and read afterwards."""

from .credentials import Credentials
from .files import Listed, Remote
from .kept import Kept
from .open import opened

__all__ = ["Credentials", "Kept", "Listed", "Remote", "opened"]
