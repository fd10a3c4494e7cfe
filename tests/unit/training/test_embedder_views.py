"""Views to tune an embedder on: the animal stays where it is to be seen, the rest changes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pytest
from PIL import Image

from sploot_media_clustering.domain.album import WHOLE, Box
from sploot_media_clustering.domain.detection import square_crop
from sploot_media_clustering.training import embedder_views
from sploot_media_clustering.training.embedder_views import subject_mask, varied_crop, varied_whole

SIDE_PX = 64
BOX = Box(0.3, 0.3, 0.7, 0.7)
ANIMAL, ROOM, ELSEWHERE = (200, 120, 40), (40, 60, 80), (0, 250, 0)


@dataclass(frozen=True)
class Painted:
    """A photo of a square animal in a plain room."""

    size_px: tuple[int, int] = (300, 300)
    captured_at: datetime | None = None

    def view(self, box: Box, width_px: int, height_px: int) -> np.ndarray:
        image = Image.new("RGB", self.size_px, ROOM)
        image.paste(ANIMAL, (90, 90, 210, 210))
        place = (box.left * 300, box.top * 300, box.right * 300, box.bottom * 300)
        return np.asarray(image.resize((width_px, height_px), box=place))


def test_the_middle_of_the_box_is_kept_and_what_is_far_outside_is_not() -> None:
    """A background that leaks in teaches the room; an animal that leaks out is lost."""
    mask = subject_mask(BOX, WHOLE, SIDE_PX)[..., 0]
    assert mask[SIDE_PX // 2, SIDE_PX // 2] == 1
    assert mask[0].max() == 0
    assert mask[:, 0].max() == 0


def test_a_changed_background_shows_the_other_photo_behind_the_same_animal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The one thing that stays is the animal."""
    crop = Box(0.1, 0.1, 0.9, 0.9)
    view = Painted().view(crop, SIDE_PX, SIDE_PX)
    elsewhere = np.full((SIDE_PX, SIDE_PX, 3), ELSEWHERE, np.uint8)
    mask = subject_mask(BOX, crop, SIDE_PX)
    monkeypatch.setattr(embedder_views, "BLURRED_BACKGROUND", 0.0)
    changed = embedder_views._with_background(view, mask, [elsewhere], np.random.default_rng(0))
    assert tuple(changed[SIDE_PX // 2, SIDE_PX // 2]) == ANIMAL
    assert tuple(changed[0, 0]) == ELSEWHERE


def test_views_differ_from_draw_to_draw_and_repeat_with_the_seed() -> None:
    """An interrupted run that is gone on with makes the same views."""
    backgrounds = [np.full((SIDE_PX, SIDE_PX, 3), ELSEWHERE, np.uint8)]

    def drawn(seed: int) -> list[np.ndarray]:
        rng = np.random.default_rng(seed)
        crops = [varied_crop(Painted(), BOX, SIDE_PX, backgrounds, rng) for _ in range(12)]
        return [*crops, varied_whole(Painted(), SIDE_PX, rng)]

    first, again, other = drawn(0), drawn(0), drawn(1)
    assert all(np.array_equal(one, two) for one, two in zip(first, again, strict=True))
    assert not any(np.array_equal(one, two) for one, two in zip(first, other, strict=True))
    assert {view.shape for view in first} == {(SIDE_PX, SIDE_PX, 3)}


def test_a_moved_crop_stays_in_the_photo_and_on_the_animal() -> None:
    """However it is drawn, at the photo's edges too."""
    rng = np.random.default_rng(0)
    for box in (BOX, Box(0.0, 0.0, 0.1, 0.1), Box(0.6, 0.8, 1.0, 1.0), WHOLE):
        for _ in range(100):
            crop = embedder_views._moved(square_crop(box, 1.0), rng)
            assert 0 <= crop.left < crop.right <= 1
            assert 0 <= crop.top < crop.bottom <= 1
            assert crop.intersection(box) > 0.2 * min(box.area, crop.area)
