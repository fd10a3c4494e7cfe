from __future__ import annotations

from datetime import UTC, datetime
from typing import get_args

import pytest

from sploot_media_clustering import errors
from sploot_media_clustering.report import words
from sploot_media_clustering.services.answer import Level, Reason


def test_every_reason_has_words_at_every_level() -> None:
    """No photo is set aside without an explanation."""
    assert set(words.ASIDE) == {(level, reason) for level in get_args(Level) for reason in get_args(Reason)}


def test_every_kind_of_unreadable_photo_has_words() -> None:
    """An error that names what is wrong with a photo is told in plain words."""
    kinds = {kind.__name__ for kind in errors.UnreadablePhotoError.__subclasses__()}
    assert kinds <= set(words.FAILURES)


@pytest.mark.parametrize(
    ("share", "said"),
    [(0, "0%"), (0.004, "<1%"), (0.42, "42%"), (0.994, ">99%"), (1, "100%")],
)
def test_only_certainty_is_a_hundred_percent(share: float, said: str) -> None:
    """Rounding makes nothing impossible or certain that is not."""
    assert words.percent(share) == said


@pytest.mark.parametrize(("count", "said"), [(0, "0 photos"), (1, "1 photo"), (1200, "1,200 photos")])
def test_numbers_stay_with_their_nouns(count: int, said: str) -> None:
    """A number and its noun are never parted at the end of a line."""
    assert words.counted(count, "photo") == said.replace(" ", "\u00a0")


@pytest.mark.parametrize(
    ("months", "said"),
    [
        ([], ""),
        ([(2026, 3), (2026, 3)], "March 2026"),
        ([(2026, 5), (2026, 3)], "March to May 2026"),
        ([(2025, 12), (2026, 1)], "December 2025 to January 2026"),
    ],
)
def test_spans_name_the_year_once_where_it_is_one(months: list[tuple[int, int]], said: str) -> None:
    """A span of months is told as people tell it."""
    assert words.span(datetime(year, month, 1, tzinfo=UTC) for year, month in months) == said


def test_spans_mix_cameras_that_know_their_offset_with_cameras_that_do_not() -> None:
    """Aware and naive capture times stand in one album."""
    naive = datetime(2026, 1, 1)  # a camera's clock tells no offset
    assert words.span([naive, naive.replace(month=2, tzinfo=UTC)]) == "January to February 2026"


@pytest.mark.parametrize(
    ("parts", "said"), [(["Milo"], "Milo"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_enumerations_end_in_and(parts: list[str], said: str) -> None:
    """The last two parts are joined by "and"."""
    assert words.joined(parts) == said


@pytest.mark.parametrize(("rank", "said"), [(1, "First choice"), (3, "Third choice"), (12, "Choice 12")])
def test_ranks_have_words(rank: int, said: str) -> None:
    """Ranks are told in words, however many there are."""
    assert words.choice(rank) == said


@pytest.mark.parametrize(
    ("text", "said"), [("eyes_open", "Eyes open"), ("McKitty", "McKitty"), ("", ""), ("ärger", "Ärger")]
)
def test_headlines_start_with_a_capital_and_change_nothing_else(text: str, said: str) -> None:
    """Names keep their own spelling."""
    assert words.headline(text) == said
