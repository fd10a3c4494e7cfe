"""What people said of an album. Decisions are about sightings, so they outlive every clustering and model.

A group of sightings stands for the animal that most of them show: saying that two clusters are one animal
records their members, and holds on when one of them turns out to be a stranger.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, TypeAlias, get_args

from sploot_media_clustering.domain.album import Box, Photo
from sploot_media_clustering.errors import InputError

Kind: TypeAlias = Literal[
    "same", "different", "not_this", "confirm", "split", "not_animal", "name", "hero", "not_hero"
]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

OF_TWO: Final[frozenset[Kind]] = frozenset({"same", "different", "not_this", "confirm", "split"})
"""Kinds that set one group of sightings against another."""

_SAME_BOX: Final = 0.5
"""Least intersection over union of the boxes of one animal found by two detectors (the usual threshold of
PASCAL VOC, Everingham et al. 2010, section 4.2)."""

MAX_NAME_CHARACTERS: Final = 80
MAX_SIGHTINGS: Final = 10_000
"""Of one decision, in all."""

_ID_HEX: Final = 16


@dataclass(frozen=True, slots=True, order=True)
class SightingRef:
    """One animal in one photo, whatever detector found it.

    Attributes:
        image_id: of the photo.
        box: where the animal is; None for the photo's best sighting.
    """

    image_id: str
    box: Box | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """One thing that a person said.

    ===========  ==============================================  ================================
    kind         ``sightings``                                   ``others``
    ===========  ==============================================  ================================
    same         a group of one animal                           a group of the same animal
    different    a group of one animal                           a group of another animal
    not_this     each is not of the animal ...                   ... that this group shows
    confirm      each is of the animal ...                       ... that this group shows
    split        these are an animal of their own ...            ... and not the one of this group
    not_animal   each shows none: a toy, a picture on a wall
    name         a group of the animal that is called ``name``
    hero         each deserves to be shown
    not_hero     each is never shown
    ===========  ==============================================  ================================

    Attributes:
        id: unique in the album.
        at: when it was said.
        kind: what it says.
        sightings: what it is about, none twice.
        others: what they are compared with; empty for kinds without.
        name: of the animal, for ``name`` alone.
    """

    id: str
    at: datetime
    kind: Kind
    sightings: tuple[SightingRef, ...]
    others: tuple[SightingRef, ...] = ()
    name: str | None = None


def decide(
    kind: Kind,
    at: datetime,
    sightings: Sequence[SightingRef],
    others: Sequence[SightingRef] = (),
    *,
    name: str | None = None,
    decision_id: str | None = None,
) -> Decision:
    """A checked decision, its sightings in canonical order; without an id, one that follows from all it says.

    Raises:
        InputError: a part is missing, is too much, or a sighting stands on both sides.
    """
    sightings, others = _ordered(sightings), _ordered(others)
    name = _checked_name(kind, name)
    if not sightings:
        raise InputError(f"expected photos that {kind!r} is about, got none")
    if (kind in OF_TWO) != bool(others):
        needed = "photos to compare them with" if kind in OF_TWO else "no photos to compare them with"
        raise InputError(f"expected {needed} for {kind!r}, got {len(others)}")
    if len(sightings) + len(others) > MAX_SIGHTINGS:
        raise InputError(
            f"expected at most {MAX_SIGHTINGS} sightings in a decision, got {len(sightings) + len(others)}"
        )
    if both := set(sightings) & set(others):
        raise InputError(
            f"expected photos of two sides for {kind!r}, but {min(both).image_id} stands on both"
        )
    text = repr((at.isoformat(), kind, sightings, others, name))
    minted = hashlib.sha256(text.encode()).hexdigest()[:_ID_HEX]
    return Decision(decision_id or minted, at, kind, sightings, others, name)


def _ordered(refs: Sequence[SightingRef]) -> tuple[SightingRef, ...]:
    return tuple(sorted(set(refs), key=lambda ref: (ref.image_id, ref.box is not None, ref.box or _NOWHERE)))


_NOWHERE: Final = Box(0.0, 0.0, 0.0, 0.0)


def _checked_name(kind: Kind, name: str | None) -> str | None:
    if kind != "name":
        if name is not None:
            raise InputError(f"expected no name for {kind!r}, got {name!r}")
        return None
    told = " ".join((name or "").split())
    if not told or len(told) > MAX_NAME_CHARACTERS or not told.isprintable():
        raise InputError(f"expected a name of 1 to {MAX_NAME_CHARACTERS} printable characters, got {name!r}")
    return told


def row_of(ref: SightingRef, photo: Photo) -> int | None:
    """Place in its photo of the sighting that is meant; None where nothing there overlaps it enough."""
    if not photo.sightings:
        return None
    if ref.box is None:
        return 0
    overlaps = [ref.box.overlap(sighting.box) for sighting in photo.sightings]
    best = max(range(len(overlaps)), key=overlaps.__getitem__)
    return best if overlaps[best] >= _SAME_BOX else None
