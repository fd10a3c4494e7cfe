"""What people say of an album: recorded, done, listed and taken back."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from sploot_media_clustering.domain.decisions import Decision, Kind
from sploot_media_clustering.domain.tree import AlbumState
from sploot_media_clustering.errors import InputError
from sploot_media_clustering.services.answer import Answer, Cluster
from sploot_media_clustering.services.clustering import ClusteringService
from sploot_media_clustering.services.decision_records import Said, Sighted, decision_of
from sploot_media_clustering.services.targets import Targets, members


def said(kind: Kind, answer: Answer, told: Sequence[str], name: str | None = None) -> Said:
    """What is meant by a kind of decision and the names that a person gives it.

    ===========================  =============================================
    kind                         ``told``
    ===========================  =============================================
    name                         an animal, or a photo of it
    same, different              two animals, or photos of them
    not_this, confirm, split     an animal, then one photo or more
    hero, not_hero               one photo or more
    not_animal                   one photo or more, each of one animal
    ===========================  =============================================

    Args:
        kind: of decision.
        answer: the album as it stands.
        told: names, labels or ids of clusters; ids, file names or patterns of photos.
        name: for ``name`` alone.

    Raises:
        InputError: something is missing, or not to be found in the album.
    """
    targets = Targets(answer)
    if kind in ("hero", "not_hero"):
        return Said(kind=kind, sightings=targets.photos(told))
    if kind == "not_animal":
        return Said(kind=kind, sightings=targets.single(told))
    if kind == "name":
        (who,) = _expected(told, 1, "one animal")
        return Said(kind=kind, sightings=_named(targets, who), name=name)
    if kind in ("same", "different"):
        one, other = (targets.group(part) for part in _expected(told, 2, "two animals"))
        if kind == "different":
            one, other = _apart(one, other)
        return Said(kind=kind, sightings=one, others=other)
    if len(told) < 2:  # noqa: PLR2004 an animal and a photo
        raise InputError(f"expected an animal, then one photo or more, got {len(told)} names")
    return _of_photos(kind, targets, told[0], told[1:])


def namesake(answer: Answer, what: Said) -> Cluster | None:
    """Another animal that has the name which is given: the two become one, unless they were said to be two.

    Args:
        answer: the album, before that is said or after.
        what: is said.
    """
    name = " ".join((what.name or "").split()).casefold()
    named = (c for c in answer.clusters if c.level == "subject" and c.name and c.name.casefold() == name)
    return next((c for c in named if set(members(c)).isdisjoint(what.sightings)), None)


def _expected(told: Sequence[str], count: int, what: str) -> Sequence[str]:
    if len(told) != count:
        hint = "; put a name with spaces in quotes" if len(told) > count else ""
        raise InputError(f"expected {what}, got {len(told)} names{hint}")
    return told


def _apart(
    one: tuple[Sighted, ...], other: tuple[Sighted, ...]
) -> tuple[tuple[Sighted, ...], tuple[Sighted, ...]]:
    """An animal and photos that were put to it: what is meant of these is what was put there."""
    shared = set(one) & set(other)
    rest = [tuple(seen for seen in group if seen not in shared) for group in (one, other)]
    meant = tuple(seen for seen in one if seen in shared)
    if not shared or not any(rest):
        return one, other
    return (meant, rest[1]) if len(one) < len(other) else (rest[0], meant)


def _named(targets: Targets, who: str) -> tuple[Sighted, ...]:
    """All of the animal; of a photo whose animal stands aside, that alone."""
    if targets.cluster(who) is None:
        photos = targets.photos([who])
        if all(targets.owner(part) is None for part in photos) and len(photos) == 1:
            return photos
    return members(targets.animal(who))


def _of_photos(kind: Kind, targets: Targets, who: str, photos: Sequence[str]) -> Said:
    animal = targets.animal(who)
    if kind == "confirm":
        chosen = _candidates(targets, targets.photos(photos), animal.id)
        return Said(kind=kind, sightings=chosen, others=_others(animal, chosen) or members(animal))
    chosen = tuple(part for told in photos for part in _own(targets, told, animal))
    rest = _others(animal, chosen)
    if not rest:
        raise InputError(f"these are all photos of {animal.name or animal.label}; name it anew instead")
    return Said(kind=kind, sightings=chosen, others=rest)


def _others(animal: Cluster, chosen: Collection[Sighted]) -> tuple[Sighted, ...]:
    """The animal's members that were not chosen."""
    taken = set(chosen)
    return tuple(part for part in members(animal) if part not in taken)


def _own(targets: Targets, told: str, animal: Cluster) -> tuple[Sighted, ...]:
    """The animal in photos, each of which is of it; of those that match a pattern, where it is."""
    inside, found = set(members(animal)), targets.photos([told])
    own = tuple(part for part in found if part in inside)
    missing = {part.image_id for part in found} - {part.image_id for part in own}
    if missing and not (own and targets.is_pattern(told)):
        raise InputError(
            f"expected photos of {animal.name or animal.label}, got {min(missing)}, which is not"
        )
    return own


def _candidates(targets: Targets, found: Sequence[Sighted], animal_id: str) -> tuple[Sighted, ...]:
    """Of each photo the animal that is meant: the one that is there already, else the likeliest."""
    by_photo: dict[str, list[Sighted]] = {}
    for part in found:
        by_photo.setdefault(part.image_id, []).append(part)
    return tuple(_likeliest(targets, parts, animal_id) for parts in by_photo.values())


def _likeliest(targets: Targets, parts: Sequence[Sighted], animal_id: str) -> Sighted:
    guesses = {
        (part.image_id, part.box): part.best
        for part in targets.answer.unclustered
        if part.level == "subject" and part.best is not None
    }

    def likely(part: Sighted) -> float:
        if targets.owner(part) == animal_id:
            return 3.0
        best = guesses.get((part.image_id, part.box))
        aside = targets.owner(part) is None
        return (1.0 if aside else 0.0) + (best.probability if best and best.id == animal_id else 0.0)

    return max(parts, key=likely)


class ReviewService:
    """Decisions into album states, and out again. Every change settles the album.

    Args:
        clustering: that settles albums.
    """

    def __init__(self, clustering: ClusteringService) -> None:
        self._clustering = clustering

    def decide(self, state: AlbumState, what: Said, at: datetime) -> tuple[AlbumState, Decision]:
        """The album with one more decision, which is the newest.

        Raises:
            InputError: it says nothing that could be meant.
        """
        decision = decision_of(what, at)
        return self.apply(state, (decision,)), decision

    def apply(self, state: AlbumState, decisions: Sequence[Decision]) -> AlbumState:
        """The album with further decisions, in order of when they were said; known ids change nothing."""
        known = {decision.id for decision in state.decisions}
        new = {decision.id: decision for decision in decisions if decision.id not in known}
        if not new:
            return state
        every = sorted((*state.decisions, *new.values()), key=lambda decision: decision.at)
        return self._clustering.settle(replace(state, decisions=tuple(every)))

    def undo(self, state: AlbumState, ids: Sequence[str]) -> tuple[AlbumState, tuple[Decision, ...]]:
        """The album as if some decisions had never been made, and those decisions.

        Raises:
            InputError: there is no such decision.
        """
        for decision_id in ids:
            if all(decision.id != decision_id for decision in state.decisions):
                raise InputError(f"there is no decision {decision_id!r} in this album")
        gone = tuple(decision for decision in state.decisions if decision.id in ids)
        kept = tuple(decision for decision in state.decisions if decision.id not in ids)
        return self._clustering.settle(replace(state, decisions=kept)), gone

    def undo_back_to(self, state: AlbumState, decision_id: str) -> tuple[AlbumState, tuple[Decision, ...]]:
        """The album as it was right after a decision: all later ones are taken back.

        Raises:
            InputError: there is no such decision.
        """
        ids = [decision.id for decision in state.decisions]
        if decision_id not in ids:
            raise InputError(f"there is no decision {decision_id!r} in this album")
        later = ids[ids.index(decision_id) + 1 :]
        return self.undo(state, later) if later else (state, ())
