"""What EXIF says about a photo: which way is up, and when it was taken (CIPA DC-008, Exif 2.32).

Cameras, phones and editors write much nonsense there; a value that can't be right counts as absent.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from PIL import ExifTags, Image

_log = logging.getLogger(__name__)

UPRIGHT: Final = 1
_ORIENTATIONS: Final = range(1, 9)

_TIME: Final = re.compile(r"(\d{4})[:/-](\d\d)[:/-](\d\d)[ T](\d\d):(\d\d):(\d\d)", re.ASCII)
_OFFSET: Final = re.compile(r"([+-])(\d\d):?(\d\d)", re.ASCII)
_FRACTION: Final = re.compile(r"\d{1,9}", re.ASCII)
_PLAUSIBLE_YEARS: Final = range(1826, 2200)
"""From the oldest photo that is left (scans carry the picture's own date); beyond it a clock was wrong."""
_WIDEST_OFFSET: Final = timedelta(hours=14)
"""Of the time zones in use, UTC+14:00 (Kiribati) is the farthest from UTC."""

_TIMES: Final = (
    (ExifTags.Base.DateTimeOriginal, ExifTags.Base.OffsetTimeOriginal, ExifTags.Base.SubsecTimeOriginal),
    (ExifTags.Base.DateTimeDigitized, ExifTags.Base.OffsetTimeDigitized, ExifTags.Base.SubsecTimeDigitized),
    (ExifTags.Base.DateTime, ExifTags.Base.OffsetTime, ExifTags.Base.SubsecTime),
)
"""Time, its offset from UTC, its fraction of a second; the best first."""


@dataclass(frozen=True, slots=True)
class ExifFacts:
    """What we use of a photo's EXIF.

    Attributes:
        orientation: 1 to 8; 1 is upright, also when the file does not say.
        captured_at: aware where the offset is known, else naive (the camera's clock), or None.
    """

    orientation: int
    captured_at: datetime | None


def read_exif(image: Image.Image) -> ExifFacts:
    """Orientation and capture time of an opened image; damaged EXIF counts as none."""
    try:
        exif = image.getexif()
        tags = {**exif, **exif.get_ifd(ExifTags.IFD.Exif)}
    except Exception as error:  # noqa: BLE001 - damaged EXIF fails anywhere in Pillow's reader; the pixels may be whole
        _log.debug("EXIF ignored, it is damaged: %s", error)
        return ExifFacts(orientation=UPRIGHT, captured_at=None)
    return ExifFacts(
        orientation=_orientation(tags.get(ExifTags.Base.Orientation)), captured_at=capture_time(tags)
    )


def capture_time(tags: Mapping[int, object]) -> datetime | None:
    """When a photo was taken.

    Args:
        tags: EXIF values by tag number, those of the main and of the Exif directory together.

    Returns:
        DateTimeOriginal, else DateTimeDigitized, else DateTime, with its fraction of a second; aware where
        the matching offset is there and valid. None where none of them is a plausible time.
    """
    for time_tag, offset_tag, fraction_tag in _TIMES:
        time = _time(_text(tags.get(time_tag)))
        if time is not None:
            microsecond = _microseconds(_text(tags.get(fraction_tag)))
            return time.replace(microsecond=microsecond, tzinfo=_offset(_text(tags.get(offset_tag))))
    return None


def _orientation(value: object) -> int:
    return value if isinstance(value, int) and value in _ORIENTATIONS else UPRIGHT


def _text(value: object) -> str:
    if isinstance(value, bytes):
        value = value.decode("ascii", errors="replace")
    return value.strip(" \0") if isinstance(value, str) else ""


def _time(text: str) -> datetime | None:
    match = _TIME.match(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = map(int, match.groups())
    if year not in _PLAUSIBLE_YEARS:
        return None
    try:
        return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - the offset is added by the caller, if known
    except ValueError:
        return None


def _offset(text: str) -> timezone | None:
    if text == "Z":
        return UTC
    match = _OFFSET.fullmatch(text)
    if match is None:
        return None
    sign, hours, minutes = match.groups()
    offset = timedelta(hours=int(hours), minutes=int(minutes)) * (-1 if sign == "-" else 1)
    return timezone(offset) if abs(offset) <= _WIDEST_OFFSET else None


def _microseconds(text: str) -> int:
    """The digits are those after the decimal point: "5" is half a second."""
    return int(text.ljust(6, "0")[:6]) if _FRACTION.fullmatch(text) else 0
