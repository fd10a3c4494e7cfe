from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace
from sample_answers import answer, image

from sploot_media_clustering.report.pictures import Picture
from sploot_media_clustering.report.timeline import months
from sploot_media_clustering.services.answer import Answer


def album(*times: tuple[int, int] | None) -> tuple[Answer, dict[str, Picture]]:
    """An album of one photo for each year and month; None is a photo without a time."""
    images = [
        replace(image(f"{place}.jpg", None, days=None), captured_at=when and datetime(*when, 15))
        for place, when in enumerate(times)
    ]
    pictures = {part.image_id: Picture(place, None, 4, 3) for place, part in enumerate(images)}
    return answer(images=images), pictures


def test_months_are_in_order_and_hold_their_pictures() -> None:
    """Oldest first, a year named where it begins, bars relative to the fullest month."""
    strip = months(*album((2026, 3), (2025, 12), (2026, 3), (2026, 1), (2025, 12), (2026, 3), (2026, 3)))
    assert [(month.key, month.numbers) for month in strip] == [
        ("2025-12", (1, 4)),
        ("2026-01", (3,)),
        ("2026-03", (0, 2, 5, 6)),
    ]
    assert [month.year for month in strip] == ["2025", "2026", ""]
    assert [month.permille for month in strip] == [500, 250, 1000]
    assert [month.count for month in strip] == [2, 1, 4]
    assert (strip[0].title, strip[0].short) == ("December 2025", "Dec")


def test_photos_without_a_time_or_a_picture_are_in_no_month() -> None:
    """Nothing is guessed; an album that knows no time has no strip."""
    known, pictures = album((2026, 3), None, (2026, 4))
    del pictures["2.jpg"]
    assert [month.key for month in months(known, pictures)] == ["2026-03"]
    assert months(*album(None, None)) == ()
