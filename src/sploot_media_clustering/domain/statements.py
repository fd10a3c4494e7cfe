"""Decisions, found again in an album: which sightings they mean, and whether an assignment honours them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int64
from scipy.sparse import csr_array

from sploot_media_clustering.domain.album import Photo
from sploot_media_clustering.domain.decisions import Decision, Kind, SightingRef, row_of
from sploot_media_clustering.domain.level import ASIDE

CHOOSING: frozenset[Kind] = frozenset({"hero", "not_hero"})
"""Kinds that say what is shown, and nothing about who is who."""

VOUCHING: frozenset[Kind] = frozenset({"same", "confirm", "split", "name"})
"""Kinds that say of their sightings that they are of an animal: such sightings always have a place."""

PARTING: frozenset[Kind] = frozenset({"different", "split"})
"""Kinds that say of two groups that they are two animals."""


@dataclass(frozen=True, slots=True, eq=False)
class Assignment:
    """Who is who: sightings belong to components, components to animals.

    Attributes:
        components: of each sighting, :data:`~.level.ASIDE` where it has none.
        animals: of each component.
    """

    components: Int64[np.ndarray, " s"]
    animals: Int64[np.ndarray, " k"]

    def of_sightings(self) -> Int64[np.ndarray, " s"]:
        """Animal of each sighting, :data:`~.level.ASIDE` where it has none."""
        return np.append(self.animals, ASIDE)[self.components]

    def component_of(self, rows: Int64[np.ndarray, " m"]) -> int:
        """The component that most of some sightings are in; :data:`~.level.ASIDE` where none has one."""
        return _most(self.components[rows])

    def animal_of(self, rows: Int64[np.ndarray, " m"]) -> int:
        """The animal that most of some sightings show; :data:`~.level.ASIDE` where none has one."""
        return _most(np.append(self.animals, ASIDE)[self.components[rows]])


def _most(labels: Int64[np.ndarray, " m"]) -> int:
    """The commonest label, of equals the one that comes first: labels may be numbered anew, order stays."""
    placed = labels[labels != ASIDE]
    return int(placed[np.bincount(placed)[placed].argmax()]) if len(placed) else ASIDE


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """A decision in an album.

    Attributes:
        decision: what was said.
        rows: its sightings that are there, as rows of the album's columns.
        others: what they are compared with, likewise.
    """

    decision: Decision
    rows: Int64[np.ndarray, " m"]
    others: Int64[np.ndarray, " o"]

    @property
    def waiting(self) -> bool:
        """Whether the photos that it needs are not there."""
        return not len(self.rows) or (bool(self.decision.others) and not len(self.others))


def statements(decisions: Sequence[Decision], photos: Sequence[Photo]) -> list[Statement]:
    """Decisions in the order given, their sightings matched by overlap to those of the photos.

    A sighting that both sides of a decision turn out to mean is on neither.
    """
    first, places = 0, {}
    for photo in photos:
        places[photo.image_id] = (first, photo)
        first += len(photo.sightings)

    def rows(refs: Sequence[SightingRef]) -> Int64[np.ndarray, " m"]:
        found = set()
        for ref in refs:
            if ref.image_id in places:
                start, photo = places[ref.image_id]
                place = row_of(ref, photo)
                if place is not None:
                    found.add(start + place)
        return np.array(sorted(found), np.int64)

    found = [(d, rows(d.sightings), rows(d.others)) for d in decisions]
    return [Statement(d, np.setdiff1d(own, other), np.setdiff1d(other, own)) for d, own, other in found]


def standing(said: Sequence[Statement], superseded: Collection[str]) -> list[Statement]:
    """The statements that are there and did not give way, in the order given."""
    return [s for s in said if not s.waiting and s.decision.id not in superseded]


def names(said: Sequence[Statement], assigned: Assignment) -> dict[int, Statement]:
    """The naming that holds for each animal that has one.

    A naming follows the animal that most of its sightings show. A newer one of the same animal replaces it
    where they share a sighting; of those that share none, that wins which has most sightings in the animal,
    and the newest among equals.

    Args:
        said: in the order in which it was said.
        assigned: who is who.
    """
    animal = assigned.of_sightings()
    given: dict[int, list[Statement]] = defaultdict(list)
    for naming in said:
        if naming.decision.kind == "name" and (target := assigned.animal_of(naming.rows)) != ASIDE:
            kept = [
                s for s in given[target] if same_name(s, naming) or not np.isin(s.rows, naming.rows).any()
            ]
            given[target] = [*kept, naming]
    return {
        target: max(reversed(told), key=lambda naming: _votes(naming, told, animal == target))
        for target, told in given.items()
    }


def _votes(naming: Statement, told: Sequence[Statement], inside: Bool[np.ndarray, " s"]) -> int:
    """Sightings inside an animal that have been given the name of a naming."""
    rows = np.unique(np.concatenate([s.rows for s in told if same_name(s, naming)]))
    return int(inside[rows].sum())


def same_name(one: Statement, other: Statement) -> bool:
    """Whether two namings give one name."""
    return _key(one) == _key(other)


def _key(naming: Statement) -> str:
    return (naming.decision.name or "").casefold()


def unmet(said: Sequence[Statement], assigned: Assignment) -> list[Statement]:
    """The statements that an assignment does not honour, the newest first; none of them is waiting."""
    animal, named = assigned.of_sightings(), names(said, assigned)
    return [s for s in reversed(said) if not _holds(s, animal, assigned, named)]


def _holds(
    statement: Statement,
    animal: Int64[np.ndarray, " s"],
    assigned: Assignment,
    named: Mapping[int, Statement],
) -> bool:
    own, other = assigned.animal_of(statement.rows), assigned.animal_of(statement.others)
    inside = animal[statement.rows]
    honoured = True
    match statement.decision.kind:
        case "same":
            honoured = own == other != ASIDE
        case "different":
            honoured = own != other or own == ASIDE
        case "not_this":
            honoured = other == ASIDE or not (inside == other).any()
        case "confirm":
            honoured = other != ASIDE and bool((inside == other).all())
        case "split":
            honoured = own not in (other, ASIDE) and bool((inside == own).all())
        case "not_animal":
            honoured = bool((inside == ASIDE).all())
        case "name":
            honoured = own in named and same_name(named[own], statement)
    return honoured


def barred(said: Sequence[Statement], assigned: Assignment, animals: int) -> csr_array:
    """Which animals each sighting can't be of, by what people said.

    Args:
        said: statements that hold.
        assigned: who is who.
        animals: how many there are.
    """
    bars: list[tuple[Int64[np.ndarray, " m"], int]] = []
    for statement in said:
        kind = statement.decision.kind
        if kind in PARTING or kind == "not_this":
            bars.append((statement.rows, assigned.animal_of(statement.others)))
        if kind in PARTING:
            bars.append((statement.others, assigned.animal_of(statement.rows)))
        if kind == "not_animal":
            bars += [(statement.rows, animal) for animal in range(animals)]
    named = names(said, assigned)
    for naming in named.values():
        bars += [(naming.rows, other) for other in named if not same_name(naming, named[other])]
    told = [(rows, animal) for rows, animal in bars if animal != ASIDE]
    places = np.concatenate([np.zeros(0, np.int64), *(rows for rows, _ in told)])
    targets = np.repeat([animal for _, animal in told], [len(rows) for rows, _ in told]).astype(np.int64)
    return csr_array(
        (np.ones(len(places), bool), (places, targets)), shape=(len(assigned.components), animals)
    )


def confirmed(said: Sequence[Statement], assigned: Assignment) -> Bool[np.ndarray, " s"]:
    """Sightings of which a person said that they are of the animal that they are now put to.

    A person who names an animal, or says that two are one, has looked at the animal and not at each photo;
    so these confirm only what they were said of alone.
    """
    mark = np.zeros(len(assigned.components), bool)
    animal = assigned.of_sightings()
    for statement in said:
        kind = statement.decision.kind
        if kind in ("confirm", "split"):
            mark[statement.rows] = True
        elif kind in VOUCHING:
            for rows in (statement.rows, statement.others):
                mark[rows[: len(rows) == 1]] = True
        if kind in ("not_this", "not_animal"):
            mark[statement.rows[animal[statement.rows] == ASIDE]] = False
    return mark & (animal != ASIDE)


def rejected(said: Sequence[Statement], size: int) -> Bool[np.ndarray, " s"]:
    """Which of so many sightings show no animal, by what people said.

    Args:
        said: statements that hold.
        size: how many sightings there are.
    """
    mark = np.zeros(size, bool)
    for statement in said:
        if statement.decision.kind == "not_animal":
            mark[statement.rows] = True
    return mark


def choices(said: Sequence[Statement]) -> dict[int, Statement]:
    """The newest word on whether each sighting is to be shown; of sightings without one there is none."""
    return {int(row): s for s in said if s.decision.kind in CHOOSING for row in s.rows}


def outdated_choices(said: Sequence[Statement]) -> dict[str, str]:
    """Ids of the choices of which nothing is left, and of the newer ones that took their last sighting."""
    newest = choices(said)
    found = {}
    for statement in said:
        if statement.decision.kind in CHOOSING and not statement.waiting:
            now = [newest[int(row)] for row in statement.rows]
            if statement not in now:
                found[statement.decision.id] = now[-1].decision.id
    return found
