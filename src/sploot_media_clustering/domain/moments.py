"""Moments: photos taken on one occasion, within minutes, of the same scene.

Two photos are linked when they look alike and, where both tell their time, were taken close together;
moments are the connected components of that relation, so they do not depend on the order of arrival. How
alike is enough without a time grows with the album: see :class:`MomentModel`. Times are wall-clock: a burst
does not cross time zones, and a camera without an offset still agrees with itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from sploot_media_clustering.domain.grid import WEIGHT_STEP, on_grid
from sploot_media_clustering.domain.groups import canonical, members

SAME_PICTURE: Final = 0.98
"""Least cosine of the scenes of a picture and its copy: compressed again they have 0.993 in the middle and
seldom less than 0.983, at half the size 0.988 and 0.967. Two photos of one animal that differ less are hardly
worth more than one."""

_AT_ONCE: Final = 1 << 10
"""Photos that are compared with others at once, at most."""
_COMPARED: Final = 1 << 24
"""Pairs at once, at most: 64 MB of cosines."""


@dataclass(frozen=True, slots=True)
class MomentModel:
    """When two photos are of one occasion, and what that costs their evidence.

    Attributes:
        gap_s: longest time between neighbours of one moment, where both tell their time.
        timed_cosine: least cosine of the scene vectors of two photos within that gap.
        untimed_cosine: least cosine where one of them has no time, in an album of two photos.
        tempering: exponent t; each of m photos of a moment is worth m ** -t of a photo taken on its own.
        untimed_rise: added to ``untimed_cosine`` whenever the others in the album are twice as many. A photo
            has as many companions of its occasion in a large album as in a small one, and more others that
            look like it by chance.
    """

    gap_s: float
    timed_cosine: float
    untimed_cosine: float
    tempering: float
    untimed_rise: float = 0.0

    def untimed_cosine_among(self, photos: int) -> float:
        """Least cosine without a time in an album of so many photos; that of a copy is always enough."""
        risen = self.untimed_cosine + self.untimed_rise * math.log2(max(photos - 1, 1))
        return max(self.untimed_cosine, min(risen, SAME_PICTURE))


def wall_clock_s(captured_at: datetime | None) -> float:
    """Seconds on the camera's clock, NaN without a time."""
    if captured_at is None:
        return math.nan
    return captured_at.replace(tzinfo=UTC).timestamp()


def linked(
    scenes: Float32[np.ndarray, "n c"],
    times_s: Float64[np.ndarray, " n"],
    scene: Float32[np.ndarray, " c"],
    time_s: float,
    model: MomentModel,
    *,
    album: int,
) -> Bool[np.ndarray, " n"]:
    """Which photos share an occasion with one photo.

    Args:
        scenes: unit scene vectors of the photos.
        times_s: their wall-clock times, NaN where unknown.
        scene: unit scene vector of the one photo.
        time_s: its wall-clock time or NaN.
        model: thresholds.
        album: number of photos of its last settling: counted anew whenever one comes, removing it would
            not undo what adding it did.
    """
    cosine = scenes @ scene
    apart = np.abs(times_s - time_s)
    alike = cosine >= model.untimed_cosine_among(album)
    return np.where(np.isnan(apart), alike, (apart <= model.gap_s) & (cosine >= model.timed_cosine))


def moments(
    scenes: Float32[np.ndarray, "n c"],
    times_s: Float64[np.ndarray, " n"],
    model: MomentModel,
    *,
    album: int | None = None,
) -> Int64[np.ndarray, " n"]:
    """The moment of each photo, numbered by first appearance.

    Args:
        scenes: unit scene vectors of the photos.
        times_s: their wall-clock times, NaN where unknown.
        model: thresholds.
        album: number of photos in the album when it settled; by default these are all.
    """
    size = len(scenes)
    labels = np.arange(size)
    for first, second in _linked_pairs(scenes, times_s, model, size if album is None else album):
        apart = labels[first] != labels[second]
        if apart.any():
            links = labels[first[apart]], labels[second[apart]]
            graph = coo_matrix((np.ones(len(links[0]), bool), links), (size, size))
            labels = connected_components(graph, directed=False)[1][labels]
    return canonical(labels.astype(np.int64))


def _linked_pairs(
    scenes: Float32[np.ndarray, "n c"], times_s: Float64[np.ndarray, " n"], model: MomentModel, album: int
) -> Iterator[tuple[Int64[np.ndarray, " p"], Int64[np.ndarray, " p"]]]:
    """Photos that share an occasion, some at a time; of those that tell their time only what is near."""
    order = np.argsort(times_s, kind="stable")  # those without a time come last
    times = times_s[order][: int((~np.isnan(times_s)).sum())]
    alike = model.untimed_cosine_among(album)
    start = 0
    while start < len(order):
        timed = start < len(times)
        first = int(np.searchsorted(times, times[start] - model.gap_s)) if timed else 0
        rows = min(_AT_ONCE, max(1, _COMPARED // (start - first + _AT_ONCE)))
        stop = min(start + rows, len(times) if timed else len(order))
        one, others = order[start:stop], order[first:stop]
        near = scenes[one] @ scenes[others].T >= (model.timed_cosine if timed else alike)
        if timed:
            near &= np.abs(times[start:stop, None] - times[first:stop]) <= model.gap_s
        row, other = np.nonzero(near)
        yield one[row], others[other]
        start = stop


def join(labels: Int64[np.ndarray, " n"], neighbours: Bool[np.ndarray, " n"]) -> Int64[np.ndarray, " n1"]:
    """Moments after one more photo, linked to ``neighbours``: theirs become one, or it starts its own."""
    touched = np.unique(labels[neighbours])
    own = int(touched[0]) if len(touched) else int(labels.max(initial=-1)) + 1
    merged = np.where(np.isin(labels, touched), own, labels)
    return np.append(merged, own)


def copies(labels: Int64[np.ndarray, " n"], scenes: Float32[np.ndarray, "n c"]) -> Int64[np.ndarray, " n"]:
    """How many photos of its moment show the same picture as each photo, itself among them.

    Args:
        labels: moment of each photo.
        scenes: unit scene vectors, up to the grain of their grid.
    """
    found = np.ones(len(labels), np.int64)
    for rows in members(labels):
        if len(rows) > 1:
            exact = scenes[rows].astype(np.float64)
            found[rows] = _same_as_each(exact / np.linalg.norm(exact, axis=1, keepdims=True))
    return found


def _same_as_each(unit: Float64[np.ndarray, "m c"]) -> Int64[np.ndarray, " m"]:
    parts = np.array_split(unit, 1 + len(unit) ** 2 // _COMPARED)
    same = np.concatenate([(part @ unit.T >= SAME_PICTURE).sum(1) for part in parts])
    return np.maximum(same, 1)  # itself, also where it has no direction


def evidence_weights(
    labels: Int64[np.ndarray, " n"], copied: Int64[np.ndarray, " n"], model: MomentModel
) -> Float64[np.ndarray, " n"]:
    """What each photo's evidence is worth, in (0, 1]: less in a moment of many pictures.

    All copies of one picture together are worth as much as one: backups and chats keep the same photo again,
    and as many independent photos so much alike would speak for an animal of their own.

    Args:
        labels: moment of each photo; moments that are not whole give other weights.
        copied: :func:`copies` of each photo.
        model: tempering.
    """
    shared = 1.0 / copied
    pictures = np.bincount(labels, shared, minlength=1)[labels]
    worth = on_grid(shared * pictures.clip(1.0) ** -model.tempering, WEIGHT_STEP)
    return np.maximum(worth, WEIGHT_STEP)
