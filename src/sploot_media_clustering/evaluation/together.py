"""Photos of two animals, through the whole pipeline: both found, each with its own, never one subject.

Protocol ``together-1``: the album of two animals of one set. *Composed*: one photo of each is taken out and
put side by side into one, for :data:`ALBUMS` pairs a set. *Real*: the photos that are labelled with both;
nobody said which box is whose, so they are right where the two are at home.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from sploot_media_clustering.domain.album import Photo, PhotoEmbedding
from sploot_media_clustering.domain.level import ASIDE
from sploot_media_clustering.domain.tree import AlbumState
from sploot_media_clustering.evaluation.albums import best_labels, settled_album
from sploot_media_clustering.evaluation.corrections import homes
from sploot_media_clustering.evaluation.darkroom import Darkroom, side_by_side
from sploot_media_clustering.evaluation.judged_sets import WITHOUT_THE_SET, JudgedSet
from sploot_media_clustering.evaluation.outcome import Measure, Outcome, means_of_sets, told
from sploot_media_clustering.evaluation.sightings import of_sides
from sploot_media_clustering.training.labelled import LabelledPhoto

ALBUMS: Final = 40
_PAIR: Final = 2


@dataclass(frozen=True, slots=True)
class TogetherCase:
    """One photo of two animals in their album.

    Attributes:
        real: it was taken so.
        both: two animals were found, one on each side where it is composed.
        right: each is in its own animal's subject; False where not both were found.
        merged: both are in one subject.
    """

    real: bool
    both: bool
    right: bool
    merged: bool


def evaluate_together(
    sets: Iterable[JudgedSet],
    photos: Mapping[str, LabelledPhoto],
    embeddings: Mapping[str, PhotoEmbedding],
    darkroom: Darkroom,
    *,
    albums: int = ALBUMS,
) -> dict[str, list[TogetherCase]]:
    """Run the protocol; the cases of each set.

    Args:
        sets: to be judged.
        photos: labelled ones, by key.
        embeddings: of them, by key.
        darkroom: where photos are put side by side.
        albums: pairs of each set.
    """
    return {
        one.name: [*_composed(one, photos, darkroom, albums), *_real(one, photos, embeddings)] for one in sets
    }


def together_outcome(
    found: Mapping[str, Sequence[TogetherCase]], judged_by: str = WITHOUT_THE_SET
) -> Outcome:
    """What the protocol found.

    Args:
        found: cases of each set.
        judged_by: says which heads judged them.
    """
    composed = [m for name, cases in found.items() for m in _measures(name, [c for c in cases if not c.real])]
    real = [
        m
        for name, cases in found.items()
        if any(c.real for c in cases)
        for m in _measures(f"{name}, real", [c for c in cases if c.real])
    ]
    return Outcome(
        protocol="together-1",
        title="Photos of two animals in the album of both",
        judged_by=judged_by,
        measures=(*composed, *means_of_sets(composed), *real),
    )


def case_of(
    state: AlbumState, animals: Mapping[str, int], rows: tuple[int, int] | None, own: tuple[int, int]
) -> TogetherCase:
    """One composed photo in a settled album.

    Args:
        state: of the album.
        animals: of the other photos' best sightings, by ``image_id``.
        rows: of the sightings on the two sides; None where not both were found.
        own: the animals on the two sides.
    """
    if rows is None:
        return TogetherCase(real=False, both=False, right=False, merged=False)
    home = _homes(state, animals)
    labels = state.subject_labels()
    subjects = tuple(int(labels[row]) for row in rows)
    return TogetherCase(
        real=False,
        both=True,
        right=subjects == tuple(home.get(animal) for animal in own) and subjects[0] != subjects[1],
        merged=subjects[0] == subjects[1] != ASIDE,
    )


def _measures(name: str, cases: Sequence[TogetherCase]) -> tuple[Measure, ...]:
    both = [case for case in cases if case.both]
    return (
        told(name, "both_found", [float(case.both) for case in cases]),
        told(name, "right_of_found", [float(case.right) for case in both]),
        told(name, "merged", [float(case.merged) for case in both], "lower"),
    )


def _composed(
    one: JudgedSet, photos: Mapping[str, LabelledPhoto], darkroom: Darkroom, albums: int
) -> Iterator[TogetherCase]:
    rng = np.random.default_rng(0)
    for _ in range(albums):
        pair = [one.animals[i] for i in rng.choice(len(one.animals), 2, replace=False)]
        gone = [int(rng.choice(rows)) for rows in pair]
        left, right = (photos[one.vectors.keys[row]] for row in gone)
        made = side_by_side(left, right, darkroom.decoder)
        joint = one.heads.project(darkroom.embed_one(made.photo))
        rest, animals = one.album(np.setdiff1d(np.concatenate(pair), gone))
        state = settled_album([*rest, joint], one.heads.tree)
        sides = of_sides([sighting.box for sighting in joint.sightings], made.seam)
        first = _first_row(state, joint.image_id)
        rows = None if sides is None else (first + sides[0], first + sides[1])
        own = tuple(int(one.vectors.animals[row]) for row in gone)
        yield case_of(state, animals, rows, (own[0], own[1]))


def _real(
    one: JudgedSet, photos: Mapping[str, LabelledPhoto], embeddings: Mapping[str, PhotoEmbedding]
) -> Iterator[TogetherCase]:
    shared: dict[tuple[str, ...], list[Photo]] = {}
    for key, photo in photos.items():
        if len(photo.animals) == _PAIR and key.startswith(f"{one.name}/") and key in embeddings:
            shared.setdefault(photo.animals, []).append(one.heads.project(embeddings[key]))
    number = {name: i for i, name in enumerate(one.vectors.animal_names)}
    of_animal = {int(one.vectors.animals[rows[0]]): rows for rows in one.animals}
    for names, seen in shared.items():
        own = [number.get(name, -1) for name in names]
        if not all(animal in of_animal for animal in own):
            continue
        rest, animals = one.album(np.concatenate([of_animal[animal] for animal in own]))
        state = settled_album([*rest, *seen], one.heads.tree)
        home = _homes(state, animals)
        wanted = {home.get(animal) for animal in own} - {None}
        labels = state.subject_labels()
        for joint in seen:
            first = _first_row(state, joint.image_id)
            subjects = labels[first : first + min(len(joint.sightings), _PAIR)].tolist()
            both = len(subjects) == _PAIR
            yield TogetherCase(
                real=True,
                both=both,
                right=both and len(wanted) == _PAIR and set(subjects) == wanted,
                merged=both and subjects[0] == subjects[1] != ASIDE,
            )


def _homes(state: AlbumState, animals: Mapping[str, int]) -> dict[int, int]:
    """Where each animal is at home, by the photos of it alone."""
    labels = best_labels(state)
    return homes(
        np.array([labels[name] for name in animals], np.int64), np.array(list(animals.values()), np.int64)
    )


def _first_row(state: AlbumState, image_id: str) -> int:
    """The row of a photo's best sighting."""
    row = 0
    for photo in state.photos:
        if photo.image_id == image_id:
            break
        row += len(photo.sightings)
    return row
