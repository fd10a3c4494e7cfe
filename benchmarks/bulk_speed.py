"""Bulk embedding: one process, as many as there are cores, and a Ray cluster of this machine, side by side.

    .venv/bin/python benchmarks/bulk_speed.py [--photos 256] [--cores 2] [--rounds 1]

Photos of 12 megapixels go through the stages of a worker, by the built-in networks, each time into an empty
cache: `model embed` without Ray, which decodes beside the networks and so keeps more than one core busy; a
process a core, each with its share, as that many workers would; `model embed --ray local`. Starting processes
and loading networks is part of it for the last two, starting Ray itself is told apart. Needs the extra `ray`.
"""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from service_freshness import write_photos

from sploot_media_clustering.adapters.ray_data import LOCAL, open_ray
from sploot_media_clustering.bootstrap_bulk import stages_of
from sploot_media_clustering.services.album_record import Source
from sploot_media_clustering.services.embedding_ahead import (
    OpenStages,
    Outcome,
    PhotoAhead,
    Spread,
    here,
)
from sploot_media_clustering.settings import Settings, UriSettings

DISTINCT: Final = 32
"""Files that are written; albums share them."""


@contextmanager
def processes(open_stages: OpenStages, cores: int) -> Iterator[Spread]:
    """A process a core, each with its share of the photos."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(cores, mp_context=context) as pool:

        def spread(photos: Sequence[PhotoAhead]) -> Iterator[Outcome]:
            shares = [photos[core::cores] for core in range(cores)]
            for outcomes in pool.map(partial(alone, open_stages), shares):
                yield from outcomes

        yield spread


def alone(open_stages: OpenStages, photos: Sequence[PhotoAhead]) -> list[Outcome]:
    """One process's share."""
    with here(open_stages) as spread:
        return list(spread(photos))


def measure(
    folder: Path,
    photos: Sequence[PhotoAhead],
    cores: int,
    way: Callable[[OpenStages], AbstractContextManager[Spread]],
) -> str:
    """Seconds that it took to begin, and photos a second from then on."""
    with tempfile.TemporaryDirectory() as cache:
        settings = Settings(model=None, cache=cache, threads=cores)
        begun = time.perf_counter()
        with way(partial(stages_of, settings, UriSettings(file_root=folder))) as spread:
            ready = time.perf_counter()
            outcomes = [one.outcome for one in spread(photos)]
            took_s = time.perf_counter() - ready
    if outcomes.count("embedded") != len(photos):
        raise SystemExit(f"expected {len(photos)} photos to be embedded, got {outcomes.count('embedded')}")
    return f"{ready - begun:6.1f} s to begin, {took_s:6.1f} s, {len(photos) / took_s:5.1f} photos a second"


def main() -> None:
    """Write photos, and have them embedded in each way."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=int, default=256)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=1)
    asked = parser.parse_args()
    ways: dict[str, Callable[[OpenStages], AbstractContextManager[Spread]]] = {
        "one process": here,
        f"{asked.cores} processes": partial(processes, cores=asked.cores),
        f"Ray, {asked.cores} cores": lambda stages: open_ray(stages, LOCAL, asked.cores),
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_photos(folder, DISTINCT)
        photos = [
            PhotoAhead(f"pet-{n // 100}", f"{n}", Source(f"file://{folder}/{n % DISTINCT}.jpg", b""))
            for n in range(asked.photos)
        ]
        for _ in range(asked.rounds):
            for told, way in ways.items():
                print(f"{told:12}  {measure(folder, photos, asked.cores, way)}", flush=True)


if __name__ == "__main__":
    main()
