"""Where an imported model lies, a file or a folder of files: on a volume, or behind a URL."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from modelward_contracts.tasks import ImportedModel
from modelward_training.ingest import remote
from modelward_training.outcome import JobError
from modelward_training.regular_file import open_folder, open_regular

URL, SECRET = "import.url", "import.secretName"


class Place(Protocol):
    """`part` is a path below the place, or empty: the place itself is the file."""

    def get(self, part: str, target: Path, limit: int) -> None:
        """Raises JobError; SourceNotFound where there is no such file."""
        ...

    def told(self, part: str) -> str:
        """For people."""
        ...


class Network:
    """A web server or an object store."""

    def __init__(self, asked: ImportedModel, environment: Mapping[str, str], scratch: Path) -> None:
        self._url, self._local, self._scratch = asked.url or "", asked.local_addresses, scratch
        self._credentials = remote.Credentials(asked.secret, environment, URL, SECRET)

    def get(self, part: str, target: Path, limit: int) -> None:
        source = remote.opened(self._at(part), self._credentials, self._local, self._scratch)
        files = source.listed()
        if len(files) > 1:
            raise JobError("InvalidUrl", f"{URL} {self.told(part)} means {len(files)} files: name one of them")
        source.fetch(files[0], target, limit)

    def told(self, part: str) -> str:
        return self._at(part).partition("?")[0]

    def _at(self, part: str) -> str:
        """What signs a folder's URL signs the files in it."""
        parts = urlsplit(self._url)
        return parts._replace(path=f"{parts.path.rstrip('/')}/{part}").geturl() if part else self._url


class Volume:
    """Mounted read-only."""

    def __init__(self, root: Path, path: str) -> None:
        self._root, self._path = root, path

    def get(self, part: str, target: Path, limit: int) -> None:
        path = self._root / self.told(part).lstrip("/")
        if not path.resolve().is_relative_to(self._root.resolve()):
            raise JobError("InvalidFile", f"{self.told(part)} leads out of the volume: name a file of its own")
        folder = self._folder(path.parent, part)
        try:
            source = open_regular(folder, path.name, limit)
        except FileNotFoundError:
            raise self._missing(part) from None
        finally:
            os.close(folder)
        with os.fdopen(source, "rb") as content, target.open("wb") as copy:
            shutil.copyfileobj(content, copy)

    def told(self, part: str) -> str:
        return f"{self._path.rstrip('/')}/{part}" if part else self._path

    def _folder(self, path: Path, part: str) -> int:
        if not path.is_dir():
            raise self._missing(part)
        return open_folder(path)

    def _missing(self, part: str) -> JobError:
        return JobError("SourceNotFound", f"the volume has no file {self.told(part)}: correct import.pvc.path")
