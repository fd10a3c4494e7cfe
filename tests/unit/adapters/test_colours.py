from __future__ import annotations

import numpy as np
import pytest
from icc_profiles import ADOBE_RGB_PRIMARIES, DISPLAY_P3_PRIMARIES, SRGB_PRIMARIES, matrix_profile
from PIL import Image, ImageCms

from sploot_media_clustering.adapters.colours import BACKGROUND_RGB, srgb_transform, to_reducible, to_rgb
from sploot_media_clustering.errors import NotAnImageError


def rgb(image: Image.Image) -> np.ndarray:
    return np.asarray(to_rgb(to_reducible(image)))


@pytest.mark.parametrize("order", ["<u2", ">u2"])
def test_sixteen_bits_are_scaled_and_not_clipped(order: str) -> None:
    """White stays white, mid-grey mid-grey; clipping would turn nearly everything white."""
    grey = np.array([[0, 257 * 3, 257 * 128 + 100, 65535]], dtype=order)
    assert rgb(Image.fromarray(grey))[0, :, 0].tolist() == [0, 3, 128, 255]


@pytest.mark.parametrize("mode", ["I", "F"])
def test_data_without_a_known_range_is_refused(mode: str) -> None:
    """32-bit pixels are measurements and no photo."""
    with pytest.raises(NotAnImageError, match="32-bit"):
        to_reducible(Image.new(mode, (2, 2)))


@pytest.mark.parametrize(
    ("mode", "colour", "expected"),
    [
        ("L", 77, (77, 77, 77)),
        ("1", 1, (255, 255, 255)),
        ("CMYK", (0, 255, 255, 0), (255, 0, 0)),
        ("LA", (200, 0), BACKGROUND_RGB),
        ("LA", (200, 255), (200, 200, 200)),
        ("RGBA", (10, 20, 30, 255), (10, 20, 30)),
        ("RGBA", (10, 20, 30, 0), BACKGROUND_RGB),
    ],
)
def test_every_mode_becomes_rgb(mode: str, colour: object, expected: tuple[int, int, int]) -> None:
    """Grey is spread, ink becomes light, what is transparent shows the background."""
    assert tuple(rgb(Image.new(mode, (4, 4), colour))[0, 0]) == expected


def test_half_transparent_is_half_way_to_the_background() -> None:
    """Alpha is a share, not a switch."""
    assert rgb(Image.new("RGBA", (2, 2), (255, 255, 255, 128)))[0, 0, 0] == pytest.approx(191, abs=1)


def test_a_transparent_palette_entry_shows_the_background() -> None:
    """GIF and palette PNG mark one colour as nothing."""
    image = Image.new("P", (2, 1))
    image.putpalette([0, 0, 0, 250, 100, 50])
    image.putdata([0, 1])
    image.info["transparency"] = 0
    assert rgb(image)[0].tolist() == [list(BACKGROUND_RGB), [250, 100, 50]]


@pytest.mark.parametrize("primaries", [DISPLAY_P3_PRIMARIES, ADOBE_RGB_PRIMARIES])
def test_wide_gamut_colours_are_turned_to_srgb(primaries: tuple[tuple[float, ...], ...]) -> None:
    """A red of a wider space is a stronger red in sRGB, and grey stays grey."""
    transform = srgb_transform(matrix_profile(primaries))
    assert transform is not None
    red, grey = np.asarray(transform.apply(Image.fromarray(np.uint8([[[200, 60, 60], [128, 128, 128]]]))))[0]
    assert red[0] > 205
    assert red[1] < 60
    assert np.abs(grey.astype(int) - 128).max() <= 2


def test_a_profile_that_is_srgb_costs_nothing() -> None:
    """Nothing to do is None: Pillow's own sRGB, and a phone's copy of its primaries with its curve."""
    assert srgb_transform(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()) is None
    assert srgb_transform(matrix_profile(SRGB_PRIMARIES, gamma=1.0)) is not None


@pytest.mark.parametrize("profile", [b"", b"nonsense", matrix_profile(SRGB_PRIMARIES)[:100]])
def test_a_damaged_profile_is_ignored(profile: bytes) -> None:
    """Colours that are slightly off are better than a photo lost."""
    assert srgb_transform(profile) is None
