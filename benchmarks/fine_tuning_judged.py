"""What tuning an embedder gains: the vectors of ``fine_tuning.py tune``, judged.

    python benchmarks/fine_tuning_judged.py views.npz tuned/*.npz --scores judged

Runs ``households-1`` on the vectors of each arm, heads fitted without the set, and compares household by
household with the network as it was. Intervals are of the households drawn, which share few animals.
"""

from __future__ import annotations

import argparse
import json
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Final

import numpy as np
from fine_tuning import LEVELS

from sploot_media_clustering.domain.heads import features
from sploot_media_clustering.evaluation.identity import fits_left_out, household_scores
from sploot_media_clustering.evaluation.judged_sets import HOUSEHOLD_SIZES
from sploot_media_clustering.evaluation.metrics import Interval, interval
from sploot_media_clustering.training.households import households
from sploot_media_clustering.training.identity import LEAST_PHOTOS
from sploot_media_clustering.training.labelled import LabelledVectors

SEED: Final = 1
DRAWS: Final = 300
RESAMPLES: Final = 1000
ANIMAL_RESAMPLES: Final = 400
MEASURES: Final = ("v_measure", "bcubed_f", "purity")
BEFORE: Final = "none 0"


def main() -> None:
    """Print what each arm gains in each set, household by household."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("views", type=Path)
    parser.add_argument("vectors", nargs="+", type=Path)
    parser.add_argument("--workers", type=int, default=1, help="arms at a time")
    parser.add_argument("--scores", type=Path, required=True, help="folder of each arm's; not judged again")
    told = parser.parse_args()
    told.scores.mkdir(parents=True, exist_ok=True)
    _print_pairs(told)
    waiting = [(told.views, file, name, told.scores) for file in told.vectors for name in _names(file)]
    with ProcessPoolExecutor(told.workers) as pool:
        found = dict(pool.map(_judged, waiting))
    before = found[BEFORE]
    names = list(before)
    for column, measure in enumerate(MEASURES):
        print(f"\n{measure}: mean of households, and what is gained over none [95 % interval]\n")
        print("| arm, strength | " + " | ".join([*names, "mean of sets"]) + " |")
        print("| --- " * (len(names) + 2) + "|")
        for arm, own in found.items():
            values = {name: np.array(own[name])[:, column] for name in names}
            gains = {name: values[name] - np.array(before[name])[:, column] for name in names}
            cells = [f"{values[name].mean():.3f} {_said(interval(gains[name].tolist()))}" for name in names]
            mean = np.mean([one.mean() for one in values.values()])
            print(f"| {arm} | " + " | ".join([*cells, f"{mean:.3f} {_said(_over_sets(gains))}"]) + " |")


def _print_pairs(told: argparse.Namespace) -> None:
    """How often two photos of one animal are more alike than two of two, by crops, without heads."""
    arms = {name: _vectors(told.views, file, name) for file in told.vectors for name in _names(file)}
    before = arms[BEFORE]
    print("pairs in the right order, and what is gained over none [95 % interval, animals drawn anew]\n")
    print("| arm, strength | " + " | ".join([*before.set_names, "mean of sets"]) + " |")
    print("| --- " * (len(before.set_names) + 2) + "|")
    drawn = {name: _areas(before, place) for place, name in enumerate(before.set_names)}
    for arm, vectors in arms.items():
        areas = {name: _areas(vectors, place) for place, name in enumerate(vectors.set_names)}
        areas["mean"] = np.mean(list(areas.values()), axis=0)
        gains = [
            areas[name] - one
            for name, one in {**drawn, "mean": np.mean(list(drawn.values()), axis=0)}.items()
        ]
        cells = [
            f"{area[0]:.3f} {_said(_spread(gain))}" for area, gain in zip(areas.values(), gains, strict=True)
        ]
        print(f"| {arm} | " + " | ".join(cells) + " |")


def _areas(vectors: LabelledVectors, place: int) -> np.ndarray:
    """Area under the curve of a set's pairs: as it is, then with animals drawn anew."""
    rows = np.flatnonzero(vectors.sets == place)
    crops = vectors.x[rows, vectors.x.shape[1] // 2 :]
    animals = np.unique(vectors.animals[rows], return_inverse=True)[1]
    first, second = np.triu_indices(len(rows), 1)
    order = np.argsort((crops @ crops.T)[first, second])
    one, other = animals[first][order], animals[second][order]
    same, found = one == other, []
    rng = np.random.default_rng(place)
    for number in range(ANIMAL_RESAMPLES + 1):
        drawn = rng.multinomial(animals.max() + 1, np.full(animals.max() + 1, 1 / (animals.max() + 1)))
        counts = drawn if number else np.ones_like(drawn)
        weight = np.where(same, counts[one], counts[one] * counts[other]).astype(np.float64)
        below = np.cumsum(np.where(same, 0.0, weight))
        found.append((below * weight * same).sum() / (below[-1] * (weight * same).sum()))
    return np.array(found)


def _spread(gains: np.ndarray) -> Interval:
    """The first is the gain itself, the others are of animals drawn anew."""
    low, high = np.quantile(gains[1:], (0.025, 0.975))
    return Interval(float(gains[0]), float(low), float(high))


def _names(file: Path) -> list[str]:
    with np.load(file) as arrays:
        return list(arrays.files)


def _judged(told: tuple[Path, Path, str, Path]) -> tuple[str, dict[str, list[list[float]]]]:
    """Measures of every set's households, by heads fitted without the set."""
    views, file, name, folder = told
    kept = folder / f"{name.replace(' ', '-')}.json"
    if not kept.is_file():
        vectors, scores = _vectors(views, file, name), {}
        for held, fit in fits_left_out(vectors):
            animals = vectors.rows_of(held, least=LEAST_PHOTOS)
            drawn = households(animals, HOUSEHOLD_SIZES, DRAWS, SEED)
            found = [household_scores(vectors, fit, rows) for rows in drawn]
            scores[vectors.set_names[held]] = [[getattr(one, m) for m in MEASURES] for one in found]
        kept.write_text(json.dumps(scores))
    return name, json.loads(kept.read_text())


def _vectors(views: Path, file: Path, name: str) -> LabelledVectors:
    """The vectors of an arm; sets that it did not embed are left out."""
    with np.load(views) as labels, np.load(file) as arrays:
        embeddings = (arrays[name] / LEVELS) ** 2
        rows = np.flatnonzero(embeddings.any((1, 2)))
        sets, animals = (np.unique(labels[one][rows], return_inverse=True) for one in ("sets", "animals"))
        return LabelledVectors(
            keys=tuple(labels["keys"][rows].tolist()),
            x=features(embeddings[rows, 0], embeddings[rows, 1]),
            clearness=np.ones(len(rows)),
            animals=animals[1].astype(np.int64),
            sets=sets[1].astype(np.int64),
            animal_names=tuple(map(str, animals[0].tolist())),
            set_names=tuple(labels["set_names"][sets[0]].tolist()),
        )


def _over_sets(gains: dict[str, np.ndarray]) -> Interval:
    """Of the mean of sets, households being drawn anew in each."""
    rng = np.random.default_rng(0)
    means = [
        np.mean([one[rng.integers(len(one), size=len(one))].mean() for one in gains.values()])
        for _ in range(RESAMPLES)
    ]
    low, high = np.quantile(means, (0.025, 0.975))
    return Interval(float(np.mean([one.mean() for one in gains.values()])), float(low), float(high))


def _said(gain: Interval) -> str:
    return f"{gain.mean:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]"


if __name__ == "__main__":
    main()
