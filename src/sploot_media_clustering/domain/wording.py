"""Words for what pictures have in common: claims that a label may make, and when pictures were taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final

from sploot_media_clustering.domain.attributes import PRESENT


@dataclass(frozen=True, slots=True)
class Claim:
    """Words for a picture that has one of some values of a group.

    Attributes:
        words: as they stand inside a label; a label's first word gets its capital.
        group: of ``VOCABULARY``.
        values: of the group, any of which makes the claim true.
        usual: share of all sorts of photos of pets that it holds for: of 1 203 rated photos of 106 albums.
    """

    words: str
    group: str
    values: tuple[str, ...]
    usual: float


WHAT: Final = (
    Claim("asleep", "activity", ("sleeping",), 0.04),
    Claim("playing", "activity", ("playing",), 0.02),
    Claim("eating", "activity", ("eating",), 0.02),
    Claim("being held", "activity", ("held",), 0.015),
    Claim("with people", "person", (PRESENT,), 0.06),
    Claim("with another animal", "animal", (PRESENT,), 0.04),
    Claim("close-ups", "framing", ("face",), 0.06),
    Claim("portraits", "framing", ("face", "half"), 0.27),
    Claim("from afar", "framing", ("far",), 0.04),
    Claim("lying down", "activity", ("lying",), 0.41),
    Claim("sitting", "activity", ("sitting",), 0.33),
    Claim("standing", "activity", ("standing",), 0.13),
    Claim("on the move", "activity", ("moving",), 0.05),
    Claim("resting", "activity", ("sleeping", "lying"), 0.45),
    Claim("on its feet", "activity", ("standing", "moving", "playing"), 0.2),
    Claim("from behind", "view", ("back",), 0.01),
    Claim("from above", "view", ("top",), 0.02),
    Claim("from the side", "view", ("side",), 0.08),
)
"""What a label may start with, the most telling first."""

WHERE: Final = (
    Claim("outdoors", "setting", ("outdoors",), 0.52),
    Claim("indoors", "setting", ("indoors",), 0.48),
    Claim("in the studio", "setting", ("studio",), 0.01),
)

DETAILS: Final = (
    Claim("eyes closed", "eyes", ("closed",), 0.09),
    Claim("facing the camera", "view", ("front",), 0.61),
    Claim("sitting and lying", "activity", ("sleeping", "lying", "sitting"), 0.77),
    Claim("whole body", "framing", ("full",), 0.69),
)
"""What is so usual that it is added only where labels would be equal, or where nothing else can be said."""

COAT_WORDS: Final = MappingProxyType(
    {
        "black": "black",
        "black_and_white": "black and white",
        "brown_and_white": "brown and white",
        "ginger": "ginger",
        "grey": "grey",
        "light": "light-coloured",
        "tabby": "tabby",
    }
)

_SEASON: Final = 4
"""Pictures of at most so many months are named by the months, of more by the year."""


def period(moments: Sequence[datetime]) -> str:
    """When pictures were taken: ``June 2024``, ``June to August 2024``, ``2024``, ``2022 to 2024``.

    Nothing for no pictures.
    """
    if not moments:
        return ""
    first, last = min(moments), max(moments)
    months = (last.year - first.year) * 12 + last.month - first.month
    if months == 0:
        return f"{first:%B} {first.year}"
    if first.year != last.year:
        return f"{first.year} to {last.year}"
    return f"{first:%B} to {last:%B} {last.year}" if months < _SEASON else f"{last.year}"


def capitalised(text: str) -> str:
    """Text with a capital at its start, the rest as it is."""
    return text[:1].upper() + text[1:]
