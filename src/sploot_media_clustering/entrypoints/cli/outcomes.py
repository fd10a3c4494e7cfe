"""What protocols found, as tables."""

from __future__ import annotations

from collections.abc import Sequence

import typer
from rich.table import Table

from sploot_media_clustering.entrypoints.cli.console import out
from sploot_media_clustering.evaluation.gate import Check
from sploot_media_clustering.evaluation.outcome import Outcome
from sploot_media_clustering.evaluation.tables import cell, number, table_of


def print_outcome(outcome: Outcome) -> None:
    """Print one protocol's figures."""
    found = table_of(outcome)
    table = _table(f"{outcome.title} ({outcome.protocol}; {outcome.judged_by})", *found.headings)
    for row in found.rows:
        table.add_row(row.name, *(cell(measure) for measure in row.measures))
    out.print(table)
    out.print()


def pass_or_leave(found: Sequence[Check]) -> None:
    """Print figures against their baseline, the losses last, and leave with 1 where there are any.

    Raises:
        typer.Exit: a figure was lost.
    """
    table = _table("gate", "figure", "baseline", "now", "may lose", "")
    for check in sorted(found, key=lambda one: not one.holds):
        one = check.expected
        table.add_row(
            f"{one.protocol}: {one.group}: {one.measure}",
            number(one.measure, one.value),
            number(one.measure, check.got),
            number(one.measure, one.tolerance),
            "[green]holds[/]" if check.holds else "[red]fails[/]",
        )
    out.print(table)
    losses = sum(not check.holds for check in found)
    out.print(f"{len(found)} figures, {losses} lost")
    if losses:
        raise typer.Exit(1)


def _table(title: str, first: str, *others: str) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column(first)
    for heading in others:
        table.add_column(heading, justify="right")
    return table
