"""What the mixture costs: one arrival in an album of 1 000 photos, settling, beside HDBSCAN refitted.

    .venv/bin/python benchmarks/mixture_speed.py [--photos 1000] [--processor-time]

Albums are drawn from the built-in model's own two-covariance model: a main pet, three house mates and
strangers seen once, bursts, looks. All figures come from one process on one core, the rivals in turn. On a
machine that does other work too, processor time leaves out the waiting for a core.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from sklearn.cluster import HDBSCAN

from sploot_media_clustering.bootstrap import built_in_heads
from sploot_media_clustering.domain import arrivals, tree
from sploot_media_clustering.domain.album import Box, Photo, Sighting
from sploot_media_clustering.domain.grid import SCENE_STEP, VECTOR_STEP, on_grid
from sploot_media_clustering.domain.tree import AlbumState, TreeModel

SHARES = (0.7, 0.15, 0.08, 0.05)
"""Of the photos that each animal is in; the rest are strangers, each seen once."""


NEW_OCCASION = 0.7
"""Share of photos that start one; the others are of the burst before."""


def album(model: TreeModel, photos: int, seed: int = 0, shares: tuple[float, ...] = SHARES) -> list[Photo]:
    """A seeded album of one sighting a photo."""
    animals = len(shares)
    rng = np.random.default_rng(seed)
    between, look = model.subjects.between, model.looks.between
    centres = rng.normal(size=(animals, len(between))) * np.sqrt(between)
    kinds = rng.normal(size=(animals, 8, len(look))) * np.sqrt(look)
    scene, taken, made = rng.normal(size=model.scene_dimension), datetime(2024, 1, 1), []  # noqa: DTZ001
    for i in range(photos):
        if rng.random() < NEW_OCCASION:
            scene, taken = rng.normal(size=model.scene_dimension), taken + timedelta(hours=7)
        animal = int(rng.choice(animals + 1, p=(*shares, 1 - sum(shares))))
        stranger = animal == animals
        centre = rng.normal(size=len(between)) * np.sqrt(between) if stranger else centres[animal]
        kind = kinds[animal % animals, rng.integers(8)]
        near = scene + 0.2 * rng.normal(size=len(scene))
        made.append(
            Photo(
                image_id=f"{rng.integers(10**9):09d}-{i}.jpg",
                captured_at=taken + timedelta(seconds=i),
                width_px=4000,
                height_px=3000,
                scene=on_grid((near / np.linalg.norm(near)).astype(np.float32), SCENE_STEP),
                sightings=(_sighting(rng, centre, kind),),
            )
        )
    return made


def _sighting(rng: np.random.Generator, centre: np.ndarray, kind: np.ndarray) -> Sighting:
    doubt = rng.uniform(0.01, 0.1)
    return Sighting(
        box=Box(0.2, 0.2, 0.8, 0.8),
        species=np.array([1.0 - 2.0 * doubt, doubt, doubt], np.float32),
        detector_score=float(rng.uniform(0.6, 1.0)),
        identity=on_grid((centre + rng.normal(size=len(centre))).astype(np.float32), VECTOR_STEP),
        look=on_grid((kind + rng.normal(size=len(kind))).astype(np.float32), VECTOR_STEP),
        attributes=np.zeros(1, np.float32),
        signals=np.zeros(1, np.float32),
    )


def timed_ms(action: Callable[[], object], clock: Callable[[], float]) -> float:
    """Milliseconds of one call by a clock of seconds."""
    start = clock()
    action()
    return (clock() - start) * 1e3


def settled(model: TreeModel, photos: list[Photo]) -> AlbumState:
    """An album that has settled once."""
    state = tree.empty(model)
    for photo in photos:
        state, _ = arrivals.arrive(state, photo, model)
    return tree.settle(state, model)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=1000, help="size of the large album")
    parser.add_argument("--processor-time", action="store_true", help="instead of wall-clock time")
    arguments = parser.parse_args()
    size, clock = arguments.photos, time.process_time if arguments.processor_time else time.perf_counter
    model = built_in_heads().tree
    photos, more = album(model, size), album(model, 300, seed=1)
    large, small = settled(model, photos), settled(model, photos[:100])
    vectors = large.columns.identity
    arrival, refit, settle_large, settle_small = [], [], [], []
    for turn, photo in enumerate(more):
        fresh = replace(photo, image_id=f"new-{turn}")
        arrival.append(timed_ms(lambda fresh=fresh: arrivals.arrive(large, fresh, model), clock))
        if turn % 60 == 0:
            refit.append(timed_ms(lambda: HDBSCAN(min_cluster_size=3, copy=True).fit(vectors), clock))
            settle_large.append(timed_ms(lambda: tree.settle(large, model), clock))
            settle_small.extend(timed_ms(lambda: tree.settle(small, model), clock) for _ in range(5))
    p50, p99 = np.quantile(arrival, (0.5, 0.99))
    looks = sum(len(part.ids) for part in large.looks)
    print(f"album of {size}: {len(large.subject_ids)} subjects, {looks} looks")
    print(f"one arrival          median {p50:8.2f} ms   p99 {p99:8.2f} ms   ({len(arrival)} arrivals)")
    print(
        f"HDBSCAN refitted     median {np.median(refit):8.2f} ms   {np.median(refit) / p50:.0f} x an arrival"
    )
    print(f"settling {size:5d}       median {np.median(settle_large):8.2f} ms")
    print(f"settling   100       median {np.median(settle_small):8.2f} ms")


if __name__ == "__main__":
    main()
