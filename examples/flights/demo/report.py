"""The end, in tables that a person understands."""

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from demo.clients import Figures
from demo.outcome import Outcome

WIDTH = 132


def versions(outcomes: list[Outcome], clients: Figures) -> Table:
    """One line a version."""
    table = Table(box=SIMPLE_HEAD, title="What happened", title_justify="left")
    for column in ("version", "what it is", "decision", "cause"):
        table.add_column(column)
    for column in ("offline AUC", "answers", "seconds"):
        table.add_column(column, justify="right")
    for outcome in outcomes:
        table.add_row(
            outcome.version,
            outcome.act.what,
            outcome.decision,
            _cause(outcome),
            f"{outcome.auc:.3f}",
            f"{clients.versions[str(outcome.number)]:,}",
            f"{outcome.seconds:.0f}",
        )
    return table


def times(seconds: dict[str, float]) -> Table:
    """One line a part."""
    table = Table(box=SIMPLE_HEAD, title="Where the time went", title_justify="left")
    table.add_column("part")
    table.add_column("seconds", justify="right")
    for part, spent in seconds.items():
        table.add_row(part, f"{spent:.0f}")
    table.add_section()
    table.add_row("all", f"{sum(seconds.values()):.0f}")
    return table


def show(*tables: Table) -> None:
    """As wide as they need, also into a file."""
    console = Console(width=WIDTH, highlight=False)
    for table in tables:
        console.print(table)


def _cause(outcome: Outcome) -> str:
    if outcome.verdict:
        return f"{outcome.verdict['reason']}: {outcome.verdict['message']}"
    return f"no harm found against {outcome.before}" if outcome.before else "nothing served before"
