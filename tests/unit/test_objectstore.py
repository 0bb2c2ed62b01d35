"""The S3 server that other tests rely on is one, tells what it was asked, and comes back with what it had."""

from pathlib import Path

import pytest

from objectstore import ObjectStore


def test_objects_and_the_log_of_their_requests_outlive_the_server(tmp_path: Path) -> None:
    with ObjectStore(tmp_path) as store:
        folder = store.bucket("raw")
        store.filesystem().pipe_file("raw/a folder/b.csv", b"1\n")
        assert (folder / "a folder" / "b.csv").read_bytes() == b"1\n"
        store.kill()
        store.start()
        store.forget()
        assert store.filesystem().cat_file("raw/a folder/b.csv") == b"1\n"
        assert [(each.operation, each.bucket, each.key, each.status) for each in store.requests("GetObject")] == [
            ("GetObject", "raw", "a folder/b.csv", 200)
        ]
        with pytest.raises(FileNotFoundError):
            store.filesystem().cat_file("raw/none")
        assert store.requests("HeadObject")[-1].status == 404
