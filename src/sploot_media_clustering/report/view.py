"""What the page shows: animals, shelves, stacks of one moment, and what was set aside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sploot_media_clustering.report.timeline import Month

TILES_AT_FIRST: Final = 21
"""A hero of two by two tiles and two rows of ten beside it; the rest waits for "Show all"."""


@dataclass(frozen=True, slots=True)
class Tile:
    """One photo on the page.

    Attributes:
        picture: its number in the table.
        alt: what a person who can't see it is told.
        focus: where the crop sits, in percent along the longer side.
        caption: shown below it.
        hero: it leads its cluster.
        width_percent: of the crop's height: 100 for a square, more for one with margins above and below.
    """

    picture: int
    alt: str
    focus: int
    caption: str = ""
    hero: bool = False
    width_percent: int = 100


@dataclass(frozen=True, slots=True)
class Stack:
    """Photos of one moment, the best on top."""

    top: Tile
    under: tuple[Tile, ...] = ()

    @property
    def count(self) -> int:
        """Photos in it."""
        return 1 + len(self.under)


@dataclass(frozen=True, slots=True)
class Shelf:
    """A look.

    Attributes:
        anchor: the element's id.
        title: its name.
        count: photos in it.
        permille: of the animal's photos, for a bar.
        stacks: hero first.
        columns: how wide it stands where there is room for twelve.
    """

    anchor: str
    title: str
    count: int
    permille: int
    stacks: tuple[Stack, ...]
    columns: int

    @property
    def waiting(self) -> int:
        """Stacks that are not shown at first."""
        return max(0, len(self.stacks) - TILES_AT_FIRST)


@dataclass(frozen=True, slots=True)
class Animal:
    """A subject.

    Attributes:
        id: the cluster's.
        anchor: the element's id.
        title: its name or label.
        colour: index of its colour.
        facts: kind, counts and time.
        provisional: founded on too little to be sure.
        chips: attribute, value and share of what its pictures have in common.
        hero: the first hero, None where there is none.
        portrait: the same in a frame that shows the animal from end to end.
        reasons: why that one.
        runners_up: the heroes after the first.
        shelves: its looks.
        count: photos of it.
    """

    id: str
    anchor: str
    title: str
    colour: int
    facts: str
    provisional: bool
    chips: tuple[tuple[str, str, str], ...]
    hero: Tile | None
    portrait: Tile | None
    reasons: tuple[str, ...]
    runners_up: tuple[Tile, ...]
    shelves: tuple[Shelf, ...]
    count: int


@dataclass(frozen=True, slots=True)
class Aside:
    """Photos without a place, for one reason; ``columns`` as in :class:`Shelf`."""

    title: str
    explanation: str
    count: int
    stacks: tuple[Stack, ...]
    columns: int


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of the coverage bar, from ``start`` over ``length``, in thousandths."""

    title: str
    anchor: str
    colour: str
    count: int
    share: str
    start: int
    length: int


@dataclass(frozen=True, slots=True)
class Failure:
    """A photo that could not be read."""

    image_id: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Album:
    """One album.

    Attributes:
        anchor: the element's id.
        title: its name.
        summary: counts and time.
        cover: the picture that stands for it, None where there is none.
        animals: the most photographed first.
        asides: photos set aside, by reason.
        failures: photos that could not be read.
        segments: of the coverage bar.
        months: in which its photos were taken, oldest first.
        colophon: what made this answer, and when.
    """

    anchor: str
    title: str
    summary: str
    cover: Tile | None
    animals: tuple[Animal, ...]
    asides: tuple[Aside, ...]
    failures: tuple[Failure, ...]
    segments: tuple[Segment, ...]
    months: tuple[Month, ...]
    colophon: str

    @property
    def set_aside(self) -> int:
        """Photos set aside, counted once for each reason."""
        return sum(aside.count for aside in self.asides)
