"""What a camera does to a picture: framing, light, focus, noise.

Enough for a camera roll that looks like one; not a model of any real camera.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageFilter

from sploot_media_clustering.demo.pictures import Box

LONG_SIDE_PX: Final = 1280
SHORT_SIDE_PX: Final = 960
_TILT_DEG: Final = 2.5
"""Standard deviation of how a hand tilts a camera."""
_AIM: Final = 0.06
"""Standard deviation of the frame's centre, as a share of its half side."""
_PERSPECTIVE: Final = 0.02
"""Standard deviation of a corner's place, as a share of the frame's side."""
_EXPOSURE_ERROR: Final = 0.04
"""Standard deviation of a camera's metering, as a factor."""
_VIGNETTE: Final = 0.15
"""Loss of light in the corners."""


@dataclass(frozen=True, slots=True)
class Light:
    """The light of an occasion.

    Attributes:
        exposure: factor on all channels.
        warmth: factor on red; blue is divided by it.
        noise: standard deviation of the sensor's noise, in levels of 255.
    """

    exposure: float
    warmth: float
    noise: float


DAYLIGHT: Final = Light(exposure=1.08, warmth=1.0, noise=2.5)
SHADE: Final = Light(exposure=0.9, warmth=0.92, noise=4.0)
LAMP: Final = Light(exposure=0.82, warmth=1.18, noise=7.0)
DUSK: Final = Light(exposure=0.55, warmth=0.95, noise=11.0)


@dataclass(frozen=True, slots=True)
class Shot:
    """How one photo is taken.

    Attributes:
        margin: side of the frame over the side of the animal's box; below 1 is a close-up.
        light: of the occasion.
        upright: portrait format.
        blur_px: standard deviation of the blur, in pixels of the photo.
    """

    margin: float
    light: Light
    upright: bool = False
    blur_px: float = 0.0


def take(picture: Image.Image, box: Box, shot: Shot, rng: np.random.Generator) -> Image.Image:
    """Photograph the animal inside ``box`` (fractions of the picture) once; two calls never agree."""
    size = (SHORT_SIDE_PX, LONG_SIDE_PX) if shot.upright else (LONG_SIDE_PX, SHORT_SIDE_PX)
    corners = _frame(picture.size, box, shot.margin, size[0] / size[1], rng)
    framed = picture.transform(size, Image.Transform.QUAD, corners, Image.Resampling.BICUBIC)
    focused = framed.filter(ImageFilter.GaussianBlur(shot.blur_px)) if shot.blur_px else framed
    return Image.fromarray(_expose(np.asarray(focused), shot.light, rng))


def side_by_side(left: Image.Image, right: Image.Image) -> Image.Image:
    """Two photos in one landscape frame, as a collage shows them."""
    half = (LONG_SIDE_PX // 2, SHORT_SIDE_PX)
    joined = Image.new("RGB", (LONG_SIDE_PX, SHORT_SIDE_PX))
    for place, photo in enumerate((left, right)):
        scale = max(half[0] / photo.width, half[1] / photo.height)
        width, height = half[0] / scale, half[1] / scale
        x, y = (photo.width - width) / 2, (photo.height - height) / 2
        joined.paste(photo.resize(half, box=(x, y, x + width, y + height)), (place * half[0], 0))
    return joined


def _frame(
    size_px: tuple[int, int],
    box: Box,
    margin: float,
    aspect: float,
    rng: np.random.Generator,
) -> tuple[float, ...]:
    """The four corners of the frame in the picture: upper left, lower left, lower right, upper right."""
    picture = np.array(size_px, dtype=np.float64)
    upper_left, lower_right = np.array(box[:2]) * picture, np.array(box[2:]) * picture
    wanted = margin * (lower_right - upper_left)
    width = min(max(wanted[0], wanted[1] * aspect), picture[0], picture[1] * aspect)
    half = np.array([width, width / aspect]) / 2
    centre = (upper_left + lower_right) / 2 + rng.normal(0, _AIM, 2) * half
    centre = np.clip(centre, half, picture - half)
    angle = np.deg2rad(rng.normal(0, _TILT_DEG))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    corners = np.array([[-1, -1], [-1, 1], [1, 1], [1, -1]]) + rng.normal(0, _PERSPECTIVE, (4, 2))
    inside = np.clip(centre + (corners * half) @ turn.T, 0, picture)
    return tuple(inside.ravel().tolist())


def _expose(
    pixels: UInt8[np.ndarray, "h w 3"], light: Light, rng: np.random.Generator
) -> UInt8[np.ndarray, "h w 3"]:
    height, width, _ = pixels.shape
    y, x = np.linspace(-1, 1, height, dtype=np.float32)[:, None], np.linspace(-1, 1, width, dtype=np.float32)
    falloff = light.exposure * rng.normal(1, _EXPOSURE_ERROR) * (1 - _VIGNETTE * (x**2 + y**2) / 2)
    noise = light.noise * rng.standard_normal((height, width, 1), dtype=np.float32)
    channels = np.array([light.warmth, 1, 1 / light.warmth], dtype=np.float32)
    return np.clip(pixels * falloff[..., None] * channels + noise, 0, 255).astype(np.uint8)
