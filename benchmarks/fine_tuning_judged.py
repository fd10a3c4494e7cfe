"""What tuning an embedder gains: the vectors of ``fine_tuning.py tune``, judged.

    python benchmarks/fine_tuning_judged.py views.npz tuned/*.npz

Runs ``households-1`` on the vectors of each arm, heads fitted without the set, and compares household by
household with the network as it was. Intervals are of the households drawn, which share few animals.
"""

from __future__ import annotations

import argparse
import json
from concurrent.futures import ProcessPoolExecutor
from dataclasses import astuple
from pathlib import Path
from typing import Final

import numpy as np
from fine_tuning import LEVELS

from sploot_media_clustering.domain.heads import features
from sploot_media_clustering.evaluation.identity import fits_left_out, household_scores
from sploot_media_clustering.evaluation.judged_sets import HOUSEHOLD_SIZES
from sploot_media_clustering.evaluation.metrics import Interval, Scores, interval
from sploot_media_clustering.training.households import households
from sploot_media_clustering.training.identity import LEAST_PHOTOS
from sploot_media_clustering.training.labelled import LabelledVectors

SEEDS: Final = (1, 2, 3)
DRAWS: Final = 100
RESAMPLES: Final = 1000
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
    parser.add_argument("--scores", type=Path, help="write those of every household, as JSON")
    told = parser.parse_args()
    waiting = [(told.views, file, name) for file in told.vectors for name in _names(file)]
    with ProcessPoolExecutor(told.workers) as pool:
        found = dict(pool.map(_judged, waiting))
    if told.scores:
        told.scores.write_text(
            json.dumps(
                {arm: {n: list(map(astuple, one)) for n, one in own.items()} for arm, own in found.items()}
            )
        )
    before = found[BEFORE]
    names = list(before)
    for measure in MEASURES:
        print(f"\n{measure}: mean of households, and what is gained over none [95 % interval]\n")
        print("| arm, strength | " + " | ".join([*names, "mean of sets"]) + " |")
        print("| --- " * (len(names) + 2) + "|")
        for arm, own in found.items():
            values = {name: [getattr(one, measure) for one in own[name]] for name in names}
            gains = {
                name: np.array(values[name]) - [getattr(one, measure) for one in before[name]]
                for name in names
            }
            cells = [f"{np.mean(values[name]):.3f} {_said(interval(gains[name].tolist()))}" for name in names]
            mean = np.mean([np.mean(one) for one in values.values()])
            print(f"| {arm} | " + " | ".join([*cells, f"{mean:.3f} {_said(_over_sets(gains))}"]) + " |")


def _names(file: Path) -> list[str]:
    with np.load(file) as arrays:
        return list(arrays.files)


def _judged(told: tuple[Path, Path, str]) -> tuple[str, dict[str, list[Scores]]]:
    """The scores of every set's households, by heads fitted without the set."""
    views, file, name = told
    with np.load(views) as labels, np.load(file) as arrays:
        embeddings = (arrays[name] / LEVELS) ** 2
        vectors = LabelledVectors(
            keys=tuple(labels["keys"].tolist()),
            x=features(embeddings[:, 0], embeddings[:, 1]),
            animals=labels["animals"],
            sets=labels["sets"],
            animal_names=tuple(map(str, range(labels["animals"].max() + 1))),
            set_names=tuple(labels["set_names"].tolist()),
        )
    scores = {}
    for held, fit in fits_left_out(vectors):
        animals = vectors.rows_of(held, least=LEAST_PHOTOS)
        drawn = (rows for seed in SEEDS for rows in households(animals, HOUSEHOLD_SIZES, DRAWS, seed))
        scores[vectors.set_names[held]] = [household_scores(vectors, fit, rows) for rows in drawn]
    return name, scores


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
