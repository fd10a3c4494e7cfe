"""Ways in which photos go wrong, done to photos that did not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
from jaxtyping import Float64, UInt8
from scipy import ndimage

from sploot_media_clustering.domain.album import Box
from sploot_media_clustering.evaluation.darkroom import JPEG_QUALITY

Pixels = UInt8[np.ndarray, "h w 3"]
Cut = UInt8[np.ndarray, "h cut 3"]

HEAVY_JPEG: Final = "heavy_jpeg"
_HEAVY_QUALITY: Final = 6
"""At which blocks of 8 pixels are seen at arm's length."""

_SHAKE: Final = 0.03
"""Of the longest side: how far a camera moves; 20 pixels of 700."""

_BLUR: Final = 0.006
"""Of the longest side: deviation of the blur of a missed focus; 4 pixels of 700."""

_DARK: Final = 0.22
_DARK_NOISE: Final = 6.0
"""A fifth of the light, and the grain that comes with it, in grey levels."""

_BRIGHT: Final = 2.3
_CUT: Final = 0.55
"""Of the animal's box that is left outside."""

_COVERED: Final = (0.6, 0.7)
"""Of the animal's box, across and along: what stands in front of it."""


def quality_of(kind: str) -> int:
    """JPEG quality that copies of a kind are saved with."""
    return _HEAVY_QUALITY if kind == HEAVY_JPEG else JPEG_QUALITY


def _floats(pixels: Pixels) -> Float64[np.ndarray, "h w 3"]:
    return pixels.astype(np.float64)


def _bytes(values: Float64[np.ndarray, "h w 3"]) -> Pixels:
    return np.clip(np.round(values), 0, 255).astype(np.uint8)


def _motion_blur(pixels: Pixels, box: Box, rng: np.random.Generator) -> Pixels:
    del box
    length = max(round(_SHAKE * max(pixels.shape[:2])), 3) | 1
    angle = rng.uniform(0.0, np.pi)
    along = np.arange(length) - length // 2
    kernel = np.zeros((length, length))
    rows = np.round(along * np.sin(angle)).astype(int) + length // 2
    columns = np.round(along * np.cos(angle)).astype(int) + length // 2
    kernel[rows, columns] = 1.0
    values = _floats(pixels)
    kernel /= kernel.sum()
    return _bytes(np.stack([ndimage.convolve(values[..., c], kernel, mode="nearest") for c in range(3)], -1))


def _defocus(pixels: Pixels, box: Box, rng: np.random.Generator) -> Pixels:
    del box, rng
    deviation = _BLUR * max(pixels.shape[:2])
    return _bytes(ndimage.gaussian_filter(_floats(pixels), (deviation, deviation, 0), mode="nearest"))


def _dark(pixels: Pixels, box: Box, rng: np.random.Generator) -> Pixels:
    del box
    return _bytes(_DARK * _floats(pixels) + rng.normal(0.0, _DARK_NOISE, pixels.shape))


def _overexposed(pixels: Pixels, box: Box, rng: np.random.Generator) -> Pixels:
    del box, rng
    return _bytes(_BRIGHT * _floats(pixels))


def _heavy_jpeg(pixels: Pixels, box: Box, rng: np.random.Generator) -> Pixels:
    del box, rng
    return pixels


def _cut_off(pixels: Pixels, box: Box, rng: np.random.Generator) -> Cut:
    """The frame ends inside the animal, at the left or at the right."""
    width = pixels.shape[1]
    if rng.random() < 0.5:  # noqa: PLR2004 - either side
        return np.ascontiguousarray(pixels[:, round((box.left + _CUT * box.width) * width) :])
    return np.ascontiguousarray(pixels[:, : max(round((box.right - _CUT * box.width) * width), 1)])


def _occluded(pixels: Pixels, box: Box, rng: np.random.Generator) -> Pixels:
    """A flat thing of a colour of the photo stands before the animal."""
    height, width = pixels.shape[:2]
    across, along = _COVERED
    left = box.left + rng.uniform(0.0, 1.0 - across) * box.width
    top = box.top + rng.uniform(0.0, 1.0 - along) * box.height
    rows = slice(round(top * height), round((top + along * box.height) * height))
    columns = slice(round(left * width), round((left + across * box.width) * width))
    covered = pixels.copy()
    covered[rows, columns] = pixels[rng.integers(height), rng.integers(width)]
    return covered


KINDS: Final[Mapping[str, Callable[[Pixels, Box, np.random.Generator], Pixels]]] = MappingProxyType(
    {
        "motion_blur": _motion_blur,
        "defocus": _defocus,
        "dark": _dark,
        "overexposed": _overexposed,
        HEAVY_JPEG: _heavy_jpeg,
        "cut_off": _cut_off,
        "occluded": _occluded,
    }
)
"""Pixels, the animal's box and chance to the degraded pixels, of each kind."""
