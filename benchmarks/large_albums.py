"""Where the time and the memory of settling a large album go.

    .venv/bin/python benchmarks/large_albums.py [1000 2000 4000 10000] [--animals 2000]

Albums as those of ``mixture_speed.py``, each settled once in a process of its own, on one core: seconds of
processor time by stage, and the most memory that the process took. 100 000 photos take some minutes.
"""

from __future__ import annotations

import argparse
import cProfile
import multiprocessing
import os
import pstats
import resource
import time
from typing import Final

os.environ.setdefault("OMP_NUM_THREADS", "1")

from mixture_speed import SHARES, album

from sploot_media_clustering.bootstrap import built_in_heads
from sploot_media_clustering.domain import tree

STAGES: Final = {
    "moments": (("moments.py", "moments"), ("moments.py", "copies")),
    "atoms": (("columns.py", "atoms"),),
    "neighbours": (("neighbours.py", "links"),),
    "merging among them": (("local_merging.py", "merged"),),
    "merging of all": (("merging.py", "_all_gains"), ("merging.py", "run")),
    "moving": (("moving.py", "moved"), ("local_moving.py", "moved_locally")),
}
"""Functions, none of which calls another."""
MB: Final = 1e6


def settled(photos: int, animals: int) -> str:
    """One line of the table."""
    model = built_in_heads().tree
    made = album(model, photos, shares=(0.97 / animals,) * animals if animals else SHARES)
    profile = cProfile.Profile(time.process_time)
    state = profile.runcall(tree.brought_to, tree.empty(model), made, model)
    told = pstats.Stats(profile)
    spent: dict[tuple[str, str], float] = {}
    for (file, _, name), (*_, cumulative, _) in told.stats.items():  # type: ignore[attr-defined]
        spent[os.path.basename(file), name] = cumulative  # noqa: PTH119
    parts = [sum(spent.get(one, 0.0) for one in stage) for stage in STAGES.values()]
    total = spent["tree.py", "brought_to"]
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MB
    figures = " | ".join(f"{value:.1f}" for value in (total, *parts, total - sum(parts)))
    looks = sum(len(part.ids) for part in state.looks)
    found = f"{len(state.subject_ids)} / {looks}"
    return f"| {photos:,} | {found} | {figures} | {peak_mb:,.0f} MB |".replace(",", " ")


def main() -> None:
    """Print the table as its lines are measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", type=int, nargs="*", default=[1000, 2000, 4000, 10_000])
    parser.add_argument("--animals", type=int, default=0, help="as many, each seen as often, as in a shelter")
    arguments = parser.parse_args()
    print(f"| photos | animals / looks | all, s | {' | '.join(STAGES)} | rest | memory |", flush=True)
    print("| ---: |" + " ---: |" * (len(STAGES) + 4), flush=True)
    spawned = multiprocessing.get_context("spawn")
    for size in arguments.sizes:
        with spawned.Pool(1) as pool:
            print(pool.apply(settled, (size, arguments.animals)), flush=True)


if __name__ == "__main__":
    main()
