"""Which animal: households of animals that nothing was fitted on.

Protocol ``households-1``: for every data set, the level of animals is fitted on the other sets (head,
concentration and temperature), then households of 2 to 4 of its animals, all their photos in random order,
are clustered by one sighting a photo, and every animal of the set alone. Every photo counts; a photo left
aside is unassigned.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
from jaxtyping import Int64

from sploot_media_clustering.domain.level import place
from sploot_media_clustering.evaluation.metrics import Interval, Scores, interval, mean_scores, score
from sploot_media_clustering.training.households import households
from sploot_media_clustering.training.identity import (
    LEAST_PHOTOS,
    IdentityFit,
    fit_identity,
    head_without,
    items_of,
)
from sploot_media_clustering.training.labelled import LabelledVectors

HOUSEHOLD_SIZES: Final = (2, 3, 4)
DRAWS: Final = 100
SEEDS: Final = (1, 2, 3)


@dataclass(frozen=True, slots=True)
class IdentityResult:
    """One data set, judged by what was fitted without it.

    Attributes:
        name: of the data set.
        households: mean over households of several animals.
        v_measure: its mean and 95 % bootstrap interval over households.
        alone: mean over albums of one animal.
        log_concentration: chosen for an album of 40 photos, without this set.
        temperature: chosen without this set.
    """

    name: str
    households: Scores
    v_measure: Interval
    alone: Scores
    log_concentration: float
    temperature: float


def evaluate_identity(
    vectors: LabelledVectors,
    *,
    draws: int = DRAWS,
    seeds: Sequence[int] = SEEDS,
    workers: int = 1,
    progress: Callable[[str], None] = lambda _: None,
) -> list[IdentityResult]:
    """Run the protocol on every set that has at least two animals of three photos.

    Args:
        vectors: labelled photos of several sets.
        draws: households of each set and seed.
        seeds: of the households.
        workers: processes; sets are shared out between them, and the result does not depend on how.
        progress: told the name of each set when its turn comes, in order.
    """
    judged = [
        held
        for held in range(len(vectors.set_names))
        if len(vectors.rows_of(held, least=LEAST_PHOTOS)) >= min(HOUSEHOLD_SIZES)
    ]
    judge = partial(_judged, vectors, draws=draws, seeds=tuple(seeds))
    results = []
    with _mapping(workers) as mapped:
        found = mapped(judge, judged)
        for held in judged:
            progress(vectors.set_names[held])
            results.append(next(found))
    return results


@contextmanager
def _mapping(workers: int) -> Iterator[Callable[..., Iterator[IdentityResult]]]:
    """``map``, in this process or in several fresh ones: forking would copy the threads of the networks."""
    if workers == 1:
        yield map
        return
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        yield pool.map


def _judged(vectors: LabelledVectors, held: int, *, draws: int, seeds: Sequence[int]) -> IdentityResult:
    fitted = fit_identity(vectors, head_without(vectors), left_out=frozenset({held}))
    animals = vectors.rows_of(held, least=LEAST_PHOTOS)
    rows = [r for seed in seeds for r in households(animals, HOUSEHOLD_SIZES, draws, seed)]
    together = [_scored(vectors, fitted, r) for r in rows]
    return IdentityResult(
        name=vectors.set_names[held],
        households=mean_scores(together),
        v_measure=interval([s.v_measure for s in together]),
        alone=mean_scores([_scored(vectors, fitted, r) for r in animals]),
        log_concentration=fitted.level.concentration.at(40),
        temperature=fitted.level.temperature,
    )


def _scored(vectors: LabelledVectors, fitted: IdentityFit, rows: Int64[np.ndarray, " n"]) -> Scores:
    """One album, its photos in canonical order, since the order of arrival does not matter to settling."""
    rows = np.sort(rows)
    items = items_of(fitted.head.project(vectors.x[rows]).astype(np.float64))
    return score(vectors.animals[rows], place(items, fitted.level).labels)
