"""A run's script out of git: the commit that its revision means, and that commit's files."""

import tempfile
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from modelward_contracts.tasks import COMMIT_FILE, Commit, GitScript
from modelward_contracts.wire import canonical
from modelward_training.outcome import JobError, progress
from modelward_training.paths import Paths

from .repository import Repository
from .tree import Checkout


def fetch(asked: GitScript, environment: Mapping[str, str], paths: Paths) -> Commit:
    """Writes the files for the user's code, and for `publish` which commit they are of. Raises JobError."""
    paths.script.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="modelward-") as folder,
        closing(Repository(asked, environment, Path(folder))) as repository,
    ):
        commit, tree = repository.fetch()
        checkout = Checkout(repository.objects, paths.script)
        _written(checkout, tree)
    checkout.tell()
    checkout.check(asked.path)
    paths.handoff.mkdir(parents=True, exist_ok=True)
    (paths.handoff / COMMIT_FILE).write_bytes(canonical(commit))
    progress(f"{asked.path} of {in_words(asked.revision, commit)}")
    return commit


def _written(checkout: Checkout, tree: object) -> None:
    try:
        checkout.write(tree)  # type: ignore[arg-type]
    except (KeyError, FileExistsError, NotADirectoryError) as error:
        raise JobError("InvalidRepository", f"the commit's files cannot be written: {error}") from error


def in_words(revision: str, commit: Commit) -> str:
    """`main at 3f2a91c` for what moves, and the commit itself."""
    short = commit.commit[:12]
    return short if revision == commit.commit else f"{revision} at {short}"
