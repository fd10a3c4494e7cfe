"""What settling among neighbours changes: large albums settled so, and with every two sightings compared.

    .venv/bin/python benchmarks/local_settling.py [--photos 1000 2000 4000] [--data FOLDER] [--neighbours 16]

Albums as those of ``mixture_speed.py`` (a household), those of a shelter of 400 animals, and, where labelled
data sets are named, all their photos as one album. Ordinary settling is the reference; local settling is made
to begin at a quarter of the album's size. Looks are those of the animal with most sightings.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from mixture_speed import SHARES, album

from sploot_media_clustering.bootstrap import built_in_heads, open_engine
from sploot_media_clustering.domain import columns as tables
from sploot_media_clustering.domain import tree
from sploot_media_clustering.domain.agreement import adjusted_rand, contingency, pairs_in
from sploot_media_clustering.domain.album import Photo
from sploot_media_clustering.domain.conflicts import none
from sploot_media_clustering.domain.level import LevelModel
from sploot_media_clustering.domain.moments import copies, evidence_weights, moments
from sploot_media_clustering.domain.partition import Items, Reach
from sploot_media_clustering.domain.settling import Settlement, settle
from sploot_media_clustering.entrypoints.cli.labelled import data_sets_of, embedded
from sploot_media_clustering.settings import from_environment

KINDS: Final = {"household": SHARES, "shelter": (0.97 / 400,) * 400}
EVERYTHING: Final = 10**9
QUARTERS: Final = 4


def albums(sizes: Sequence[int], data: Sequence[Path]) -> Iterator[tuple[str, list[Photo]]]:
    """Albums by name."""
    model = built_in_heads().tree
    for kind, shares in KINDS.items():
        for size in sizes:
            yield kind, album(model, size, shares=shares)
    if data:
        with open_engine(from_environment()) as engine:
            found = embedded(engine.parts, data_sets_of(list(data)))
            yield "labelled sets", [engine.heads.project(found[key]) for key in sorted(found)]


def sightings(photos: Sequence[Photo], model: tree.TreeModel) -> tuple[Items, np.ndarray]:
    """What an album's subjects are settled from, and the look vectors of the same sightings."""
    columns = tables.stacked(sorted(photos, key=lambda photo: photo.image_id), tree.empty(model).columns)
    moment = moments(columns.scene, columns.time_s, model.moments)
    weights = evidence_weights(moment, copies(moment, columns.scene), model.moments)[columns.photo]
    lead = np.flatnonzero(columns.leading)
    identity, conflicts = columns.identity[lead], tables.conflicts(columns).taken(lead)
    atoms = tables.atoms(identity, moment[columns.photo][lead], conflicts, model.atom_distance)
    return Items(identity, weights[lead], atoms, conflicts), columns.look[lead]


def line(name: str, items: Items, model: LevelModel, neighbours: int) -> tuple[str, np.ndarray]:
    """One line of the table, and the labels of the reference."""
    size = len(items.weights)
    reaches = Reach(EVERYTHING), Reach(size // QUARTERS, neighbours)
    (exact, exact_s), (local, local_s) = (timed(items, model, reach) for reach in reaches)
    table = contingency(exact.labels, local.labels)
    every = pairs_in(np.array([size]))
    apart = pairs_in(table.sum(1)) + pairs_in(table.sum(0)) - 2 * pairs_in(table)
    cells = [
        name,
        f"{size:,}".replace(",", " "),
        f"{len(table)} / {table.shape[1]}",
        f"{exact.prior.within:g} / {local.prior.within:g}",
        f"{adjusted_rand(table):.4f}",
        f"{1 - apart / every:.4%}",
        f"{(local.log_posterior - exact.log_posterior) / size:+.4f}",
        f"{exact_s:.1f} / {local_s:.1f} s",
    ]
    return f"| {' | '.join(cells)} |", exact.labels


def timed(items: Items, model: LevelModel, reach: Reach) -> tuple[Settlement, float]:
    """A settlement, and the processor time that it took."""
    start = time.process_time()
    settlement = settle(items, model.prior(len(items.weights)), model.search, None, reach)
    return settlement, time.process_time() - start


def main() -> None:
    """Print the table as its lines are measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, nargs="*", default=[1000, 2000, 4000])
    parser.add_argument("--data", type=Path, nargs="*", default=[], help="folders of labelled sets")
    parser.add_argument("--neighbours", type=int, default=Reach().neighbours)
    arguments = parser.parse_args()
    model = built_in_heads().tree
    print("| album | items | components | scale | adjusted Rand | pairs alike | nats an item | time |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |", flush=True)
    for name, photos in albums(arguments.photos, arguments.data):
        items, looks = sightings(photos, model)
        told, labels = line(f"{name}, animals", items, model.subjects, arguments.neighbours)
        print(told, flush=True)
        rows = np.flatnonzero(labels == np.bincount(labels).argmax())
        vectors, size = looks[rows] - looks[rows].mean(0), len(rows)
        of_one = Items(vectors, items.weights[rows], np.arange(size), none(size))
        print(line(f"{name}, looks", of_one, model.looks, arguments.neighbours)[0], flush=True)


if __name__ == "__main__":
    main()
