"""Files that were fetched before lie in the store, packed, under the identity that the source gave them: of a hundred
files and one that is new, one is fetched, whatever else the Dataset says by now about how to read them.
"""

import shutil
from collections.abc import Iterable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from pathlib import Path

import pyarrow as pa

from modelward_contracts.cache import KeptFile, KeptFiles, files_key
from modelward_contracts.manifests import Blob, SourceFile
from modelward_contracts.storage.place import CHUNK
from modelward_contracts.store import BlobMissing, DigestMismatch, Store, file_digest
from modelward_contracts.tasks import IngestTask
from modelward_training.outcome import progress

from .files import Listed, Remote

STREAMS = 8
"""One seldom fills the way to a source or a store."""
SAVED_EVERY = 60.0
"""Seconds: what an ingest that is ended early fetches twice is no more than that."""

Brought = tuple[SourceFile, KeptFile | None]


class Kept:
    """Of one Dataset's source."""

    def __init__(self, store: Store, task: IngestTask) -> None:
        self._store, self._key = store, files_key(task.dataset)
        found = store.read_record(self._key, KeptFiles)
        self._saved = found.files if found else {}
        # What must not be stored (columns.pii) stands in the files, too.
        self._keeps = not task.pii
        self._before = self._saved if self._keeps else {}
        self._now: dict[str, KeptFile] = {}

    def brought(self, source: Remote, files: Sequence[Listed], folder: Path) -> list[tuple[Path, SourceFile]]:
        """The files' places in `folder`, and what a manifest says of them; in order."""
        listed = {file.identity for file in files}
        self._now = {identity: one for identity, one in self._before.items() if identity in listed}
        new, size = [file for file in files if file.identity not in self._now], sum(file.size or 0 for file in files)
        progress(f"{len(files)} source files of {size} bytes: {len(new)} are fetched, the others are kept", 0.05)
        paths = [folder / str(number) for number in range(len(files))]
        with ThreadPoolExecutor(STREAMS) as pool:
            work = [pool.submit(self._bring, source, file, path) for file, path in zip(files, paths, strict=True)]
            left = set(work)
            while left:
                done, left = wait(left, timeout=SAVED_EVERY, return_when=FIRST_EXCEPTION)
                if any(each.exception() for each in done):
                    pool.shutdown(cancel_futures=True)
                    left = set()
                self._save(zip(files, work, strict=True))
        for each in work:
            if not each.cancelled():
                each.result()
        return [(path, each.result()[0]) for path, each in zip(paths, work, strict=True)]

    def _bring(self, source: Remote, file: Listed, path: Path) -> Brought:
        before = self._before.get(file.identity or "")
        if before and self._unpacked(before, path):
            return SourceFile(path=file.name, bytes=before.bytes, digest=before.digest), before
        source.fetch(file, path)
        described = SourceFile(path=file.name, bytes=path.stat().st_size, digest=file_digest(path))
        if file.identity is None or not self._keeps:
            return described, None
        return described, KeptFile(bytes=described.bytes, digest=described.digest, data=self._packed(path))

    def _packed(self, path: Path) -> Blob:
        packed = path.with_suffix(".zst")
        with path.open("rb") as content, pa.output_stream(str(packed), compression="zstd") as target:
            shutil.copyfileobj(content, target, CHUNK)
        blob = self._store.put_file(packed)
        packed.unlink()
        return blob

    def _unpacked(self, kept: KeptFile, path: Path) -> bool:
        """False where the store has lost it: it can be fetched again."""
        packed = path.with_suffix(".zst")
        try:
            self._store.get_file(kept.data.digest, packed)
        except (BlobMissing, DigestMismatch):
            return False
        with pa.input_stream(str(packed), compression="zstd") as content, path.open("wb") as target:
            shutil.copyfileobj(content, target, CHUNK)
        packed.unlink()
        return True

    def _save(self, work: Iterable[tuple[Listed, Future[Brought]]]) -> None:
        """What is here by now, whatever becomes of the rest."""
        for file, each in work:
            if file.identity and each.done() and not each.cancelled() and not each.exception():
                kept = each.result()[1]
                if kept:
                    self._now[file.identity] = kept
        if self._now != self._saved:
            self._store.write_record(self._key, KeptFiles(files=self._now))
            self._saved = dict(self._now)
