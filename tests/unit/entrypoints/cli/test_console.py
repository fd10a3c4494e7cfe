"""How fast it goes is told so that it can be believed."""

from __future__ import annotations

from rich.progress import Progress

from sploot_media_clustering.entrypoints.cli.console import PaceColumn


def test_the_pace_is_that_of_batches_and_not_of_a_burst() -> None:
    """Photos come in batches, each in no time; photos known already are forgotten after half a minute."""
    now_s = 100.0
    column = PaceColumn()
    progress = Progress(column, get_time=lambda: now_s, disable=True)
    task_id = progress.add_task("photos", total=400)

    def shown_at(time_s: float, completed: int) -> str:
        nonlocal now_s
        now_s = 100.0 + time_s
        progress.update(task_id, completed=completed)
        return column.render(progress.tasks[0]).plain

    assert shown_at(0, 0) == ""
    assert shown_at(4, 0) == ""
    assert shown_at(8, 24) == "3.0/s  0:02:05"
    assert shown_at(12, 24) == "3.0/s  0:02:05"
    shown_at(12.1, 300)
    paces = [shown_at(12.1 + 5 * batch, 300 + 10 * batch) for batch in range(1, 10)]
    assert paces[-1] == "2.0/s  0:00:05"
