"""Which animal: households of animals that nothing was fitted on.

Protocol ``households-1``: for every data set, the level of animals is fitted on the other sets (head,
concentration and temperature), then households of 2 to 4 of its animals, all their photos in random order,
are clustered by one sighting a photo, and every animal of the set alone. Every photo counts; a photo left
aside is unassigned. Protocol ``households-hint-1``: the same households, when the owner says how many animals
there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Int64

from sploot_media_clustering.domain.expectations import CountHint
from sploot_media_clustering.domain.level import place
from sploot_media_clustering.evaluation.judged_sets import HOUSEHOLD_SIZES, WITHOUT_THE_SET, judged
from sploot_media_clustering.evaluation.metrics import Scores, score
from sploot_media_clustering.evaluation.outcome import Measure, Outcome, means_of_sets, scored, told
from sploot_media_clustering.training.heads import HINT_STRENGTH
from sploot_media_clustering.training.households import households
from sploot_media_clustering.training.identity import (
    LEAST_PHOTOS,
    IdentityFit,
    fit_identity,
    head_without,
    items_of,
)
from sploot_media_clustering.training.labelled import LabelledVectors

DRAWS: Final = 100
SEEDS: Final = (1, 2, 3)
ALONE: Final = "alone_bcubed_f"
ALONE_CLUSTERS: Final = "alone_clusters"


@dataclass(frozen=True, slots=True)
class IdentityResult:
    """One data set, judged by what was fitted without it.

    Attributes:
        name: of the data set.
        households: of several animals.
        hinted: the same households, the number of animals being told.
        alone: albums of one animal.
    """

    name: str
    households: tuple[Scores, ...]
    hinted: tuple[Scores, ...]
    alone: tuple[Scores, ...]


def fits_left_out(
    vectors: LabelledVectors, progress: Callable[[str], None] = lambda _: None
) -> Iterator[tuple[int, IdentityFit]]:
    """Each set that makes households, and the level of animals fitted without it.

    Args:
        vectors: labelled photos of several sets.
        progress: told the name of each set before its turn.
    """
    fit = head_without(vectors)
    for held in judged(vectors):
        progress(vectors.set_names[held])
        yield held, fit_identity(vectors, fit, left_out=frozenset({held}))


def evaluate_identity(
    vectors: LabelledVectors,
    fitted: Iterable[tuple[int, IdentityFit]],
    *,
    draws: int = DRAWS,
    seeds: Sequence[int] = SEEDS,
) -> list[IdentityResult]:
    """Run both protocols on every set that has at least two animals of three photos.

    Args:
        vectors: labelled photos.
        fitted: each set to be judged, and what judges it.
        draws: households of each set and seed.
        seeds: of the households.
    """
    results = []
    for held, fit in fitted:
        animals = vectors.rows_of(held, least=LEAST_PHOTOS)
        rows = [np.sort(r) for seed in seeds for r in households(animals, HOUSEHOLD_SIZES, draws, seed)]
        once = {r.tobytes(): r for r in rows}  # of few animals the same household is drawn again and again
        plain = {key: household_scores(vectors, fit, r) for key, r in once.items()}
        hinted = {key: household_scores(vectors, fit, r, hinted=True) for key, r in once.items()}
        results.append(
            IdentityResult(
                name=vectors.set_names[held],
                households=tuple(plain[r.tobytes()] for r in rows),
                hinted=tuple(hinted[r.tobytes()] for r in rows),
                alone=tuple(household_scores(vectors, fit, r) for r in animals),
            )
        )
    return results


def household_scores(
    vectors: LabelledVectors, fit: IdentityFit, rows: Int64[np.ndarray, " n"], *, hinted: bool = False
) -> Scores:
    """One album, its photos in canonical order, since the order of arrival does not matter to settling.

    Args:
        vectors: labelled photos.
        fit: what clusters them.
        rows: of the album.
        hinted: whether the owner says how many animals there are.
    """
    rows = np.sort(rows)
    animals = vectors.animals[rows]
    items = items_of(vectors, fit.head, rows)
    count = len(np.unique(animals))
    hint = CountHint(count, count, HINT_STRENGTH) if hinted else None
    return score(animals, place(items, fit.level, hint).labels)


def identity_outcomes(
    results: Sequence[IdentityResult], judged_by: str = WITHOUT_THE_SET
) -> tuple[Outcome, Outcome]:
    """What both protocols found.

    Args:
        results: one a set.
        judged_by: says which heads judged them.
    """
    plain = _with_means([m for one in results for m in _measures(one.name, one.households, one.alone)])
    hinted = _with_means([m for one in results for m in scored(one.name, one.hinted)])
    return (
        Outcome("households-1", "Which animal: households, one sighting a photo", judged_by, plain),
        Outcome("households-hint-1", "The same, the number of animals being told", judged_by, hinted),
    )


def _measures(name: str, together: Sequence[Scores], alone: Sequence[Scores]) -> tuple[Measure, ...]:
    return (*scored(name, together), *alone_measures(name, alone))


def alone_measures(name: str, alone: Sequence[Scores]) -> tuple[Measure, Measure]:
    """Agreement of albums of one animal, and in how many parts they fall."""
    return (
        told(name, ALONE, [one.bcubed_f for one in alone]),
        told(name, ALONE_CLUSTERS, [one.clusters_per_group for one in alone], "one"),
    )


def _with_means(measures: Sequence[Measure]) -> tuple[Measure, ...]:
    return (*measures, *means_of_sets(measures))
