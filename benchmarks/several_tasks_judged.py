"""What tuning for several tasks gains: the vectors of ``several_tasks.py tune``, judged by the protocols.

    python benchmarks/several_tasks_judged.py DATA --views views.npz --vectors tuned/*.npz --scores judged

Attributes, heroes and looks of rated albums by heads that were fitted anew without them (``albums-out-1``),
and by the network's own heads; households of animals by heads that were fitted without them, each household
seen by one network. Where whole data sets were left out, so they are of heads (``households-1``). Gains over
the network as it was are paired by album and by household; households share animals, so that their intervals
are too narrow.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from fine_tuning import LEVELS
from several_tasks import FOLDS_OF

from sploot_media_clustering.bootstrap import open_embedding
from sploot_media_clustering.domain.album import PhotoEmbedding
from sploot_media_clustering.domain.attributes import COATS
from sploot_media_clustering.entrypoints.cli.labelled import embedded
from sploot_media_clustering.evaluation.heroes import evaluate_heroes
from sploot_media_clustering.evaluation.identity import household_scores
from sploot_media_clustering.evaluation.judged_sets import HOUSEHOLD_SIZES
from sploot_media_clustering.evaluation.judged_sets import judged as judged_sets_of
from sploot_media_clustering.evaluation.left_out import NO_LOOK, Figure, Judged, judge, leave_albums_out
from sploot_media_clustering.evaluation.looks import LEAST_PHOTOS as LEAST_OF_LOOKS
from sploot_media_clustering.evaluation.looks import evaluate_looks
from sploot_media_clustering.evaluation.words import evaluate_attributes
from sploot_media_clustering.settings import from_environment
from sploot_media_clustering.training.households import households
from sploot_media_clustering.training.identity import LEAST_PHOTOS, fit_identity, head_without
from sploot_media_clustering.training.labelled import DataSet, labelled_vectors, read_data_sets
from sploot_media_clustering.training.pictures import fit_pictures
from sploot_media_clustering.training.ratings import RatedPhotos, rated_photos, read_ratings

BEFORE: Final = "none 0"
RESAMPLES: Final = 2000
MEASURES: Final = ("v_measure", "bcubed_f", "purity")
DRAWS: Final = {"albums": 60, "sets": 300}
"""Households of each data set and fold."""
_SEED: Final = 1
Table = Mapping[str, Mapping[str, tuple[float, float]]]
"""Of each figure, by album or household: how much was right, of how much."""


@dataclass(frozen=True, slots=True, eq=False)
class Vectors:
    """What one network a fold makes of all photos.

    Attributes:
        way: what was left out, ``albums`` or ``sets``.
        name: arm and strength.
        embeddings: by key.
        says: of the network's own heads, by key: probabilities of what people tick, then appeal.
        folds: which network it was, by key.
    """

    way: str
    name: str
    embeddings: Mapping[str, PhotoEmbedding]
    says: Mapping[str, np.ndarray]
    folds: Mapping[str, int]


def main() -> None:
    """Print what each arm gains."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--views", type=Path, required=True)
    parser.add_argument("--vectors", nargs="+", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=1, help="arms at a time")
    parser.add_argument("--scores", type=Path, required=True, help="folder of each arm's; not judged again")
    told = parser.parse_args()
    told.scores.mkdir(parents=True, exist_ok=True)
    data_sets = read_data_sets(told.folders)
    with open_embedding(from_environment()) as parts:
        embeddings = embedded(parts, data_sets)
    with np.load(told.views) as views:
        keys = views["keys"].tolist()
    names = [(file, name) for file in told.vectors for name in _strengths(file)]
    with ProcessPoolExecutor(told.workers) as pool:
        waiting = [
            pool.submit(_judged, data_sets, _vectors(file, name, keys, embeddings), told.scores)
            for file, name in names
        ]
        found = {(way, name): tables for way, name, tables in (one.result() for one in waiting)}
    for way in ("albums", "sets"):
        arms = {name: tables for (of, name), tables in found.items() if of == way}
        for kind in next(iter(arms.values()), {}):
            _print(f"{way} left out, {kind}", {name: tables[kind] for name, tables in arms.items()})


def _strengths(file: Path) -> list[str]:
    with np.load(file) as arrays:
        return [name for name in arrays.files if " " not in name and name != FOLDS_OF]


def _vectors(file: Path, strength: str, keys: Sequence[str], embeddings: Mapping[str, Any]) -> Vectors:
    with np.load(file) as arrays:
        seen = (arrays[strength] / LEVELS) ** 2 * arrays[f"{strength} most"]
        says, folds = arrays[f"{strength} says"], arrays[FOLDS_OF].tolist()
    there = [row for row in range(len(keys)) if seen[row].any()]
    way, arm = file.stem.split("-")
    return Vectors(
        way=way,
        name=f"{arm} {strength}",
        embeddings={keys[row]: _again(embeddings[keys[row]], *seen[row]) for row in there},
        says={keys[row]: says[row] for row in there},
        folds={keys[row]: folds[row] for row in there},
    )


def _again(photo: PhotoEmbedding, whole: np.ndarray, crop: np.ndarray) -> PhotoEmbedding:
    """A photo as another network sees it and its best sighting."""
    first = [replace(one, embedding=crop.astype(np.float16)) for one in photo.sightings[:1]]
    return replace(photo, embedding=whole.astype(np.float16), sightings=(*first, *photo.sightings[1:]))


def _judged(
    data_sets: Sequence[DataSet], vectors: Vectors, folder: Path
) -> tuple[str, str, dict[str, Table]]:
    """The figures of an arm by kind."""
    kept = folder / f"{vectors.way}-{vectors.name.replace(' ', '-')}.json"
    if not kept.is_file():
        ratings = read_ratings([one.folder for one in data_sets])
        rated = rated_photos(ratings, vectors.embeddings)
        judged = leave_albums_out(rated) if vectors.way == "albums" else [_sets_left_out(rated)]
        own = _own(rated, vectors.says)
        both = [replace(one, attributes=(one.attributes + own.attributes) / 2) for one in judged]
        tables = {
            "heads fitted anew": _by_album(judged, evaluate_attributes, evaluate_heroes, evaluate_looks),
            "heads of one network": _inside_folds(rated, vectors),
            "own heads": _by_album([own], evaluate_attributes, evaluate_heroes),
            "mean of both": _by_album(both, evaluate_attributes),
        }
        tables["households"] = _households(data_sets, vectors)
        kept.write_text(json.dumps(tables))
    return vectors.way, vectors.name, json.loads(kept.read_text())


def _sets_left_out(rated: RatedPhotos) -> Judged:
    """Every set judged by heads that were fitted on the others."""
    sets = np.array([key.split("/")[0] for key in rated.keys])
    parts, order = [], []
    for held in np.unique(sets):
        order.append(np.flatnonzero(sets == held))
        heads = fit_pictures(rated.taken(np.flatnonzero(sets != held)))
        parts.append(judge(rated.taken(order[-1]), heads))
    back = np.argsort(np.concatenate(order))
    columns = [
        np.concatenate([getattr(p, n) for p in parts])[back] for n in ("looks", "scores", "attributes")
    ]
    return Judged(rated, *columns)


def _inside_folds(rated: RatedPhotos, vectors: Vectors) -> Table:
    """Few photos for each head, but neither they nor what is judged were seen by its network."""
    folds = np.array([vectors.folds[key] for key in rated.keys])
    table: dict[str, dict[str, tuple[float, float]]] = {}
    for fold in np.unique(folds):
        judged = leave_albums_out(rated.taken(np.flatnonzero(folds == fold)))
        for name, albums in _by_album(judged, evaluate_attributes, evaluate_heroes, evaluate_looks).items():
            table.setdefault(name, {}).update(albums)
    return table


def _own(rated: RatedPhotos, says: Mapping[str, np.ndarray]) -> Judged:
    """What the network's own heads say; they know no looks."""
    said = np.stack([says[key] for key in rated.keys]).astype(np.float32)
    coats = np.zeros((len(said), len(COATS)), np.float32)
    scores = np.where(rated.seen, said[:, -1], -np.inf)
    return Judged(rated, np.full(len(said), NO_LOOK), scores, np.concatenate([said[:, :-1], coats], 1))


def _by_album(judged: Sequence[Judged], *protocols: Callable[..., tuple[Figure, ...]]) -> Table:
    table: dict[str, dict[str, tuple[float, float]]] = {}
    for album in np.unique(judged[0].rated.albums):
        rows = np.flatnonzero(judged[0].rated.albums == album)
        part = [
            Judged(one.rated.taken(rows), one.looks[rows], one.scores[rows], one.attributes[rows])
            for one in judged
        ]
        for protocol in protocols:
            if protocol is evaluate_looks and len(rows) < LEAST_OF_LOOKS:
                continue
            for figure in protocol(part):
                if figure.count:
                    told = (figure.interval.mean * figure.count, float(figure.count))
                    table.setdefault(figure.name, {})[str(album)] = told
    return table


def _households(data_sets: Sequence[DataSet], vectors: Vectors) -> Table:
    """Households of animals that share a network, which saw none of them; nor did the heads."""
    seen = labelled_vectors(data_sets, vectors.embeddings)
    folds = np.array([vectors.folds[key] for key in seen.keys])
    table: dict[str, dict[str, tuple[float, float]]] = {}
    for fold in np.unique(folds):
        known, own = (seen.taken(np.flatnonzero(part)) for part in (folds != fold, folds == fold))
        fit = fit_identity(known, head_without(known))
        for one in judged_sets_of(own):
            animals = own.rows_of(one, least=LEAST_PHOTOS)
            for place, rows in enumerate(households(animals, HOUSEHOLD_SIZES, DRAWS[vectors.way], _SEED)):
                scores = household_scores(own, fit, rows)
                for measure in MEASURES:
                    told = {f"{own.set_names[one]} {fold} {place}": (getattr(scores, measure), 1.0)}
                    table.setdefault(f"{measure}, {own.set_names[one]}", {}).update(told)
                    table.setdefault(f"{measure}, all", {}).update(told)
    return table


def _print(title: str, arms: Mapping[str, Table]) -> None:
    """Of each figure its value before, and what each arm gains [95 % interval]."""
    before = arms[BEFORE]
    print(f"\n{title}\n\n| | {' | '.join(arms)} |\n{'| --- ' * (len(arms) + 1)}|")
    for figure, albums in before.items():
        right, of = _columns(albums, albums)
        cells = [f"{right.sum() / of.sum():.3f}"]
        for name, table in arms.items():
            if name != BEFORE:
                cells.append(_gain(albums, table[figure]))
        print(f"| {figure} | {' | '.join(cells)} |")


def _columns(albums: Mapping[str, Any], table: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    return tuple(np.array([table[name][place] for name in albums]) for place in (0, 1))


def _gain(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """Albums, or households, being drawn anew."""
    shared = {name: told for name, told in before.items() if name in after}
    drawn = np.random.default_rng(0).integers(len(shared), size=(RESAMPLES, len(shared)))
    gains = []
    for rows in (np.arange(len(shared))[None], drawn):
        shares = [
            right[rows].sum(1) / of[rows].sum(1)
            for right, of in map(partial(_columns, shared), (before, after))
        ]
        gains.append(shares[1] - shares[0])
    low, high = np.quantile(gains[1], (0.025, 0.975))
    return f"{gains[0][0]:+.3f} [{low:+.3f}, {high:+.3f}]"


if __name__ == "__main__":
    main()
