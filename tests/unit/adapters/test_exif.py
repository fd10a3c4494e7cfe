from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image

from sploot_media_clustering.adapters.exif import capture_time, read_exif

Base = ExifTags.Base
NOON = datetime(2024, 5, 1, 12, 0, 0)


def test_the_original_time_wins_over_later_ones() -> None:
    """Taken, then scanned, then edited: the time of taking counts."""
    tags = {
        Base.DateTime: "2024:05:03 12:00:00",
        Base.DateTimeDigitized: "2024:05:02 12:00:00",
        Base.DateTimeOriginal: "2024:05:01 12:00:00",
    }
    assert capture_time(tags) == NOON
    del tags[Base.DateTimeOriginal]
    assert capture_time(tags) == NOON + timedelta(days=1)
    del tags[Base.DateTimeDigitized]
    assert capture_time(tags) == NOON + timedelta(days=2)


@pytest.mark.parametrize(
    ("offset", "hours"), [("+02:00", 2), ("-09:30", -9.5), ("+0530", 5.5), ("Z", 0), ("+14:00", 14)]
)
def test_a_known_offset_makes_the_time_aware(offset: str, hours: float) -> None:
    """Two photos of different zones can be put in order."""
    taken = capture_time({Base.DateTimeOriginal: "2024:05:01 12:00:00", Base.OffsetTimeOriginal: offset})
    assert taken == NOON.replace(tzinfo=timezone(timedelta(hours=hours)))


@pytest.mark.parametrize("offset", ["", "   :  ", "02:00", "+99:00", "+14:01", None, 2])
def test_without_a_valid_offset_the_time_stays_naive(offset: object) -> None:
    """The camera's own clock is kept, and no zone is invented."""
    tags = {Base.DateTimeOriginal: "2024:05:01 12:00:00", Base.OffsetTimeOriginal: offset}
    assert capture_time(tags) == NOON


def test_an_offset_belongs_to_its_own_time() -> None:
    """The offset of the editing says nothing about where the photo was taken."""
    tags = {Base.DateTimeOriginal: "2024:05:01 12:00:00", Base.OffsetTime: "+02:00"}
    assert capture_time(tags) == NOON


@pytest.mark.parametrize(
    ("fraction", "microsecond"), [("5", 500_000), ("120", 120_000), ("123456789", 123_456), ("x", 0), ("", 0)]
)
def test_fractions_of_a_second_order_a_burst(fraction: str, microsecond: int) -> None:
    """The digits are those behind the decimal point."""
    tags = {Base.DateTimeOriginal: "2024:05:01 12:00:00", Base.SubsecTimeOriginal: fraction}
    assert capture_time(tags) == NOON.replace(microsecond=microsecond)


@pytest.mark.parametrize(
    "text",
    ["", "    :  :     :  :  ", "0000:00:00 00:00:00", "2024:13:01 12:00:00", "2024:02:30 12:00:00",
     "2024:05:01 24:00:00", "0001:01:01 00:00:00", "9999:12:31 23:59:59", "yesterday", 20240501, None],
)  # fmt: skip
def test_an_impossible_time_counts_as_none(text: object) -> None:
    """Cameras without a set clock, and editors, write all of these."""
    assert capture_time({Base.DateTimeOriginal: text}) is None


@pytest.mark.parametrize(
    "text", [b"2024:05:01 12:00:00\0", "2024-05-01 12:00:00", "2024:05:01T12:00:00", " 2024:05:01 12:00:00 "]
)
def test_common_misspellings_are_understood(text: object) -> None:
    """Bytes for text, dashes for colons, blanks around."""
    assert capture_time({Base.DateTimeOriginal: text}) == NOON


@given(
    st.dictionaries(st.sampled_from(list(Base)), st.one_of(st.text(), st.binary(), st.integers(), st.none()))
)
def test_no_value_stops_the_photo(tags: dict[int, object]) -> None:
    """Whatever stands in EXIF, a time or None comes out, and it survives a change of zone."""
    taken = capture_time(tags)
    assert taken is None or taken.astimezone(UTC)


@given(st.one_of(st.integers(-10, 300), st.none(), st.text()))
def test_an_unknown_orientation_is_upright(value: int | str | None) -> None:
    """Only 1 to 8 mean something."""
    image = Image.new("RGB", (2, 2))
    if value is not None:
        image.getexif()[Base.Orientation] = value
    expected = value if isinstance(value, int) and 1 <= value <= 8 else 1
    assert read_exif(image).orientation == expected


def test_damaged_exif_counts_as_none() -> None:
    """A photo whose EXIF is cut off is still a photo."""
    image = Image.new("RGB", (2, 2))
    image.info["exif"] = b"Exif\0\0II*\0\xff\xff"
    facts = read_exif(image)
    assert (facts.orientation, facts.captured_at) == (1, None)
