"""What the report says, in the words of the people who look at it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from sploot_media_clustering.services.answer import Level, Reason

ASIDE: Final[dict[tuple[Level, Reason], tuple[str, str]]] = {
    ("subject", "no_animal"): (
        "No animal found",
        "No cat, dog or other animal could be made out in these photos.",
    ),
    ("subject", "unsure"): (
        "Not sure who this is",
        "An animal is there, but it could be one or another, or a stranger; below it is the best guess.",
    ),
    ("subject", "alone"): (
        "Seen only once",
        "These may show another animal. It gets a place of its own when a second photo agrees.",
    ),
    ("subject", "unreadable"): ("Not readable", "These photos could not be read well enough to be placed."),
    ("look", "no_animal"): ("No animal to arrange by", "These photos have no animal to arrange them by."),
    ("look", "unsure"): (
        "Between two shelves",
        "It is clear who this is; the picture would suit more than one shelf.",
    ),
    ("look", "alone"): (
        "One of a kind",
        "It is clear who this is; no other picture is like it yet.",
    ),
    ("look", "unreadable"): ("Not readable", "These photos could not be read well enough to be arranged."),
}
"""Title and explanation of each reason for having no place, in the order of the report."""

FAILURES: Final[dict[str, str]] = {
    "EmptyFileError": "The file is empty",
    "NotAnImageError": "Not a picture",
    "TruncatedImageError": "Damaged or incomplete",
    "ImageTooSmallError": "Too small to see an animal in",
    "ImageTooLargeError": "Larger than the limits allow",
    "ForbiddenUriError": "Kept where it may not be read from",
    "SourceUnavailableError": "The place where it is stored did not answer",
}
FAILURE_OF_ANOTHER_KIND: Final = "Could not be read"

KEYS: Final = (
    ("/", "search"),
    ("Enter", "open a photo"),
    ("\u2190 \u2191 \u2192 \u2193", "go through the photos"),
    ("c", "compare with another photo"),
    ("z", "enlarge both"),
    ("h", "show this photo first"),
    ("x", "this photo is not of its animal"),
    ("y n s", "yes, no, skip a question"),
    ("u", "take the last word back"),
    ("Esc", "close"),
)
"""Keys of the page and what they do."""

ORDINALS: Final = ("First", "Second", "Third", "Fourth", "Fifth")


def counted(count: int, noun: str) -> str:
    """A number with its noun, never parted at the end of a line: ``1 photo``, ``1,200 photos``."""
    return f"{count:,}\u00a0{noun if count == 1 else noun + 's'}"


def percent(share: float) -> str:
    """A share in percent that never claims certainty: ``<1%``, ``42%``, ``>99%``, ``100%`` for exactly 1."""
    if 0 < share < 0.01:  # noqa: PLR2004  # one percent
        return "<1%"
    if 0.99 < share < 1:  # noqa: PLR2004  # ninety-nine percent
        return ">99%"
    return f"{share:.0%}"


def headline(text: str) -> str:
    """Text with a capital at its start, the rest as it is; underscores become spaces."""
    plain = text.replace("_", " ").strip()
    return plain[:1].upper() + plain[1:]


def choice(rank: int) -> str:
    """A hero's rank in words: ``First choice``, ``Choice 7``."""
    return f"{ORDINALS[rank - 1]} choice" if rank <= len(ORDINALS) else f"Choice {rank}"


def day(moment: datetime) -> str:
    """A date: ``3 March 2026``."""
    return f"{moment.day} {moment:%B} {moment.year}"


def minute(moment: datetime) -> str:
    """A date with its time: ``3 March 2026, 14:05``."""
    return f"{day(moment)}, {moment:%H:%M}"


def span(moments: Iterable[datetime]) -> str:
    """The months from the first to the last: ``March 2026``, ``March to May 2026``, or nothing for none."""
    months = sorted({(moment.year, moment.month): moment for moment in moments}.items())
    if not months:
        return ""
    first, last = months[0][1], months[-1][1]
    if len(months) == 1:
        return f"{last:%B} {last.year}"
    year = "" if first.year == last.year else f" {first.year}"
    return f"{first:%B}{year} to {last:%B} {last.year}"


def listed(parts: Iterable[str]) -> str:
    """Parts that are not empty, set apart by a raised dot."""
    return " · ".join(part for part in parts if part)


def joined(parts: Sequence[str]) -> str:
    """An enumeration: ``Milo``, ``Milo and Luna``, ``Milo, Luna and Mo``."""
    return " and ".join(part for part in (", ".join(parts[:-1]), parts[-1]) if part)
