"""The months of an album: how many photos each has, and which."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from sploot_media_clustering.report.pictures import Picture
from sploot_media_clustering.services.answer import Answer


@dataclass(frozen=True, slots=True)
class Month:
    """A month in which photos were taken.

    Attributes:
        key: year and month, ``2026-03``.
        title: for people.
        short: the month's name where space is short.
        year: set where the year begins on the strip, else empty.
        numbers: of the pictures.
        permille: of the fullest month, for a bar.
    """

    key: str
    title: str
    short: str
    year: str
    numbers: tuple[int, ...]
    permille: int

    @property
    def count(self) -> int:
        """Photos taken in it."""
        return len(self.numbers)


def months(answer: Answer, pictures: Mapping[str, Picture]) -> tuple[Month, ...]:
    """The months in which an album's pictures were taken, oldest first; months without any are left out.

    Args:
        answer: of the album.
        pictures: by image_id; a photo without a capture time is in no month.
    """
    taken: dict[tuple[int, int], list[int]] = defaultdict(list)
    titles: dict[tuple[int, int], tuple[str, str]] = {}
    for image in answer.images:
        when, picture = image.captured_at, pictures.get(image.image_id)
        if when is None or picture is None:
            continue
        taken[when.year, when.month].append(picture.number)
        titles[when.year, when.month] = f"{when:%B} {when.year}", f"{when:%b}"
    most = max(map(len, taken.values()), default=1)
    strip: list[Month] = []
    year_before = None
    for (year, month), numbers in sorted(taken.items()):
        title, short = titles[year, month]
        begins = "" if year == year_before else str(year)
        permille = round(1000 * len(numbers) / most)
        strip.append(Month(f"{year}-{month:02}", title, short, begins, tuple(numbers), permille))
        year_before = year
    return tuple(strip)
