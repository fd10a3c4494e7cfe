"""What can be said in the page: the sightings behind what it shows, what was said, and what is asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sploot_media_clustering.report.pictures import Picture
from sploot_media_clustering.report.view import Animal
from sploot_media_clustering.services.answer import Answer
from sploot_media_clustering.services.decision_records import Decided, Question
from sploot_media_clustering.services.shapes import BoxFractions

Seen: TypeAlias = tuple[int, BoxFractions]
"""A picture's number and where the animal is in it."""


@dataclass(frozen=True, slots=True)
class Sayable:
    """An animal that things can be said of.

    Attributes:
        id: the cluster's.
        anchor: of its section.
        title: what it is called on the page.
        members: its sightings, best first.
    """

    id: str
    anchor: str
    title: str
    members: tuple[Seen, ...]


@dataclass(frozen=True, slots=True)
class AlbumWord:
    """What can be said of one album; goes into the page as JSON.

    Attributes:
        name: of the album.
        anchor: of its section.
        photos: image_id of each picture.
        animals: those on the page, in its order.
        aside: sightings without a place.
        decisions: what was said, oldest first.
        questions: what could be settled, the most worth first.
    """

    name: str
    anchor: str
    photos: dict[int, str]
    animals: tuple[Sayable, ...]
    aside: tuple[Seen, ...]
    decisions: tuple[Decided, ...]
    questions: tuple[Question, ...]


def album_word(
    name: str, anchor: str, answer: Answer, animals: Sequence[Animal], pictures: Mapping[str, Picture]
) -> AlbumWord:
    """What can be said of an album as it stands on the page.

    Args:
        name: of the album.
        anchor: of its section.
        answer: of the album.
        animals: as arranged.
        pictures: by image_id.
    """
    members = {part.id: part.members for part in answer.clusters}
    return AlbumWord(
        name=name,
        anchor=anchor,
        photos={picture.number: image_id for image_id, picture in pictures.items()},
        animals=tuple(
            Sayable(
                animal.id,
                animal.anchor,
                animal.title,
                tuple(_seen(((m.image_id, m.box) for m in members[animal.id]), pictures)),
            )
            for animal in animals
        ),
        aside=tuple(
            _seen(((p.image_id, p.box) for p in answer.unclustered if p.level == "subject"), pictures)
        ),
        decisions=answer.decisions,
        questions=answer.questions,
    )


def _seen(
    sightings: Iterable[tuple[str, BoxFractions | None]], pictures: Mapping[str, Picture]
) -> Iterable[Seen]:
    for image_id, box in sightings:
        if box is not None and image_id in pictures:
            yield pictures[image_id].number, box
