"""Markdown's tables, titles and code, of texts that others wrote."""

from collections.abc import Iterable, Iterator, Mapping, Sequence


def code(text: str) -> str:
    """What others named, so that none of it is read as Markdown."""
    return f"`{' '.join(text.split()).replace('`', chr(39))}`"


def number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def pairs(numbers: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {number(value)}" for name, value in numbers.items())


def title(words: str) -> Iterator[str]:
    yield from ("", f"## {words}", "")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield from _row(head)
    yield from _row(["---"] * len(head))
    for row in rows:
        yield from _row(row)
    yield ""


def _row(cells: Sequence[str]) -> Iterator[str]:
    yield "| " + " | ".join(" ".join(cell.split()).replace("|", r"\|") for cell in cells) + " |"
