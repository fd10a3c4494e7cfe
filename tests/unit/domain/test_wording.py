"""Words: when pictures were taken."""

from __future__ import annotations

from datetime import datetime

import pytest

from sploot_media_clustering.domain.attributes import COATS, OTHER_COAT
from sploot_media_clustering.domain.wording import COAT_WORDS, period


def day(year: int, month: int) -> datetime:
    return datetime(year, month, 3, 12)


@pytest.mark.parametrize(
    ("moments", "words"),
    [
        ([], ""),
        ([day(2024, 6)], "June 2024"),
        ([day(2024, 8), day(2024, 6)], "June to August 2024"),
        ([day(2024, 1), day(2024, 9)], "2024"),
        ([day(2022, 12), day(2024, 1)], "2022 to 2024"),
    ],
)
def test_a_period_is_as_exact_as_is_short(moments: list[datetime], words: str) -> None:
    """Months where they are few, else years."""
    assert period(moments) == words


def test_every_coat_that_can_be_named_has_a_word() -> None:
    """All but those that are just other."""
    assert set(COAT_WORDS) == set(COATS) - {OTHER_COAT}
