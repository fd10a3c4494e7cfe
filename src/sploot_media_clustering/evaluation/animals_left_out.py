"""Which animal: households of animals that nothing was fitted on, though others of their set were.

Protocol ``households-animals-1``: the animals of all sets are dealt to three folds; for each, the level of
animals is fitted on the animals of the others, and households of 2 to 4 of its animals of one set are
clustered as in ``households-1``. Beside that protocol's figures it tells what knowing a set's places and
cameras is worth.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np

from sploot_media_clustering.evaluation.identity import household_scores
from sploot_media_clustering.evaluation.judged_sets import HOUSEHOLD_SIZES, judged
from sploot_media_clustering.evaluation.metrics import Scores
from sploot_media_clustering.evaluation.outcome import Outcome, means_of_sets, scored
from sploot_media_clustering.training.album_folds import album_folds
from sploot_media_clustering.training.households import households
from sploot_media_clustering.training.identity import LEAST_PHOTOS, fit_identity, head_without
from sploot_media_clustering.training.labelled import LabelledVectors

FOLDS: Final = 3
DRAWS: Final = 30
_SEED: Final = 1


def evaluate_animals_left_out(
    vectors: LabelledVectors,
    *,
    draws: int = DRAWS,
    folds: int = FOLDS,
    progress: Callable[[str], None] = lambda _: None,
) -> dict[str, list[Scores]]:
    """Run the protocol; the households of each set.

    Args:
        vectors: labelled photos of at least two sets.
        draws: households of each set and fold.
        folds: of the animals.
        progress: told each fold before its turn.

    Raises:
        DatasetError: there are too few sets to fit on.
    """
    fold = album_folds(vectors.animals, folds, _SEED)
    found: dict[str, list[Scores]] = {vectors.set_names[one]: [] for one in judged(vectors)}
    for held in range(folds):
        progress(f"animals of fold {held + 1} of {folds} left out")
        known, own = (vectors.taken(np.flatnonzero(part)) for part in (fold != held, fold == held))
        fit = fit_identity(known, head_without(known))
        for one in judged(own):
            animals = own.rows_of(one, least=LEAST_PHOTOS)
            drawn = households(animals, HOUSEHOLD_SIZES, draws, _SEED)
            found[own.set_names[one]] += [household_scores(own, fit, rows) for rows in drawn]
    return found


def animals_outcome(found: Mapping[str, Sequence[Scores]]) -> Outcome:
    """What the protocol found.

    Args:
        found: households of each set.
    """
    measures = [measure for name, scores in found.items() if scores for measure in scored(name, scores)]
    return Outcome(
        protocol="households-animals-1",
        title="Which animal: households of animals left out, others of their set being known",
        judged_by="heads fitted without the animals",
        measures=(*measures, *means_of_sets(measures)),
    )
