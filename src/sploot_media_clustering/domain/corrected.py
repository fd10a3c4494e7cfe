"""A settled level with what people said: corrected, and whom that makes sure of a place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from jaxtyping import Bool, Float64, Int64

from sploot_media_clustering.domain.corrections import Ground, replay, vouched
from sploot_media_clustering.domain.grid import SHARE_STEP, on_grid
from sploot_media_clustering.domain.level import (
    ALONE,
    ASIDE,
    PLACED,
    SURE_OF_FURTHER,
    UNSURE,
    Level,
    LevelModel,
)
from sploot_media_clustering.domain.settling import Items, canonical, join_gains
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
    assigned, among = _numbered(assigned, among)
    named = names(done.held, assigned)
    return Corrected(
        _level(level, assigned, among, done.held, ground),
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
) -> tuple[Float64[np.ndarray, "s k"], Assignment]:
    """Membership probabilities, and the assignment with those sightings that now are sure enough of a place.

    Unsure ones come in where a person vouched for the animal; those that were taken out elsewhere find
    another place where they are sure of it.
    """
    animals = int(assigned.animals.max(initial=ASIDE)) + 1
    bar = barred(held, assigned, animals)
    among = _memberships(assigned, bar, ground, model)
    by_animal = _by_animal(among, assigned)
    least = np.full((len(among), animals), np.inf)
    least[bar.any(1)] = model.sure
    least[:, list(vouched(held, assigned))] = MORE_LIKELY_THAN_NOT
    least[~ground.leading] = np.maximum(least[~ground.leading], SURE_OF_FURTHER)
    rows, targets = np.nonzero((by_animal >= least) & (assigned.components == ASIDE)[:, None])
    for i in np.argsort(-by_animal[rows, targets], kind="stable").tolist():
        row, target, animal = rows[i], targets[i], assigned.of_sightings()
        if animal[row] == ASIDE and not (ground.forbidden[row] & (animal == target)).any():
            components = assigned.components.copy()
            components[row] = np.where(assigned.animals == target, among[row], -1.0).argmax()
            assigned = _honoured(assigned, Assignment(components, assigned.animals), held)
    return among, assigned


def _by_animal(among: Float64[np.ndarray, "s k"], assigned: Assignment) -> Float64[np.ndarray, "s a"]:
    """Membership probabilities of animals, each the sum over its components."""
    return among @ np.eye(int(assigned.animals.max(initial=ASIDE)) + 1)[assigned.animals]


def _memberships(
    assigned: Assignment, bar: Bool[np.ndarray, "s a"], ground: Ground, model: LevelModel
) -> Float64[np.ndarray, "s k"]:
    """Probability of each component, each sighting left out of its own; what can't be is 0."""
    size, labels = len(ground.weights), assigned.components
    items = Items(ground.identity, ground.weights, np.arange(size), np.zeros((size, size), bool))
    known = ground.statistics(labels, len(assigned.animals))
    gain = join_gains(items, known, labels, ground.prior)
    animal = assigned.of_sightings()
    inside = animal[:, None] == np.arange(bar.shape[1])
    blocked = (bar | (ground.forbidden.astype(np.float32) @ inside > 0)) & ~inside
    gain[:, :-1][blocked[:, assigned.animals]] = -np.inf
    return model.memberships(gain, ground.prior)


def _numbered(
    assigned: Assignment, among: Float64[np.ndarray, "s k"]
) -> tuple[Assignment, Float64[np.ndarray, "s j"]]:
    """Components and animals numbered by first appearance, those without a sighting left out."""
    placed = assigned.components[assigned.components != ASIDE]
    used, first = np.unique(placed, return_index=True)
    order = used[np.argsort(first)]
    number = np.full(len(assigned.animals) + 1, ASIDE)
    number[order] = np.arange(len(order))
    return Assignment(number[assigned.components], canonical(assigned.animals[order])), among[:, order]


def _level(
    before: Level,
    assigned: Assignment,
    among: Float64[np.ndarray, "s k"],
    held: Sequence[Statement],
    ground: Ground,
) -> Level:
    labels, size = assigned.components, len(assigned.components)
    by_animal = _by_animal(among, assigned)
    placed = labels != ASIDE
    if len(assigned.animals):
        best = by_animal.argmax(1)
        nearest = np.where(assigned.animals == best[:, None], among, -1.0).argmax(1)
        guesses = np.where(placed, labels, nearest)
        chance = by_animal[np.arange(size), assigned.animals[guesses]]
    else:
        guesses, chance = np.full(size, ASIDE), np.zeros(size)
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
