"""What the command shows: results on standard output, everything else on standard error."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Final, TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
)
from rich.text import Text

T = TypeVar("T")

_PIPED_COLUMNS: Final = 160
"""Width of tables that go to a file or a pipe, where no terminal says how wide it is."""

_PACE_OVER_S: Final = 30.0
"""Some batches long, also where one takes seconds; not all of the time, since photos that are known already
go by in no time and say nothing of those to come."""
_LEAST_SEEN: Final = 2

out: Final = Console(highlight=False, emoji=False, width=None if sys.stdout.isatty() else _PIPED_COLUMNS)
err: Final = Console(stderr=True, highlight=False, emoji=False)


class PaceColumn(ProgressColumn):
    """Photos a second, and how long the others take at that pace."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[TaskID, deque[tuple[float, float]]] = {}

    def render(self, task: Task) -> Text:
        """The pace between two batches of the last while; nothing before the first."""
        now_s = task.get_time()
        seen = self._seen.setdefault(task.id, deque([(task.start_time or now_s, 0.0)]))
        if task.completed > seen[-1][1]:
            seen.append((now_s, task.completed))
        while len(seen) > _LEAST_SEEN and seen[1][0] < now_s - _PACE_OVER_S:
            seen.popleft()
        (first_s, first), (last_s, last) = seen[0], seen[-1]
        if last_s <= first_s:
            return Text()
        pace = (last - first) / (last_s - first_s)
        left = timedelta(seconds=round((task.remaining or 0.0) / pace))
        return Text(f"{pace:.1f}/s  {left}", style="progress.data.speed")


def progress_bar(*, quiet: bool = False) -> Progress:
    """Bars that show how many, how fast and how long; none where nobody would see them."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        PaceColumn(),
    )
    return Progress(
        *columns,
        console=err,
        transient=True,
        disable=quiet or not err.is_terminal,
    )


def tracked(items: Iterable[T], total: int, what: str, *, quiet: bool = False) -> Iterator[T]:
    """The items, with a bar."""
    with progress_bar(quiet=quiet) as progress:
        task = progress.add_task(what, total=total)
        for item in items:
            progress.advance(task)
            yield item
