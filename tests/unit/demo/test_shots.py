from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from sploot_media_clustering.demo import shots

BOX = (0.3, 0.3, 0.7, 0.7)


def blue_with_red_box() -> Image.Image:
    picture = Image.new("RGB", (400, 300), (20, 20, 200))
    picture.paste((200, 20, 20), (120, 90, 280, 210))
    return picture


def taken(shot: shots.Shot, seed: int = 0) -> np.ndarray:
    return np.asarray(shots.take(blue_with_red_box(), BOX, shot, np.random.default_rng(seed))).astype(float)


def red_share(photo: np.ndarray) -> float:
    return float((photo[..., 0] > photo[..., 2]).mean())


@pytest.mark.parametrize(("upright", "size"), [(False, (1280, 960)), (True, (960, 1280))])
def test_a_photo_has_the_camera_s_size(upright: bool, size: tuple[int, int]) -> None:
    """Every photo is 1280 x 960, or 960 x 1280 when upright, whatever the picture's size."""
    height, width, channels = taken(shots.Shot(1.5, shots.DAYLIGHT, upright=upright)).shape
    assert (width, height, channels) == (*size, 3)


def test_the_margin_says_how_much_of_the_frame_the_animal_fills() -> None:
    """A close-up shows little but the animal, a wide frame mostly its surroundings."""
    assert red_share(taken(shots.Shot(0.75, shots.DAYLIGHT))) > 0.8
    assert red_share(taken(shots.Shot(9.0, shots.DAYLIGHT))) < 0.3


def test_no_frame_leaves_the_picture() -> None:
    """No photo has black corners: the frame is kept inside the picture."""
    for seed in range(5):
        assert taken(shots.Shot(9.0, shots.DAYLIGHT), seed).max(axis=2).min() > 60


def test_light_changes_brightness_and_warmth() -> None:
    """Dusk is darker than daylight, a lamp shifts blue to red."""
    day, dusk, lamp = (taken(shots.Shot(9.0, light)) for light in (shots.DAYLIGHT, shots.DUSK, shots.LAMP))
    assert dusk.mean() < 0.7 * day.mean()
    assert lamp[..., 0].mean() / lamp[..., 2].mean() > 1.2 * day[..., 0].mean() / day[..., 2].mean()


def test_the_same_seed_gives_the_same_photo() -> None:
    """A simulation is a function of its seed, and two seeds differ."""
    shot = shots.Shot(1.2, shots.SHADE, blur_px=2.0)
    assert np.array_equal(taken(shot, 3), taken(shot, 3))
    assert not np.array_equal(taken(shot, 3), taken(shot, 4))


def test_a_collage_shows_both_photos() -> None:
    """The left half comes from the first photo, the right half from the second."""
    joined = shots.side_by_side(Image.new("RGB", (96, 128), "red"), Image.new("RGB", (128, 96), "lime"))
    assert joined.size == (1280, 960)
    assert joined.getpixel((10, 480)) == (255, 0, 0)
    assert joined.getpixel((1270, 480)) == (0, 255, 0)
