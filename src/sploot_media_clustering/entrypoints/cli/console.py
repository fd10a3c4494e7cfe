"""What the command shows: results on standard output, everything else on standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Final, TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

T = TypeVar("T")

_PIPED_COLUMNS: Final = 160
"""Width of tables that go to a file or a pipe, where no terminal says how wide it is."""

_RATE_OVER_S: Final = 5.0
"""Short, since photos that are known already go by in no time and say nothing of those to come."""

out: Final = Console(highlight=False, emoji=False, width=None if sys.stdout.isatty() else _PIPED_COLUMNS)
err: Final = Console(stderr=True, highlight=False, emoji=False)


class RateColumn(ProgressColumn):
    """Photos a second, so far."""

    def render(self, task: Task) -> Text:
        """The rate, or nothing before the first photo."""
        speed = task.finished_speed or task.speed
        return Text(f"{speed:.1f}/s" if speed else "", style="progress.data.speed")


def progress_bar(*, quiet: bool = False) -> Progress:
    """Bars that show how many, how fast and how long; none where nobody would see them."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        RateColumn(),
        TimeRemainingColumn(),
    )
    return Progress(
        *columns,
        console=err,
        transient=True,
        disable=quiet or not err.is_terminal,
        speed_estimate_period=_RATE_OVER_S,
    )


def tracked(items: Iterable[T], total: int, what: str, *, quiet: bool = False) -> Iterator[T]:
    """The items, with a bar."""
    with progress_bar(quiet=quiet) as progress:
        task = progress.add_task(what, total=total)
        for item in items:
            progress.advance(task)
            yield item
