"""One version for all that is released: Python package, chart, and what the chart installs.

python -m release.version            prints it
python -m release.version --tag v1.2.3   and fails unless the tag, the changelog and the fragments agree with it
"""

import argparse
import re
import tomllib

import yaml

from release.changelog import CHANGELOG, FRAGMENTS, ROOT, section

_PLACES = "pyproject.toml, and version and appVersion of charts/modelward/Chart.yaml"


def version() -> str:
    """Raises SystemExit where the places that say it differ."""
    package = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    chart = yaml.safe_load((ROOT / "charts/modelward/Chart.yaml").read_text())
    found = {package, chart["version"], chart["appVersion"]}
    if len(found) > 1:
        raise SystemExit(f"{_PLACES} must be one version; they say {', '.join(sorted(found))}")
    return str(package)


def check(tag: str) -> None:
    """Raises SystemExit where this tree is not what the tag says."""
    if tag != f"v{version()}":
        raise SystemExit(f"tag {tag}: the version in this tree is {version()}; tag v{version()}, or change {_PLACES}")
    if not section(CHANGELOG.read_text(), version()):
        raise SystemExit(f"{CHANGELOG.name} has nothing on {version()}: run `make changelog`, and commit it")
    left = sorted(path.name for path in FRAGMENTS.glob("*.md"))
    if left:
        raise SystemExit(f"not in {CHANGELOG.name} yet: {', '.join(left)}; run `make changelog`, and commit it")


def is_prerelease(number: str) -> bool:
    """1.2.3-rc.1, and everything before 1.0."""
    return number.startswith("0.") or re.fullmatch(r"\d+\.\d+\.\d+", number) is None


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tag", default="")
    if tag := parser.parse_args().tag:
        check(tag)
    print(version())


if __name__ == "__main__":
    main()
