"""The recipes of docs/recipes.md that need nothing but scikit-learn, through the real publish."""

import sys

import pytest

from .harness import Pod, publish_report
from .recipes import prepare, publish


@pytest.mark.parametrize(
    ("recipe", "kind"),
    [
        ("sklearn_defaults", "text, three"),
        ("sklearn_defaults", "boolean"),
        ("sklearn_defaults", "number"),
        ("sklearn_columns", "integer from 1"),
        ("sklearn_poisson", "count"),
    ],
)
def test_recipe_is_published(pod: Pod, recipe: str, kind: str) -> None:
    ended = publish(pod, prepare(pod, kind), sys.executable, recipe)
    report = publish_report(ended)
    assert [tensor.name for tensor in report.signature.inputs] == ["a", "b", "c"]
    assert report.parity["p99_difference"] < 1e-4
    if recipe == "sklearn_defaults":
        assert any("matrix of 3" in note for note in report.notes)
        assert any("ZipMap" in note for note in report.notes) == (kind != "number")
