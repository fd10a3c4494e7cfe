"""Which animal, from the photos on: all detected sightings, extra subjects counted as errors.

Protocol ``households-e2e-1``: as ``households-1``, but every photo comes with all sightings that the
detector found, and the whole tree is run: moments, atoms, cannot-links, arrival and settling. The best
sighting of a photo stands for the labelled animal; every further sighting is a group of its own, so that
whatever it joins or founds is an error, but no animal to be found; a photo without a sighting is unassigned.
Scenes, identities, concentration and temperature are fitted without the set under test.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sploot_media_clustering.evaluation.albums import settled_album, state_scores
from sploot_media_clustering.evaluation.confusion import confusion_of
from sploot_media_clustering.evaluation.identity import DRAWS, alone_measures
from sploot_media_clustering.evaluation.judged_sets import HOUSEHOLD_SIZES, WITHOUT_THE_SET, JudgedSet
from sploot_media_clustering.evaluation.metrics import Scores
from sploot_media_clustering.evaluation.outcome import Matrix, Outcome, means_of_sets, scored
from sploot_media_clustering.training.households import households

E2E: Final = "households-e2e-1"


@dataclass(frozen=True, slots=True)
class EndToEndResult:
    """One data set, judged from the photos on by what was fitted without it.

    Attributes:
        name: of the data set.
        households: of several animals.
        alone: albums of one animal.
        confusion: how often photos of two animals of a household share a subject.
    """

    name: str
    households: tuple[Scores, ...]
    alone: tuple[Scores, ...]
    confusion: Matrix


def evaluate_end_to_end(
    sets: Iterable[JudgedSet], *, draws: int = DRAWS, seed: int = 1
) -> list[EndToEndResult]:
    """Run the protocol.

    Args:
        sets: to be judged.
        draws: households of each set.
        seed: of the households.
    """
    results = []
    for one in sets:
        albums = [one.album(rows) for rows in households(one.animals, HOUSEHOLD_SIZES, draws, seed)]
        states = [settled_album(photos, one.heads.tree) for photos, _ in albums]
        alone = [one.album(rows) for rows in one.animals]
        results.append(
            EndToEndResult(
                name=one.name,
                households=tuple(
                    state_scores(state, animals) for state, (_, animals) in zip(states, albums, strict=True)
                ),
                alone=tuple(
                    state_scores(settled_album(photos, one.heads.tree), animals) for photos, animals in alone
                ),
                confusion=confusion_of(
                    one, [(state, animals) for state, (_, animals) in zip(states, albums, strict=True)]
                ),
            )
        )
    return results


def end_to_end_outcome(results: Sequence[EndToEndResult], judged_by: str = WITHOUT_THE_SET) -> Outcome:
    """What the protocol found.

    Args:
        results: one a set.
        judged_by: says which heads judged them.
    """
    measures = [
        measure
        for one in results
        for measure in (*scored(one.name, one.households), *alone_measures(one.name, one.alone))
    ]
    return Outcome(
        protocol=E2E,
        title="Which animal, from the photos on: all sightings, extra subjects are errors",
        judged_by=judged_by,
        measures=(*measures, *means_of_sets(measures)),
        matrices=tuple(one.confusion for one in results),
    )
