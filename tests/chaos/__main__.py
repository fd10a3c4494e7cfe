"""Makes one run and prints what came of it."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

from chaos.course import Plan, ended
from chaos.findings import findings

FINDINGS_SHOWN = 50


async def run(told: argparse.Namespace, folder: Path) -> list[str]:
    """Lines that tell what was done, and the findings."""
    begun = time.monotonic()
    names = ("jobs", "pets", "workers", "seed", "change_model", "partitions", "backfill")
    plan = Plan(**{name: getattr(told, name) for name in names})
    async with ended(folder, plan) as end:
        found = end.found + await findings(end.run, end.connection, end.counts)
    lines = [f"{told.jobs} jobs, {told.pets} pets, {told.workers} workers: {time.monotonic() - begun:.0f} s"]
    lines += [f"  {what}: {count}" for what, count in sorted(end.counts.items())]
    sys.stdout.write("\n".join([*lines, *(found[:FINDINGS_SHOWN] or ["nothing lost, nothing doubled"]), ""]))
    return found


def main() -> None:
    """Run and print; fails where something was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=20_000)
    parser.add_argument("--pets", type=int, default=500)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--change-model", action="store_true", help="another model takes over halfway")
    parser.add_argument("--partitions", type=int, default=1)
    parser.add_argument("--backfill", type=float, default=0.0, help="share of the jobs of photos")
    parser.add_argument("--keep", type=Path, help="folder for the store, audits and logs, to look into")
    told = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        found = asyncio.run(run(told, told.keep or Path(place)))
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
