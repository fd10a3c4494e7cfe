"""What settling among neighbours changes: large albums settled so, and with every two sightings compared.

    .venv/bin/python benchmarks/local_settling.py [--photos 1000 2000 4000] [--data FOLDER] [--neighbours 16]

Albums as those of ``mixture_speed.py`` (a household), those of a shelter of 400 animals, and, where labelled
data sets are named, all their photos as one album, and each set. Ordinary settling is the reference; local
settling is made to begin at a quarter of the album's size. Looks are those of the animal with most sightings.
V-measures are by labels, of all sightings that take part in settling; what is no photo's best one is there an
animal of its own.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator, Mapping, Sequence
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
from sploot_media_clustering.evaluation.metrics import score
from sploot_media_clustering.settings import from_environment

KINDS: Final = {"household": SHARES, "shelter": (0.97 / 400,) * 400}
EVERYTHING: Final = 10**9
QUARTERS: Final = 4


def albums(
    sizes: Sequence[int], data: Sequence[Path]
) -> Iterator[tuple[str, list[Photo], dict[str, tuple[str, ...]]]]:
    """Albums by name, and who is in each photo where that is known."""
    model = built_in_heads().tree
    for kind, shares in KINDS.items():
        for size in sizes:
            yield kind, album(model, size, shares=shares), {}
    if data:
        with open_engine(from_environment()) as engine:
            sets = data_sets_of(list(data))
            found = embedded(engine.parts, sets)
            named = {photo.key: photo.animals for one in sets for photo in one.photos}
            photos = {key: engine.heads.project(found[key]) for key in sorted(found)}
            yield "all labelled sets", list(photos.values()), named
            for one in sets:
                yield one.name, [photos[photo.key] for photo in one.photos if photo.key in photos], named


def sightings(
    photos: Sequence[Photo], model: tree.TreeModel, named: Mapping[str, tuple[str, ...]]
) -> tuple[Items, Items, np.ndarray]:
    """What an album's subjects are settled from, what looks of the same sightings are, and who they are."""
    ordered = sorted(photos, key=lambda photo: photo.image_id)
    columns = tables.stacked(ordered, tree.empty(model).columns)
    moment = moments(columns.scene, columns.time_s, model.moments)
    worth = evidence_weights(moment, copies(moment, columns.scene), model.moments)[columns.photo]
    lead = np.flatnonzero(columns.leading)
    looks = Items(columns.look[lead], worth[lead], np.arange(len(lead)), none(len(lead)))
    identity, conflicts = columns.identity[lead], tables.conflicts(columns).taken(lead)
    atoms = tables.atoms(identity, moment[columns.photo][lead], conflicts, model.atom_distance)
    best = set(np.flatnonzero(np.diff(columns.photo, prepend=-1)).tolist())
    names = [named.get(ordered[place].image_id, ()) for place in columns.photo]
    who = [str(names[row]) if row in best and names[row] else str(row) for row in lead.tolist()]
    truth = np.unique(who, return_inverse=True)[1]
    return Items(identity, (worth * columns.clearness)[lead], atoms, conflicts), looks, truth


def lines(
    name: str, items: Items, model: LevelModel, neighbours: Sequence[int], truth: np.ndarray | None
) -> Iterator[str]:
    """Lines of the table, one for each number of neighbours."""
    size = len(items.weights)
    exact, exact_s = timed(items, model, Reach(EVERYTHING))
    every = pairs_in(np.array([size]))
    for number in neighbours:
        local, local_s = timed(items, model, Reach(size // QUARTERS, number))
        table = contingency(exact.labels, local.labels)
        apart = pairs_in(table.sum(1)) + pairs_in(table.sum(0)) - 2 * pairs_in(table)
        v_measures = "" if truth is None else f"{v_measure(truth, exact)} / {v_measure(truth, local)}"
        cells = [
            name,
            f"{size:,}".replace(",", " "),
            str(number),
            f"{len(table)} / {table.shape[1]}",
            f"{adjusted_rand(table):.3f}",
            f"{1 - apart / every:.2%}",
            f"{(local.log_posterior - exact.log_posterior) / size:+.3f}",
            v_measures,
            f"{exact_s:.1f} / {local_s:.1f} s",
        ]
        yield f"| {' | '.join(cells)} |"


def v_measure(truth: np.ndarray, settlement: Settlement) -> str:
    """Agreement with the labels."""
    return f"{score(truth, settlement.labels).v_measure:.3f}"


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
    parser.add_argument("--neighbours", type=int, nargs="*", default=[Reach().neighbours])
    arguments = parser.parse_args()
    model = built_in_heads().tree
    print(
        "| album | items | neighbours | components | adjusted Rand | pairs alike | nats an item | V | time |"
    )
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |", flush=True)
    for name, photos, named in albums(arguments.photos, arguments.data):
        items, looks, truth = sightings(photos, model, named)
        known = truth if named else None
        for told in lines(f"{name}, animals", items, model.subjects, arguments.neighbours, known):
            print(told, flush=True)
        labels = timed(items, model.subjects, Reach(EVERYTHING))[0].labels
        rows = np.flatnonzero(labels == np.bincount(labels).argmax())
        vectors, size = looks.vectors[rows], len(rows)
        of_one = Items(vectors - vectors.mean(0), looks.weights[rows], np.arange(size), none(size))
        for told in lines(f"{name}, looks", of_one, model.looks, arguments.neighbours, None):
            print(told, flush=True)


if __name__ == "__main__":
    main()
