"""What the store remembers of its collections: `collection.json` below the namespace."""

from .wire import Wire

COLLECTION = "collection.json"


class Collection(Wire, frozen=True, kw_only=True):
    owner: str
    """Whose resources tell what is needed: one namespace of one cluster, and no other."""
    collected: str
    """When it was last looked through, RFC 3339."""
    unnamed: dict[str, int] = {}
    """Since when a blob, by its hexadecimal digits, is named by nothing; Unix seconds."""
