"""An image's tag follows its content."""

from pathlib import Path

import pytest

from localcluster.images import Image


def read(context: Path, **arguments: str) -> Image:
    return Image.read("image", context, "Dockerfile", ["code"], arguments)


@pytest.fixture
def context(tmp_path: Path) -> Path:
    (tmp_path / "code" / "__pycache__").mkdir(parents=True)
    (tmp_path / "Dockerfile").write_text("FROM scratch")
    (tmp_path / "code" / "a.py").write_text("1")
    return tmp_path


def test_same_content_same_tag(context: Path) -> None:
    assert read(context).reference == read(context).reference


def test_changed_code_new_tag(context: Path) -> None:
    before = read(context).reference
    (context / "code" / "a.py").write_text("2")
    assert read(context).reference != before


def test_changed_base_new_tag(context: Path) -> None:
    assert read(context, BASE="one").reference != read(context, BASE="two").reference


def test_bytecode_and_foreign_files_leave_the_tag_alone(context: Path) -> None:
    before = read(context).reference
    (context / "code" / "__pycache__" / "a.pyc").write_text("x")
    (context / "notes.txt").write_text("x")
    assert read(context).reference == before
