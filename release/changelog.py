"""What a release changes, out of CHANGELOG.md; before it is written there, out of the fragments in changelog.d.

python -m release.changelog 1.2.3    prints the notes of a release
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CHANGELOG, FRAGMENTS = ROOT / "CHANGELOG.md", ROOT / "changelog.d"


def section(text: str, version: str) -> str:
    """Of one release, without its title; empty where there is none."""
    found = re.search(rf"^## {re.escape(version)} [^\n]*\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return found[1].strip() if found else ""


def draft(version: str) -> str:
    """What the section will be."""
    command = [sys.executable, "-m", "towncrier", "build", "--draft", "--version", version, "--date", "draft"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"towncrier: {done.stderr or done.stdout}")
    return section(done.stdout, version)


def notes(version: str) -> str:
    return section(CHANGELOG.read_text(), version) or draft(version)


def changes(notes: str) -> Iterator[tuple[str, str]]:
    """Kind (added, fixed …) and text of each."""
    kind = ""
    for line in notes.splitlines():
        if line.startswith("### "):
            kind = line.removeprefix("### ").lower()
        elif line.startswith("- "):
            yield kind, line.removeprefix("- ")


if __name__ == "__main__":
    print(notes(sys.argv[1]))
