"""What a release is made of: one version, the notes, and the chart as Artifact Hub wants it."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelward.api import KINDS
from release import changelog, version
from release.chart import IMAGES, stage

REGISTRY, HOME = "registry.example.com/team", "https://git.example.com/team/modelward"
CHANGELOG = """# Changelog

## 1.1.0 (2026-12-01)

### Added

- One more thing.

### Security

- A hole is closed.

## 1.0.0 (2026-11-01)

### Added

- All.
"""


@pytest.fixture
def staged(tmp_path: Path) -> dict[str, Any]:
    digests = {name: f"sha256:{hashlib.sha256(name.encode()).hexdigest()}" for name in IMAGES}
    chart: dict[str, Any] = yaml.safe_load((stage(tmp_path, REGISTRY, digests, HOME) / "Chart.yaml").read_text())
    return chart


def test_package_and_chart_are_one_version() -> None:
    assert version.version()


def test_tag_of_another_version_is_refused() -> None:
    with pytest.raises(SystemExit, match=r"tag v99.0.0: the version in this tree is"):
        version.check("v99.0.0")


def test_tag_before_its_changelog_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    monkeypatch.setattr(version, "CHANGELOG", tmp_path / "CHANGELOG.md")
    with pytest.raises(SystemExit, match=r"has nothing on .*: run `make changelog`"):
        version.check(f"v{version.version()}")


def test_notes_are_the_section_of_their_version() -> None:
    assert changelog.section(CHANGELOG, "1.0.0") == "### Added\n\n- All."
    assert changelog.section(CHANGELOG, "1.0") == ""
    assert list(changelog.changes(changelog.section(CHANGELOG, "1.1.0"))) == [
        ("added", "One more thing."),
        ("security", "A hole is closed."),
    ]


def test_fragments_are_of_known_kinds_and_become_notes() -> None:
    kinds = {kind for kind, _ in changelog.changes(changelog.notes(version.version()))}
    assert kinds <= {"security", "added", "changed", "deprecated", "removed", "fixed"}
    written = {path.read_text().strip() for path in changelog.FRAGMENTS.glob("*.md")}
    assert written <= {text for _, text in changelog.changes(changelog.notes(version.version()))}


@pytest.mark.parametrize(
    ("number", "early"), [("0.9.0", True), ("1.0.0-rc.1", True), ("1.0.0", False), ("12.3.4", False)]
)
def test_version_before_the_first_stable_one_is_a_prerelease(number: str, early: bool) -> None:
    assert version.is_prerelease(number) == early


def test_published_chart_runs_the_images_of_its_registry(tmp_path: Path) -> None:
    values = yaml.safe_load((stage(tmp_path, REGISTRY, {}, "") / "values.yaml").read_text())
    assert values["images"]["registry"] == REGISTRY


def test_published_chart_tells_artifact_hub_all_that_it_asks(staged: dict[str, Any]) -> None:
    told = {key.removeprefix("artifacthub.io/"): yaml.safe_load(value) for key, value in staged["annotations"].items()}
    assert told["license"] == "Apache-2.0"
    assert [image["image"].partition("@")[0] for image in told["images"]] == [
        f"{REGISTRY}/{name}:{version.version()}" for name in IMAGES
    ]
    assert all("@sha256:" in image["image"] for image in told["images"])
    by_name = {kind.__name__: kind for kind in KINDS}
    assert {crd["kind"] for crd in told["crds"]} == by_name.keys()
    assert all(crd.keys() == {"kind", "version", "name", "displayName", "description"} for crd in told["crds"])
    for example in told["crdsExamples"]:
        by_name[example["kind"]].model_validate(example)
    assert {change["kind"] for change in told["changes"]} <= {"security", "added", "changed", "removed", "fixed"}
    assert told["prerelease"] is version.is_prerelease(version.version())
    assert told["containsSecurityUpdates"] is ("security" in {change["kind"] for change in told["changes"]})
    assert all(link["url"].startswith(f"{HOME}/blob/HEAD/") for link in told["links"])
    assert (staged["home"], staged["sources"]) == (HOME, [HOME])
    assert staged["maintainers"]


def test_what_the_links_of_the_chart_lead_to_is_there(staged: dict[str, Any]) -> None:
    links = yaml.safe_load(staged["annotations"]["artifacthub.io/links"])
    for link in links:
        assert (version.ROOT / link["url"].removeprefix(f"{HOME}/blob/HEAD/")).is_file()
