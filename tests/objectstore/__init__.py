"""A real S3 server on this machine: `with ObjectStore(folder) as store`."""

from objectstore.server import ObjectStore, Request
from objectstore.web import WebServer

__all__ = ["ObjectStore", "Request", "WebServer"]
