"""A settled level with what people said: corrected, and whom that makes sure of a place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import numpy as np
from jaxtyping import Float64, Int64
from scipy.sparse import csr_array

from sploot_media_clustering.domain.conflicts import Bars, none
from sploot_media_clustering.domain.corrections import Ground, replay, vouched
from sploot_media_clustering.domain.grid import SHARE_STEP, on_grid
from sploot_media_clustering.domain.groups import canonical
from sploot_media_clustering.domain.joining import Gains, gain_blocks
from sploot_media_clustering.domain.level import (
    ALONE,
    ASIDE,
    PLACED,
    SURE_OF_FURTHER,
    UNSURE,
    Level,
    LevelModel,
)
from sploot_media_clustering.domain.mixture import Prior
from sploot_media_clustering.domain.partition import Items
from sploot_media_clustering.domain.statements import (
    CHOOSING,
    Assignment,
    Statement,
    barred,
    confirmed,
    names,
    outdated_choices,
    unmet,
)

Chances: TypeAlias = tuple[Int64[np.ndarray, " b"], Float64[np.ndarray, "b k"]]
"""Some sightings, and their probability of being of each component."""

MORE_LIKELY_THAN_NOT: Final = 0.5
"""Probability from which a photo that was unsure is put to an animal that a person vouched for."""


@dataclass(frozen=True, slots=True, eq=False)
class Corrected:
    """A level of animals as settled and corrected.

    Attributes:
        level: its components.
        animals: of each component; numbered by first appearance.
        names: of each animal, None where it has none.
        superseded: id of each decision that gave way, and of the newer one.
    """

    level: Level
    animals: Int64[np.ndarray, " k"]
    names: tuple[str | None, ...]
    superseded: dict[str, str]


def corrected(level: Level, said: Sequence[Statement], ground: Ground, model: LevelModel) -> Corrected:
    """The level with every decision done.

    Args:
        level: as settled without decisions.
        said: oldest first.
        ground: what the album is.
        model: of the level.
    """
    alone = np.arange(len(level.mixture))
    live = [s for s in said if not s.waiting and s.decision.kind not in CHOOSING]
    outdated = outdated_choices(said)
    if not live:
        return Corrected(level, alone, (None,) * len(alone), outdated)
    done = replay(Assignment(level.labels, alone), live, ground)
    assigned = _served(done.assigned, done.held, len(alone), model)
    among, assigned = _pulled_in(assigned, done.held, ground, model)
    assigned, order = _numbered(assigned)
    named = names(done.held, assigned)
    return Corrected(
        _level(level, assigned, ((rows, part[:, order]) for rows, part in among), done.held, ground),
        assigned.animals,
        tuple(
            named[animal].decision.name if animal in named else None
            for animal in range(int(assigned.animals.max(initial=ASIDE)) + 1)
        ),
        done.superseded | outdated,
    )


def _served(assigned: Assignment, held: Sequence[Statement], settled: int, model: LevelModel) -> Assignment:
    """Animals that a correction made and nobody vouched for are served like all others: from a size on."""
    animal = assigned.of_sightings()
    size = np.bincount(animal[animal != ASIDE], minlength=int(assigned.animals.max(initial=ASIDE)) + 1)
    for small in np.flatnonzero((size > 0) & (size < model.min_size)).tolist():
        if small >= settled and small not in vouched(held, assigned):
            without = np.where(animal == small, ASIDE, assigned.components)
            assigned = _honoured(assigned, Assignment(without, assigned.animals), held)
    return assigned


def _honoured(before: Assignment, after: Assignment, held: Sequence[Statement]) -> Assignment:
    """A change that nobody asked for, unless it broke what somebody said."""
    return before if unmet(held, after) else after


def _pulled_in(
    assigned: Assignment, held: Sequence[Statement], ground: Ground, model: LevelModel
) -> tuple[Iterable[Chances], Assignment]:
    """Membership probabilities, and the assignment with those sightings that now are sure enough of a place.

    Unsure ones come in where a person vouched for the animal; those that were taken out elsewhere find
    another place where they are sure of it.
    """
    animals = int(assigned.animals.max(initial=ASIDE)) + 1
    bar = barred(held, assigned, animals)
    among = _memberships(assigned, bar, ground, model)
    known = list(vouched(held, assigned))
    openings = [
        opening
        for rows, part in among
        for opening in _openings(rows, part, _least(rows, bar, known, ground, model), assigned)
    ]
    for _, row, target, component in sorted(openings, key=lambda opening: -opening[0]):
        animal = assigned.of_sightings()
        if animal[row] == ASIDE and not ground.forbidden.exclude(row, np.flatnonzero(animal == target)):
            components = assigned.components.copy()
            components[row] = component
            assigned = _honoured(assigned, Assignment(components, assigned.animals), held)
    return among, assigned


def _least(
    rows: Int64[np.ndarray, " b"], bar: csr_array, known: list[int], ground: Ground, model: LevelModel
) -> Float64[np.ndarray, "b a"]:
    """Least probability with which each sighting, where it stands aside, is put to each animal."""
    least = np.full((len(rows), bar.shape[1]), np.inf)
    least[bar[rows].count_nonzero(axis=1) > 0] = model.sure
    least[:, known] = MORE_LIKELY_THAN_NOT
    further = ~ground.leading[rows]
    least[further] = np.maximum(least[further], SURE_OF_FURTHER)
    return least


def _openings(
    rows: Int64[np.ndarray, " b"],
    among: Float64[np.ndarray, "b k"],
    least: Float64[np.ndarray, "b a"],
    assigned: Assignment,
) -> Iterator[tuple[float, int, int, int]]:
    """Where sightings that stand aside may go: how surely, which, to which animal and component."""
    by_animal = _by_animal(among, assigned)
    places, targets = np.nonzero((by_animal >= least) & (assigned.components[rows] == ASIDE)[:, None])
    for place, target in zip(places.tolist(), targets.tolist(), strict=True):
        component = int(np.where(assigned.animals == target, among[place], -1.0).argmax())
        yield float(by_animal[place, target]), int(rows[place]), target, component


def _by_animal(among: Float64[np.ndarray, "b k"], assigned: Assignment) -> Float64[np.ndarray, "b a"]:
    """Membership probabilities of animals, each the sum over its components."""
    animals = assigned.animals
    shape = (len(animals), int(animals.max(initial=ASIDE)) + 1)
    return np.asarray(among @ csr_array((np.ones(len(animals)), (np.arange(len(animals)), animals)), shape))


def _memberships(
    assigned: Assignment, bar: csr_array, ground: Ground, model: LevelModel
) -> Iterable[Chances]:
    """Probability of each component, each sighting left out of its own; what can't be is 0."""
    size, labels = len(ground.weights), assigned.components
    items = Items(ground.identity, ground.weights, np.arange(size), none(size))
    known = ground.statistics(labels, len(assigned.animals))
    gains = gain_blocks(items, labels, known, ground.prior, model.reach)
    animal = assigned.of_sightings()
    bars = Bars(ground.forbidden, animal, bar.shape[1])
    chances = _Chances(gains, assigned, bars, bar, ground.prior, model)
    return chances if size > model.reach.all_pairs else tuple(chances)


@dataclass(frozen=True, slots=True, eq=False)
class _Chances:
    """Membership probabilities of sightings, some at a time, taken anew each time that they are asked for."""

    gains: Gains
    assigned: Assignment
    bars: Bars
    said: csr_array
    prior: Prior
    model: LevelModel

    def __iter__(self) -> Iterator[Chances]:
        animals, animal = self.assigned.animals, self.assigned.of_sightings()
        for rows, gain in self.gains:
            blocked = self.said[rows].toarray() | self.bars.of(rows)
            own = np.flatnonzero(animal[rows] >= 0)
            blocked[own, animal[rows[own]]] = False
            gain[:, :-1][blocked[:, animals]] = -np.inf
            yield rows, self.model.memberships(gain, self.prior)


def _numbered(assigned: Assignment) -> tuple[Assignment, Int64[np.ndarray, " j"]]:
    """Components and animals numbered by first appearance, and the former number of those with a sighting."""
    placed = assigned.components[assigned.components != ASIDE]
    used, first = np.unique(placed, return_index=True)
    order = used[np.argsort(first)]
    number = np.full(len(assigned.animals) + 1, ASIDE)
    number[order] = np.arange(len(order))
    return Assignment(number[assigned.components], canonical(assigned.animals[order])), order


def _level(
    before: Level, assigned: Assignment, among: Iterable[Chances], held: Sequence[Statement], ground: Ground
) -> Level:
    labels, size = assigned.components, len(assigned.components)
    placed = labels != ASIDE
    guesses, chance = np.full(size, ASIDE), np.zeros(size)
    for rows, part in among if len(assigned.animals) else ():
        by_animal = _by_animal(part, assigned)
        best = by_animal.argmax(1)
        nearest = np.where(assigned.animals == best[:, None], part, -1.0).argmax(1)
        guesses[rows] = np.where(placed[rows], labels[rows], nearest)
        chance[rows] = by_animal[np.arange(len(rows)), assigned.animals[guesses[rows]]]
    sure = confirmed(held, assigned)
    taken_out = np.where(chance < MORE_LIKELY_THAN_NOT, ALONE, UNSURE)
    aside = np.where(before.reasons == PLACED, taken_out, before.reasons)
    return replace(
        before,
        mixture=ground.statistics(labels, len(assigned.animals)),
        labels=labels,
        guesses=guesses,
        probabilities=np.where(sure, 1.0, on_grid(chance, SHARE_STEP)),
        reasons=np.where(placed, PLACED, aside).astype(np.int8),
    )
