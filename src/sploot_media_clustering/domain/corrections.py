"""What people said, done to a settled album, one decision after the other.

Decisions edit the settled assignment and are not part of what settles it: so a word about one animal moves
no photo of another, and without decisions nothing changes. Saying that two are one links components, which
stay Gaussians of their own (a kitten and the cat it became); saying that they are two splits a component by
the evidence of its own sightings.

Of contradictory decisions the newest holds: when one breaks an older one, the older one is done once more,
and given up where that would break a newer one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64

from sploot_media_clustering.domain import columns as tables
from sploot_media_clustering.domain import mixture as mix
from sploot_media_clustering.domain.conflicts import Conflicts
from sploot_media_clustering.domain.expectations import ScaleSearch
from sploot_media_clustering.domain.level import ASIDE
from sploot_media_clustering.domain.mixture import Mixture, Prior
from sploot_media_clustering.domain.partition import Items
from sploot_media_clustering.domain.settling import settle
from sploot_media_clustering.domain.statements import (
    VOUCHING,
    Assignment,
    Statement,
    same_name,
    unmet,
)


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """What corrections are judged by.

    Attributes:
        identity: vectors of all sightings, in canonical order.
        weights: of their evidence.
        moment: of each sighting's photo.
        forbidden: who can't be one animal by themselves.
        leading: sightings that may found an animal; the others have to be surer of a place.
        atom_distance: see :func:`.columns.atoms`.
        prior: under which the album settled.
    """

    identity: Float64[np.ndarray, "s d"]
    weights: Float64[np.ndarray, " s"]
    moment: Int64[np.ndarray, " s"]
    forbidden: Conflicts
    leading: Bool[np.ndarray, " s"]
    atom_distance: float
    prior: Prior

    def statistics(self, components: Int64[np.ndarray, " s"], count: int) -> Mixture:
        """Sufficient statistics of so many components; a sighting labelled below 0 is in none."""
        return mix.collect(self.identity, self.weights, np.ones(len(components), np.int64), components, count)


@dataclass(frozen=True, slots=True, eq=False)
class Replay:
    """The end of doing all decisions in order.

    Attributes:
        assigned: who is who.
        held: statements that hold, oldest first.
        superseded: id of each decision given up, and of the one that it gave way to.
    """

    assigned: Assignment
    held: tuple[Statement, ...]
    superseded: dict[str, str]


def replay(assigned: Assignment, said: Sequence[Statement], ground: Ground) -> Replay:
    """The assignment that honours what was said, as far as it is without contradiction.

    Args:
        assigned: as the album settled.
        said: about who is who, oldest first, none waiting.
        ground: what the album is.
    """
    superseded: dict[str, str] = {}
    while True:
        live = [s for s in said if s.decision.id not in superseded]
        end, given_up = _replayed(assigned, live, ground)
        if not given_up:
            return Replay(end, tuple(live), superseded)
        superseded |= given_up  # and once more without them, so that they leave no trace


def _replayed(
    assigned: Assignment, said: Sequence[Statement], ground: Ground
) -> tuple[Assignment, dict[str, str]]:
    held: list[Statement] = []
    given_up: dict[str, str] = {}
    for statement in said:
        held.append(statement)
        assigned = _done(assigned, statement, held, ground)
        while broken := unmet(held, assigned):
            older = broken[0]
            again = _done(assigned, older, held, ground)
            since = set(map(id, held[held.index(older) :]))
            if since.isdisjoint(map(id, unmet(held, again))):
                assigned = again
            else:
                held.remove(older)
                given_up[older.decision.id] = statement.decision.id
    return assigned, given_up


def _done(
    assigned: Assignment, statement: Statement, said: Sequence[Statement], ground: Ground
) -> Assignment:
    """The assignment edited so that one statement holds."""
    rows, others = statement.rows, statement.others
    match statement.decision.kind:
        case "same":
            assigned = _joined(_founded(_founded(assigned, rows), others), rows, others)
        case "different":
            assigned = _parted(assigned, rows, others, ground)
        case "not_this":
            out = rows[assigned.of_sightings()[rows] == assigned.animal_of(others)]
            assigned = _with_components(assigned, out, ASIDE)
        case "confirm":
            assigned = _confirmed(_founded(assigned, others), rows, others, ground)
        case "split":
            assigned = _split_off(assigned, rows, others, ground)
        case "not_animal":
            assigned = _with_components(assigned, rows, ASIDE)
        case "name":
            assigned = _named(assigned, statement, said, ground)
    return assigned


def _with_components(assigned: Assignment, rows: Int64[np.ndarray, " m"], component: int) -> Assignment:
    components = assigned.components.copy()
    components[rows] = component
    return Assignment(components, assigned.animals)


def _founded(assigned: Assignment, rows: Int64[np.ndarray, " m"]) -> Assignment:
    """The sightings have a place: where all stand aside, a new component of a new animal."""
    if assigned.component_of(rows) != ASIDE:
        return assigned
    return _moved_out(assigned, rows)


def _moved_out(assigned: Assignment, rows: Int64[np.ndarray, " m"]) -> Assignment:
    """Sightings in a new component of a new animal."""
    new = int(assigned.animals.max(initial=ASIDE)) + 1
    moved = _with_components(assigned, rows, len(assigned.animals))
    return Assignment(moved.components, np.append(assigned.animals, new))


def _joined(
    assigned: Assignment, rows: Int64[np.ndarray, " m"], others: Int64[np.ndarray, " o"]
) -> Assignment:
    """The animals of two groups are one, which has the components of both."""
    kept, gone = assigned.animal_of(rows), assigned.animal_of(others)
    return Assignment(assigned.components, np.where(assigned.animals == gone, kept, assigned.animals))


def _parted(
    assigned: Assignment, rows: Int64[np.ndarray, " m"], others: Int64[np.ndarray, " o"], ground: Ground
) -> Assignment:
    """The animals of two groups are two; the first group's goes, with what is like it."""
    animal = assigned.animal_of(rows)
    if animal == ASIDE or animal != assigned.animal_of(others):
        return assigned
    for component in np.intersect1d(assigned.components[rows], assigned.components[others]).tolist():
        if component != ASIDE and assigned.animals[component] == animal:
            assigned = _split(assigned, component, rows, others, ground)
    leaving = np.unique(assigned.components[rows])
    leaving = leaving[leaving != ASIDE]
    leaving = leaving[assigned.animals[leaving] == animal]
    animals = assigned.animals.copy()
    animals[leaving] = animals.max() + 1
    return Assignment(assigned.components, animals)


def _split(
    assigned: Assignment,
    component: int,
    rows: Int64[np.ndarray, " m"],
    others: Int64[np.ndarray, " o"],
    ground: Ground,
) -> Assignment:
    """One component as the two or more that its sightings make when the groups can't be of one."""
    inside = np.flatnonzero(assigned.components == component)
    first, second = np.isin(inside, rows), np.isin(inside, others)
    forbidden = ground.forbidden.taken(inside).parted(first, second)
    vectors = ground.identity[inside]
    atoms = tables.atoms(vectors, ground.moment[inside], forbidden, ground.atom_distance)
    items = Items(vectors, ground.weights[inside], atoms, forbidden)
    alone = ScaleSearch((ground.prior.within,), 1.0)
    pieces = settle(items, ground.prior, alone).labels
    staying = int(np.bincount(pieces[second]).argmax())
    numbers = len(assigned.animals) + np.arange(pieces.max() + 1)
    numbers[staying] = component
    numbers[staying + 1 :] -= 1
    components = assigned.components.copy()
    components[inside] = numbers[pieces]
    animals = np.append(assigned.animals, np.full(int(pieces.max()), assigned.animals[component]))
    return Assignment(components, animals)


def _confirmed(
    assigned: Assignment, rows: Int64[np.ndarray, " m"], others: Int64[np.ndarray, " o"], ground: Ground
) -> Assignment:
    """Each sighting is of the others' animal: in its most probable component, or a new one of that animal."""
    target = assigned.animal_of(others)
    for row in rows[assigned.of_sightings()[rows] != target].tolist():
        options = np.flatnonzero(assigned.animals == target)
        place = np.full(len(assigned.animals), ASIDE)
        place[options] = np.arange(len(options))
        labels = np.append(place, ASIDE)[assigned.components]
        labels[row] = ASIDE
        known = ground.statistics(labels, len(options))
        best = int(mix.gains(known, ground.identity[row], float(ground.weights[row]), ground.prior).argmax())
        component = int(options[best]) if best < len(options) else len(assigned.animals)
        animals = assigned.animals if best < len(options) else np.append(assigned.animals, target)
        moved = _with_components(assigned, np.array([row]), component)
        assigned = Assignment(moved.components, animals)
    return assigned


def _split_off(
    assigned: Assignment, rows: Int64[np.ndarray, " m"], others: Int64[np.ndarray, " o"], ground: Ground
) -> Assignment:
    """The sightings are an animal of their own, all of them and at first they alone."""
    own = assigned.animal_of(rows)
    apart = own not in (ASIDE, assigned.animal_of(others))
    if not apart:
        return _moved_out(assigned, rows)
    return _confirmed(assigned, rows, rows, ground)


def _named(
    assigned: Assignment, statement: Statement, said: Sequence[Statement], ground: Ground
) -> Assignment:
    """The animal is not one that goes by another name, and is the one that goes by the same."""
    assigned = _founded(assigned, statement.rows)
    for naming in said:
        if naming is statement or naming.decision.kind != "name":
            continue
        if same_name(naming, statement):
            assigned = _joined(_founded(assigned, naming.rows), statement.rows, naming.rows)
        elif not np.isin(naming.rows, statement.rows).any():
            assigned = _parted(assigned, statement.rows, naming.rows, ground)
    return assigned


def vouched(held: Sequence[Statement], assigned: Assignment) -> set[int]:
    """Animals of which a person said that they are one."""
    return {
        assigned.animal_of(rows)
        for s in held
        if s.decision.kind in VOUCHING
        for rows in (s.rows, s.others)
        if len(rows)
    } - {ASIDE}
