"""The figures as a table for people and as JSON for programs."""

import json
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.figures import Figure


def show(console: Console, figures: Sequence[Figure]) -> None:
    """Print the table, and below it the limits that were missed."""
    table = Table(title="What Rollcall costs", title_justify="left")
    table.add_column("figure", overflow="fold")
    for heading in ("value", "floor", "ratio", "limit"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("the limit is", no_wrap=True)
    table.add_column("", no_wrap=True)
    for one in figures:
        verdict = "" if one.limit is None else "ok" if one.ok else "[red]MISSED[/red]"
        numbers = [_number(value) for value in (one.value, one.floor, one.ratio, one.limit)]
        table.add_row(one.name, *numbers, one.rule, verdict)
    console.print(table)
    for one in figures:
        if not one.ok:
            console.print(
                f"[red]Missed:[/red] {one.name}: {_number(one.value)}, at most {_number(one.limit)}"
            )


def write(path: Path, figures: Sequence[Figure]) -> None:
    """Write the figures, those of an earlier run are gone."""
    path.write_text(json.dumps([figure.as_json() for figure in figures], indent=2) + "\n")


def _number(value: float | None) -> str:
    if value is None:
        return ""
    if float(value).is_integer():
        return f"{value:,.0f}"
    return f"{value:,.2f}" if abs(value) < 100 else f"{value:,.1f}"  # noqa: PLR2004 (three digits)
