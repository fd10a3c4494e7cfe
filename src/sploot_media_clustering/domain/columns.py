"""The vectors of an album in columns, and what they say about each other before any clustering."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int8, Int64

from sploot_media_clustering.domain.album import SPECIES, Photo, Sighting
from sploot_media_clustering.domain.clearness import clearness
from sploot_media_clustering.domain.conflicts import Conflicts, Parties
from sploot_media_clustering.domain.groups import end, ends, members
from sploot_media_clustering.domain.moments import wall_clock_s
from sploot_media_clustering.domain.neighbours import nearest_pairs
from sploot_media_clustering.domain.partition import REACH, Reach

DOUBTFUL: Final = -1
"""Species code of a sighting whose species is not sure."""

_SURE_SPECIES: Final = 0.97
"""Least probability of a species that may forbid a merge: with 0.9, black cats taken for dogs split their
owners' albums (campus_cats: V-measure end to end .68 instead of .70)."""

_CREDIBLE: Final = 0.6
"""Least detector score of a further sighting of a photo that may found a subject: most of the boxes below
it are a second one on the same animal, which would be kept apart from its own other photos."""

_AT_ONCE: Final = 1 << 16
"""Pairs of sightings that are compared at once: 32 MB of differences."""


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """One row a sighting (s) or a photo (p), in the order of the album's photos.

    Attributes:
        identity: identity vectors of the sightings.
        look: look vectors of the sightings, not centred.
        photo: index of each sighting's photo.
        species: index into ``SPECIES`` where it is sure, else :data:`DOUBTFUL`.
        leading: the best sighting of its photo, or one that is surely another animal; the others found
        nothing.
        scene: unit scene vectors of the photos.
        time_s: wall-clock times of the photos, NaN where unknown.
        clearness: what the evidence of each sighting is worth, see :func:`.clearness.clearness`; states of
            older releases have none stored.
    """

    identity: Float64[np.ndarray, "s d"]
    look: Float64[np.ndarray, "s l"]
    photo: Int64[np.ndarray, " s"]
    species: Int8[np.ndarray, " s"]
    leading: Bool[np.ndarray, " s"]
    scene: Float32[np.ndarray, "p c"]
    time_s: Float64[np.ndarray, " p"]
    clearness: Float64[np.ndarray, " s"] = field(default_factory=lambda: np.zeros(0))

    def __len__(self) -> int:
        return len(self.photo)


def empty(identity: int, look: int, scene: int) -> Columns:
    """The columns of an album without photos, for vectors of the given dimensions."""
    return Columns(
        np.zeros((0, identity)),
        np.zeros((0, look)),
        np.zeros(0, np.int64),
        np.zeros(0, np.int8),
        np.zeros(0, bool),
        np.zeros((0, scene), np.float32),
        np.zeros(0),
        np.zeros(0),
    )


def appended(columns: Columns, photo: Photo) -> Columns:
    """The columns with one more photo at the end."""
    more = stacked(
        (photo,), empty(*(part.shape[1] for part in (columns.identity, columns.look, columns.scene)))
    )
    return Columns(
        np.vstack([columns.identity, more.identity]),
        np.vstack([columns.look, more.look]),
        np.append(columns.photo, more.photo + len(columns.time_s)),
        np.append(columns.species, more.species),
        np.append(columns.leading, more.leading),
        np.vstack([columns.scene, more.scene]),
        np.append(columns.time_s, more.time_s),
        np.append(columns.clearness, more.clearness),
    )


def stacked(photos: Sequence[Photo], none: Columns) -> Columns:
    """The columns of photos, from those of an empty album."""
    sightings = [sighting for photo in photos for sighting in photo.sightings]
    owner = [index for index, photo in enumerate(photos) for _ in photo.sightings]
    leading = [
        place == 0 or s.detector_score >= _CREDIBLE for p in photos for place, s in enumerate(p.sightings)
    ]
    return Columns(
        np.vstack([none.identity, *(s.identity for s in sightings)]),
        np.vstack([none.look, *(s.look for s in sightings)]),
        np.array(owner, np.int64),
        np.array([species_code(s) for s in sightings], np.int8),
        np.array(leading, bool),
        np.vstack([none.scene, *(photo.scene for photo in photos)]),
        np.array([wall_clock_s(photo.captured_at) for photo in photos], np.float64),
        _clearness(sightings),
    )


def taken(columns: Columns, photos: Int64[np.ndarray, " q"]) -> tuple[Columns, Int64[np.ndarray, " r"]]:
    """The columns of some photos, in the order given, and the former row of each sighting."""
    position = np.full(len(columns.time_s), -1)
    position[photos] = np.arange(len(photos))
    place = position[columns.photo]
    order = np.argsort(place, kind="stable")
    rows = order[place[order] >= 0]
    return (
        Columns(
            columns.identity[rows],
            columns.look[rows],
            place[rows],
            columns.species[rows],
            columns.leading[rows],
            columns.scene[photos],
            columns.time_s[photos],
            columns.clearness[rows],
        ),
        rows,
    )


def _clearness(sightings: Sequence[Sighting]) -> Float64[np.ndarray, " s"]:
    species = np.array([s.species for s in sightings], np.float32).reshape(-1, len(SPECIES))
    return clearness(species, np.array([s.detector_score for s in sightings], np.float64))


def species_code(sighting: Sighting) -> int:
    """Index of the sighting's species where it is sure, else :data:`DOUBTFUL`."""
    best = int(sighting.species.argmax())
    return best if float(sighting.species[best]) >= _SURE_SPECIES else DOUBTFUL


def conflicts(columns: Columns) -> Conflicts:
    """Sightings that can't be one animal: of one photo, or of species that surely differ."""
    return Conflicts(columns.photo, columns.species[:, None])


def atoms(
    identity: Float64[np.ndarray, "s d"],
    moment: Int64[np.ndarray, " s"],
    forbidden: Conflicts,
    largest_distance: float,
    reach: Reach = REACH,
) -> Int64[np.ndarray, " s"]:
    """Near-duplicate sightings of one moment, grouped; the closest pairs first, never across a conflict.

    Args:
        identity: vectors in canonical order.
        moment: of each sighting's photo.
        forbidden: who can't be one animal.
        largest_distance: mean squared difference per axis of two near-duplicates; two independent photos of
        one
            animal have about 2.
        reach: of moments with more sightings than it tells, only neighbours are compared.

    Returns:
        The atom of each sighting, numbered by first appearance.
    """
    labels = np.arange(len(identity))
    parties = Parties(forbidden, labels, len(labels))
    for first, second in _near_pairs(identity, moment, largest_distance, reach):
        one, other = sorted((end(labels, first), end(labels, second)))
        if one != other and not parties.exclude(one, other):
            parties.merge(one, other)
            labels[other] = one
    return np.unique(ends(labels), return_inverse=True)[1].astype(np.int64)


def _near_pairs(
    identity: Float64[np.ndarray, "s d"],
    moment: Int64[np.ndarray, " s"],
    largest_distance: float,
    reach: Reach,
) -> list[tuple[int, int]]:
    first, second, distance = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], [np.zeros(0)]
    for rows in members(moment):
        for one, other in _compared(identity, rows, reach):
            apart = ((identity[one] - identity[other]) ** 2).mean(-1)
            near = apart <= largest_distance
            first.append(one[near])
            second.append(other[near])
            distance.append(apart[near])
    pairs = np.concatenate(first), np.concatenate(second)
    order = np.lexsort((pairs[1], pairs[0], np.concatenate(distance)))
    return list(zip(pairs[0][order].tolist(), pairs[1][order].tolist(), strict=True))


def _compared(
    identity: Float64[np.ndarray, "s d"], rows: Int64[np.ndarray, " m"], reach: Reach
) -> Iterator[tuple[Int64[np.ndarray, " p"], Int64[np.ndarray, " p"]]]:
    """Pairs of sightings of one moment, the lower row first, some at a time."""
    if len(rows) > reach.all_pairs:
        vectors = identity[rows]
        compared = np.column_stack([vectors, 0.5 * (vectors**2).sum(1)]).astype(np.float32)
        pairs = rows[nearest_pairs(compared, reach.neighbours)]
        for part in np.array_split(pairs, 1 + len(pairs) // _AT_ONCE):
            yield part[:, 0], part[:, 1]
    else:
        pairs_of = max(1, _AT_ONCE // len(rows))
        places = np.arange(len(rows))
        for start in range(0, len(rows) - 1, pairs_of):
            one, other = np.nonzero(places[start : start + pairs_of, None] < places)
            yield rows[start + one], rows[other]
