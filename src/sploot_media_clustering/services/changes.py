"""What is different in an album since it was answered last: what came, where it went, what moved."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass

from sploot_media_clustering.services.answer import Answer, Cluster


@dataclass(frozen=True, slots=True)
class Move:
    """Photos that went the same way.

    Attributes:
        image_ids: the photos.
        left: names of the animals that no longer have them.
        joined: names of the animals that have them now.
    """

    image_ids: tuple[str, ...]
    left: tuple[str, ...]
    joined: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Changes:
    """Between two answers.

    Attributes:
        came: photos that are there now and were not before.
        went: photos that were there before and are not now.
        joined: of the photos that came, how many each animal has, by its name; the most first.
        founded: names of animals that were not there before.
        gone: names of animals that are not there any more.
        moved: photos that were of another animal before, or of none, or are of none now; the most first.
    """

    came: int
    went: int
    joined: tuple[tuple[str, int], ...]
    founded: tuple[str, ...]
    gone: tuple[str, ...]
    moved: tuple[Move, ...]

    def __bool__(self) -> bool:
        """Whether anything is different."""
        return bool(self.came or self.went or self.founded or self.gone or self.moved)


def changes(before: Answer, after: Answer) -> Changes:
    """What is different; an animal is the one that keeps its id."""
    old, new = _owners(before), _owners(after)
    was, names = _names(before), _names(after)
    came = new.keys() - old.keys()
    joined = Counter(owner for image_id in came for owner in new[image_id])
    return Changes(
        came=len(came),
        went=len(old.keys() - new.keys()),
        joined=tuple((names[owner], count) for owner, count in joined.most_common()),
        founded=tuple(name for owner, name in names.items() if owner not in was),
        gone=tuple(name for owner, name in was.items() if owner not in names),
        moved=_moves(old, new, was | names),
    )


def _moves(
    old: dict[str, frozenset[str]], new: dict[str, frozenset[str]], names: dict[str, str]
) -> tuple[Move, ...]:
    ways: dict[tuple[frozenset[str], frozenset[str]], list[str]] = defaultdict(list)
    for image_id in sorted(old.keys() & new.keys()):
        if old[image_id] != new[image_id]:
            ways[old[image_id] - new[image_id], new[image_id] - old[image_id]].append(image_id)
    found = [
        Move(tuple(photos), *(tuple(sorted(names[owner] for owner in side)) for side in way))
        for way, photos in ways.items()
    ]
    return tuple(sorted(found, key=lambda move: (-len(move.image_ids), move.image_ids)))


def _owners(answer: Answer) -> dict[str, frozenset[str]]:
    """Ids of the animals on each photo."""
    owners: dict[str, set[str]] = {image.image_id: set() for image in answer.images}
    for part in _animals(answer):
        for member in part.members:
            owners.setdefault(member.image_id, set()).add(part.id)
    return {image_id: frozenset(ids) for image_id, ids in owners.items()}


def _names(answer: Answer) -> dict[str, str]:
    return {part.id: part.name or part.label for part in _animals(answer)}


def _animals(answer: Answer) -> list[Cluster]:
    return [part for part in answer.clusters if part.level == "subject"]
