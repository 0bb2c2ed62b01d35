"""Data that lies elsewhere: in an S3 server, a web server and a database on the host, read by pods of the node."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from objectstore import ObjectStore
from postgresql import server

from .host import reachable
from .world import World

pytestmark = pytest.mark.timeout(600, func_only=True)

ROWS = [(n, "AB"[n % 2], n % 3 % 2) for n in range(300)]
CSV = "id,carrier,late\n" + "".join(f"{number},{carrier},{late}\n" for number, carrier, late in ROWS)
TABLE = ("CREATE TABLE flights (id int, carrier text, late int)", f"INSERT INTO flights VALUES {str(ROWS)[1:-1]}")
COLUMNS = {"label": "late", "id": "id"}


@contextmanager
def web(host: str, folder: Path) -> Iterator[int]:
    with ThreadingHTTPServer((host, 0), partial(SimpleHTTPRequestHandler, directory=str(folder))) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield serving.server_port
        serving.shutdown()


def secret(name: str, data: dict[str, str], labelled: bool = True) -> dict[str, Any]:
    metadata = {"name": name, "labels": {"modelward.dev/use": "source"} if labelled else {}}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}


def dataset(name: str, source: dict[str, Any], **spec: Any) -> dict[str, Any]:
    metadata = {"name": name}
    body = {"source": source, "columns": COLUMNS} | spec
    return {"apiVersion": "modelward.dev/v1alpha1", "kind": "Dataset", "metadata": metadata, "spec": body}


def test_the_same_rows_come_from_s3_the_web_and_a_database(world: World, host: str, tmp_path: Path) -> None:
    with ExitStack() as stack:
        objects = stack.enter_context(ObjectStore(tmp_path / "s3"))
        objects.filesystem().mkdir("raw")
        objects.filesystem().pipe("raw/2013/flights.csv", CSV.encode())
        database = stack.enter_context(server())
        database.psql(*TABLE)
        (tmp_path / "flights.csv").write_text(CSV)
        port = stack.enter_context(web(host, tmp_path))
        for each in (objects.port, database.port):
            stack.enter_context(reachable(host, each))
        endpoint = {"AWS_ENDPOINT_URL": f"http://{host}:{objects.port}"}
        query = {"sql": {"query": "SELECT id::bigint, carrier, late::bigint FROM flights"}}
        world.apply(
            secret("objects", objects.environment | endpoint),
            secret("database", database.environment | {"PGHOST": host}, labelled=False),
            dataset("objects", {"url": "s3://raw/2013/*.csv"}, secretName="objects"),
            dataset("web", {"url": f"http://{host}:{port}/flights.csv"}),
            dataset("database", query, secretName="database"),
        )
        world.wait_reason("dataset", "database", "SourceSecretNotLabelled")
        world.kubectl("label", "secret", "database", "modelward.dev/use=source")
        found = {name: version(world, name) for name in ("objects", "web", "database")}
    assert {name: each["rows"] for name, each in found.items()} == dict.fromkeys(found, 300)
    assert found["objects"]["sources"] == found["web"]["sources"]
    kinds = [[(column["name"], column["type"]) for column in each["columns"]] for each in found.values()]
    assert kinds[0] == kinds[1] == kinds[2]


def version(world: World, name: str) -> dict[str, Any]:
    """Of the Dataset's newest version, its spec; a Secret that is labelled is seen within a minute."""
    world.wait_condition("dataset", name, "Ready", "True", 240)
    found = world.get("dataset", name)
    assert found
    made = world.get("datasetversion", found["status"]["latestVersion"]["name"])
    assert made
    spec: dict[str, Any] = made["spec"]
    return spec
