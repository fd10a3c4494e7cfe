"""Photos that are there more than once among very many: what each index finds of them, and in what time.

    .venv/bin/python benchmarks/find_duplicates.py [--photos 100000] [--kinds exact,hnsw,ivf-pq]

Scenes as those of ``vector_index.py``, on their grid; two in a hundred photos are there once more, the scene
of the copy with a cosine of .97 to 1 to that of its original. One core, in processor time.
"""

from __future__ import annotations

import argparse
import time
from typing import Final

import numpy as np
from vector_index import drawn, unit

from sploot_media_clustering.adapters.vector_index.kinds import open_index
from sploot_media_clustering.domain.grid import SCENE_STEP, on_grid
from sploot_media_clustering.services.lookalikes import lookalikes

DIMENSION: Final = 128
COPIED: Final = 0.02
FARTHEST: Final = 0.2
"""Of a copy's scene from its original's; half of it on average."""


def photographed(count: int) -> np.ndarray:
    """Scenes of photos, the copies last."""
    rng = np.random.default_rng(1)
    copies = int(count * COPIED)
    originals = drawn(count - copies, DIMENSION)[0]
    away = unit(rng.standard_normal((copies, DIMENSION), np.float32))
    again = originals[:copies] + rng.uniform(0, FARTHEST, (copies, 1)).astype(np.float32) * away
    return on_grid(unit(np.concatenate([originals, again])), SCENE_STEP)


def main() -> None:
    """Print a line for each index."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=100_000)
    parser.add_argument("--kinds", default="exact,hnsw,ivf-pq")
    arguments = parser.parse_args()
    scenes = photographed(arguments.photos)
    print("| index | groups | photos in them | time |\n| --- | ---: | ---: | ---: |", flush=True)
    for kind in arguments.kinds.split(","):
        start = time.process_time()
        groups = lookalikes(scenes, open_index(kind, DIMENSION))
        taken_s = time.process_time() - start
        print(f"| {kind} | {len(groups)} | {sum(map(len, groups))} | {taken_s:.0f} s |", flush=True)


if __name__ == "__main__":
    main()
