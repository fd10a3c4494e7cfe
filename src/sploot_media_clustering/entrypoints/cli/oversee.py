"""``sploot-clustering pending``, ``pause`` and ``resume``: what waits, and whether workers take it up."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer
from rich.markup import escape
from rich.table import Table

from sploot_media_clustering.entrypoints.cli.console import err, out
from sploot_media_clustering.entrypoints.cli.desk import overseen
from sploot_media_clustering.services.overseeing import Overview, Waiting

_MINUTE_S = 60
_HOUR_S = 3600
_DAY_S = 24 * 3600
_ONE_PARTITION = 2
"""Lanes of it."""


def print_overview(overview: Overview, *, as_json: bool) -> None:
    """Print the service at a glance."""
    if as_json:
        out.print(msgspec.json.encode(overview).decode(), soft_wrap=True, markup=False)
        return
    paused = "no" if overview.paused_at is None else f"since {overview.paused_at:%Y-%m-%d %H:%M:%S} UTC"
    oldest = f", the oldest for {duration(overview.oldest_s)}" if overview.waiting + overview.in_hand else ""
    table = Table.grid(padding=(0, 2))
    table.add_row("waiting", f"{overview.waiting}{oldest}")
    for lane in overview.lanes:
        if len(overview.lanes) > _ONE_PARTITION or (lane.lane == "backfill" and lane.waiting + lane.in_hand):
            table.add_row(_lane_name(overview, lane), _lane_told(lane))
    table.add_row("in hand", str(overview.in_hand))
    table.add_row("workers", escape(", ".join(overview.workers)) or "none")
    table.add_row("paused", paused)
    table.add_row("dead letters", f"{overview.dead_letters} of {overview.dead_letters_most} at most")
    if overview.drift is not None:
        found = len(overview.drift.alarms)
        table.add_row("drift", f"{found or 'no'} alarms on {overview.drift.checked_at:%Y-%m-%d %H:%M} UTC")
    out.print(table)
    if overview.alarm is not None:
        err.print(f"[yellow]{escape(overview.alarm)}[/]; see `sploot-clustering deadletter`", soft_wrap=True)


def _lane_name(overview: Overview, lane: Waiting) -> str:
    partition = f" {lane.partition}" if len(overview.lanes) > _ONE_PARTITION else ""
    return ("  back-fill" if lane.lane == "backfill" else "  live") + partition


def _lane_told(lane: Waiting) -> str:
    open_jobs = lane.waiting + lane.in_hand
    oldest = f", {lane.in_hand} in hand, the oldest for {duration(lane.oldest_s)}" if open_jobs else ""
    return f"{lane.waiting}{oldest}"


def pending(
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many, the oldest first.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, one job a line.")] = False,
) -> None:
    """List jobs that have not ended: those in hand of a worker, then those that wait.

    Example:

        sploot-clustering pending
    """
    jobs = overseen(lambda overseer: overseer.open_jobs(limit))
    if as_json:
        for job in jobs:
            out.print(msgspec.json.encode(job).decode(), soft_wrap=True, markup=False)
        return
    headings = ("job", "album", "lane", "status", "age", "worker", "last heard of", "deliveries")
    table = Table(*headings, box=None, pad_edge=False)
    for job in jobs:
        heard = "" if job.silent_s is None else f"{duration(job.silent_s)} ago"
        name = job.job_id or f"{job.entry_id}, which can't be read"
        table.add_row(
            escape(name),
            escape(job.pet_id or ""),
            "back-fill" if job.lane == "backfill" else job.lane,
            job.status.replace("_", " "),
            duration(job.age_s),
            escape(job.worker or ""),
            heard,
            str(job.deliveries or ""),
        )
    out.print(table)


def pause() -> None:
    """Let workers take up no more jobs; they finish what they have. Jobs can be handed in all the same.

    Example:

        sploot-clustering pause
    """
    overseen(lambda overseer: overseer.pause())
    err.print("Consumption is paused; `sploot-clustering resume` lets it go on.")


def resume() -> None:
    """Let workers take up jobs again.

    Example:

        sploot-clustering resume
    """
    overseen(lambda overseer: overseer.resume())
    err.print("Consumption goes on.")


def duration(seconds: float) -> str:
    """A time, in the unit that people would take."""
    if seconds < _MINUTE_S:
        return f"{seconds:.0f} s"
    if seconds < _HOUR_S:
        return f"{seconds / _MINUTE_S:.0f} min"
    if seconds < _DAY_S:
        return f"{seconds / _HOUR_S:.1f} h"
    return f"{seconds / _DAY_S:.1f} days"
