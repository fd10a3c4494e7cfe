"""Between settlings: a photo comes or goes, and only sufficient statistics change.

Nothing is recomputed from scratch: adding and removing a photo are additions and subtractions of its
vectors, and of those of its moment, whose photos share evidence and so weigh less when one more joins them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64

from sploot_media_clustering.domain import columns as tables
from sploot_media_clustering.domain import level as levels
from sploot_media_clustering.domain import mixture as mix
from sploot_media_clustering.domain.album import Photo
from sploot_media_clustering.domain.columns import DOUBTFUL
from sploot_media_clustering.domain.level import ALONE, ASIDE, Arrival, Level
from sploot_media_clustering.domain.mixture import Mixture
from sploot_media_clustering.domain.moments import copies, evidence_weights, join, linked, moments
from sploot_media_clustering.domain.tree import (
    AlbumState,
    Looks,
    TreeModel,
    brought_to,
    require,
    settle,
)
from sploot_media_clustering.errors import StateError

_SETTLE_AFTER: Final = 4
"""Photos that may come before an album settles by itself; in a large album, a share of it. Growing albums are
.013 of V-measure behind what they would be if they settled at each photo; with 8, and without the rule on
strangers, .049."""

_SETTLE_SHARE: Final = 0.1

_SETTLE_AFTER_STRANGERS: Final = 2
"""Photos that look like nobody's and came since the last settling: two may be a new animal, which a settling
alone can found. In a large album, a share of it."""

_STRANGERS_SHARE: Final = 0.02

_AT_ONCE_SHARE: Final = 0.01
"""Of a large album: to find each of so many photos its place takes longer than to settle it, since each looks
at the whole album."""


@dataclass(frozen=True, slots=True)
class Added:
    """What adding a photo did.

    Attributes:
        subjects: arrival of each sighting of the photo, before any settling.
        settled: the album settled afterwards.
    """

    subjects: tuple[Arrival, ...]
    settled: bool


def add(state: AlbumState, photo: Photo, model: TreeModel) -> tuple[AlbumState, Added]:
    """The album with one more photo, settled where that is due; a photo of the same id is replaced.

    Raises:
        StateError: the state was made by another model.
    """
    require(state, model)
    if any(known.image_id == photo.image_id for known in state.photos):
        state = remove(state, photo.image_id, model)
    state, arrived = arrive(state, photo, model)
    found_nobody = bool(photo.sightings) and not state.subjects.mixture.counts.any()
    due = (
        found_nobody
        or state.unsettled >= max(_SETTLE_AFTER, _SETTLE_SHARE * len(state.photos))
        or _strangers(state) >= max(_SETTLE_AFTER_STRANGERS, _STRANGERS_SHARE * len(state.photos))
        or speaks_of(state, photo.image_id)
    )
    return (settle(state, model) if due else state), Added(arrived, due)


def add_all(state: AlbumState, photos: Sequence[Photo], model: TreeModel) -> AlbumState:
    """The album with some photos more, each as :func:`add` adds it; a large one settles at once for many.

    Args:
        state: of the album.
        photos: none twice.
        model: of the album.

    Raises:
        StateError: the state was made by another model.
    """
    require(state, model)
    large = len(state.columns) > model.subjects.reach.all_pairs
    if large and len(photos) > _AT_ONCE_SHARE * len(state.photos):
        came = {photo.image_id for photo in photos}
        known = [photo for photo in state.photos if photo.image_id not in came]
        return brought_to(state, [*known, *photos], model)
    for photo in photos:
        state, _ = add(state, photo, model)
    return state


def _strangers(state: AlbumState) -> int:
    """Sightings that may found a subject, stand alone, and came since the last settling."""
    came = state.columns.photo >= len(state.photos) - state.unsettled
    return int((came & state.columns.leading & (state.subjects.reasons == ALONE)).sum())


def speaks_of(state: AlbumState, image_id: str) -> bool:
    """Whether a decision is about a photo, whose coming or going then asks for a settling."""
    return any(
        ref.image_id == image_id for said in state.decisions for ref in (*said.sightings, *said.others)
    )


def arrive(state: AlbumState, photo: Photo, model: TreeModel) -> tuple[AlbumState, tuple[Arrival, ...]]:
    """The album with one new photo, placed under what was frozen at the last settling."""
    return _arrived(_with_photo(state, photo, model), photo, model)


def remove(state: AlbumState, image_id: str, model: TreeModel) -> AlbumState:
    """The album without one photo: the exact inverse of adding it. An emptied cluster stays, empty.

    An album whose decisions speak of the photo settles, so that they go on to hold.

    Raises:
        StateError: there is no such photo, or the state was made by another model.
    """
    require(state, model)
    index = next((i for i, photo in enumerate(state.photos) if photo.image_id == image_id), None)
    if index is None:
        raise StateError(f"the album has no photo {image_id!r}")
    state = _reweighed(state, _moments_without(state, index, model), state.columns.scene, index, model)
    weight = float(_worth(state.moments, state.columns.scene, np.array([index]), model)[0])
    for row in np.flatnonzero(state.columns.photo == index):
        state = _withdrawn(state, int(row), weight)
    kept = np.delete(np.arange(len(state.photos)), index)
    columns, rows = tables.taken(state.columns, kept)
    state = replace(
        state,
        photos=tuple(state.photos[i] for i in kept),
        columns=columns,
        moments=state.moments[kept],
        subjects=_selected(state.subjects, rows),
        looks=tuple(_renumbered(looks, rows, len(state.columns)) for looks in state.looks),
        unsettled=state.unsettled + 1,
    )
    return settle(state, model) if speaks_of(state, image_id) else state


def _with_photo(state: AlbumState, photo: Photo, model: TreeModel) -> AlbumState:
    """The photo and its moment; its sightings have no place yet."""
    columns = tables.appended(state.columns, photo)
    near = linked(
        state.columns.scene,
        state.columns.time_s,
        photo.scene,
        float(columns.time_s[-1]),
        model.moments,
        album=state.settled,
    )
    moment = join(state.moments, near)
    state = _reweighed(state, moment, columns.scene, len(state.photos), model)
    return replace(
        state,
        photos=(*state.photos, photo),
        columns=columns,
        moments=moment,
        unsettled=state.unsettled + 1,
    )


def _reweighed(
    state: AlbumState,
    moment: Int64[np.ndarray, " p"],
    scenes: Float32[np.ndarray, "p c"],
    changed: int,
    model: TreeModel,
) -> AlbumState:
    """The same places under other moments, which may count a photo that is about to come.

    Args:
        state: of the album.
        moment: of each photo from now on.
        scenes: of each photo.
        changed: the photo that comes or goes; only those that share a moment with it, before or after, weigh
            something else.
        model: of the album.
    """
    known = len(state.photos)
    own = state.moments == state.moments[changed] if changed < known else moment[:known] == moment[changed]
    touched = np.flatnonzero(own)
    counted = np.flatnonzero(moment == moment[changed]) if changed == known else touched
    before = _worth(state.moments, scenes[:known], touched, model)
    after = _worth(moment, scenes, counted, model)
    by_photo = np.zeros(known)
    by_photo[touched] = after[: len(touched)] - before
    change = by_photo[state.columns.photo]
    if not change.any():
        return replace(state, moments=moment)
    subjects = _shifted(state.subjects, state.columns.identity, change * state.columns.clearness)
    looks = tuple(
        replace(
            part, level=_shifted(part.level, state.columns.look[part.rows] - part.centre, change[part.rows])
        )
        for part in state.looks
    )
    return replace(state, moments=moment, subjects=subjects, looks=looks)


def _worth(
    moment: Int64[np.ndarray, " p"],
    scenes: Float32[np.ndarray, "p c"],
    photos: Int64[np.ndarray, " q"],
    model: TreeModel,
) -> Float64[np.ndarray, " q"]:
    """What the evidence of photos is worth, of whole moments only."""
    labels = moment[photos]
    return evidence_weights(labels, copies(labels, scenes[photos]), model.moments)


def _shifted(level: Level, vectors: Float64[np.ndarray, "n d"], change: Float64[np.ndarray, " n"]) -> Level:
    rows = np.flatnonzero((change != 0) & (level.labels >= 0))
    if not len(rows):
        return level
    weights, sums = level.mixture.weights.copy(), level.mixture.sums.copy()
    np.add.at(weights, level.labels[rows], change[rows])
    np.add.at(sums, level.labels[rows], change[rows, None] * vectors[rows])
    return replace(level, mixture=Mixture(weights, sums, level.mixture.counts))


def _arrived(state: AlbumState, photo: Photo, model: TreeModel) -> tuple[AlbumState, tuple[Arrival, ...]]:
    """Places for the sightings of the last photo: the surest first, no two of them in one subject."""
    size = len(photo.sightings)
    first = len(state.columns) - size
    occasion = np.flatnonzero(state.moments == state.moments[-1])
    worth = float(_worth(state.moments, state.columns.scene, occasion, model)[-1])
    weights = worth * state.columns.clearness[first:]
    used = np.zeros(len(state.subject_ids), bool)
    leading = state.columns.leading[first:].tolist()
    found: dict[int, Arrival] = {}
    while len(found) < size:
        options = {
            i: levels.arrive(
                state.subjects,
                state.columns.identity[first + i],
                float(weights[i]),
                (used | _other_species(state, first + i))[state.animals],
                model.subjects if leading[i] else levels.of_further(model.subjects),
                state.animals,
            )
            for i in range(size)
            if i not in found
        }
        surest = max(options, key=lambda i: _turn(options[i], leading[i], i))
        found[surest] = options[surest]
        if options[surest].label != ASIDE:
            used[state.animals[options[surest].label]] = True
    arrivals = tuple(found[i] for i in range(size))
    for i, arrival in enumerate(arrivals):
        state = _absorbed(state, first + i, arrival, worth, model)
    return state, arrivals


def _turn(option: Arrival, leading: bool, place: int) -> tuple[bool, bool, float, int]:
    """Sightings that may found a subject go first, then the surest, then the detector's order."""
    return leading, option.label != ASIDE, option.probability, -place


def _other_species(state: AlbumState, row: int) -> Bool[np.ndarray, " k"]:
    """Subjects with a member that is surely of another species."""
    subject, size = state.subject_labels(), len(state.subject_ids)
    own = state.columns.species[row]
    if own == DOUBTFUL:
        return np.zeros(size, bool)
    species = state.columns.species[: len(subject)]
    differ = (species != DOUBTFUL) & (species != own) & (subject >= 0)
    return np.bincount(subject[differ], minlength=size) > 0


def _absorbed(state: AlbumState, row: int, arrival: Arrival, weight: float, model: TreeModel) -> AlbumState:
    clear = weight * float(state.columns.clearness[row])
    subjects = _joined(state.subjects, arrival, state.columns.identity[row], clear)
    looks = list(state.looks)
    if arrival.label != ASIDE:
        subject = int(state.animals[arrival.label])
        part = looks[subject]
        vector = state.columns.look[row] - part.centre
        free = np.zeros(len(part.level.mixture), bool)
        place = levels.arrive(part.level, vector, weight, free, model.looks)
        looks[subject] = replace(
            part, rows=np.append(part.rows, row), level=_joined(part.level, place, vector, weight)
        )
    return replace(state, subjects=subjects, looks=tuple(looks))


def _joined(level: Level, arrival: Arrival, vector: Float64[np.ndarray, " d"], weight: float) -> Level:
    placed = arrival.label != ASIDE
    return replace(
        level,
        mixture=mix.absorb(level.mixture, arrival.label, vector, weight) if placed else level.mixture,
        labels=np.append(level.labels, arrival.label),
        guesses=np.append(level.guesses, arrival.guess),
        probabilities=np.append(level.probabilities, arrival.probability),
        reasons=np.append(level.reasons, np.int8(arrival.reason)),
    )


def _moments_without(state: AlbumState, index: int, model: TreeModel) -> Int64[np.ndarray, " p"]:
    """Moments when one photo is gone: only its own can fall apart. The gone photo is put in none of them."""
    labels = state.moments.copy()
    rest = np.flatnonzero((labels == labels[index]) & (np.arange(len(labels)) != index))
    scenes, times_s = state.columns.scene[rest], state.columns.time_s[rest]
    parts = moments(scenes, times_s, model.moments, album=state.settled)
    fresh = int(labels.max()) + 1
    labels[rest] = fresh + parts
    labels[index] = fresh + len(rest)
    return labels


def _withdrawn(state: AlbumState, row: int, weight: float) -> AlbumState:
    """The statistics without one sighting; its row goes later."""
    label = int(state.subjects.labels[row])
    if label == ASIDE:
        return state
    clear = weight * float(state.columns.clearness[row])
    subjects = _left(state.subjects, row, state.columns.identity[row], clear)
    looks = list(state.looks)
    subject = int(state.animals[label])
    part = looks[subject]
    place = int(np.flatnonzero(part.rows == row)[0])
    vector = state.columns.look[row] - part.centre
    looks[subject] = replace(part, level=_left(part.level, place, vector, weight))
    return replace(state, subjects=subjects, looks=tuple(looks))


def _left(level: Level, row: int, vector: Float64[np.ndarray, " d"], weight: float) -> Level:
    label = int(level.labels[row])
    if label == ASIDE:
        return level
    return replace(level, mixture=mix.remove(level.mixture, label, vector, weight))


def _selected(level: Level, rows: Int64[np.ndarray, " n"]) -> Level:
    return replace(
        level,
        labels=level.labels[rows],
        guesses=level.guesses[rows],
        probabilities=level.probabilities[rows],
        reasons=level.reasons[rows],
    )


def _renumbered(looks: Looks, rows: Int64[np.ndarray, " n"], size: int) -> Looks:
    number = np.full(size, -1)
    number[rows] = np.arange(len(rows))
    kept = np.flatnonzero(number[looks.rows] >= 0)
    return replace(looks, rows=number[looks.rows[kept]], level=_selected(looks.level, kept))
