"""What pixels say of an animal's picture: sharpness, noise, light, colour, size.

All measures are taken on the animal's box at one fixed scale, since sharpness depends on scale. A photo is as
sharp as the best part of its animal: fur is smooth in places and backgrounds may be blurred on purpose, so
cells of a grid are measured and the better ones count (focus measures: Pertuz, Puig and Garcia 2013,
"Analysis of focus measure operators for shape-from-focus").
"""

from __future__ import annotations

from typing import Final

import numpy as np
from jaxtyping import Float32, UInt8

CROP_PX: Final = 256
"""Longest side of the crop that :func:`measure` expects; a smaller box is enlarged to it."""

PIXEL_MEASURES: Final = (
    "detail",
    "acuity",
    "noise",
    "brightness",
    "contrast",
    "highlights",
    "shadows",
    "colourfulness",
    "source_px",
)
"""Log Laplacian energy of the better half of the cells; fine over coarse detail of the sharpest cells, which
contrast does not change; log noise of the smoothest cells; mean and deviation of the luma of the middle of
the box; shares of nearly white and nearly black pixels; colourfulness; longest side of the box in pixels of
the original."""

_GRID: Final = 8
_LUMA: Final = np.array([0.299, 0.587, 0.114], np.float32)
"""Rec. 601."""

_PAD_PX: Final = 4
"""What three blurs in a row take from each edge: 1, 1 and 2."""

_QUIET: Final = 0.004
"""One grey level of 256. Added to what is divided by or logged (a part of it, where averages go below it), so
that flat pictures give finite values."""

_WHITE: Final = 0.97
_BLACK: Final = 0.04
_COLOUR_STEP: Final = 2
"""Colours change slowly: a quarter of the pixels tells them."""

_MARGIN: Final = 4
"""A quarter of the box on each side is margin; what is left is mostly animal."""

_NOISE_FILTER_NORM: Final = 6.0
"""Standard deviation that Immerkaer's filter makes of unit noise ("Fast noise variance estimation", 1996)."""

_SHARPEST: Final = 0.95
_SMOOTHEST: Final = 0.1
"""Which cell, by rank, speaks for the extreme: one that a single odd cell does not set."""

LEAST_PX: Final = 3
"""Second differences need three pixels."""


def measure(crop: UInt8[np.ndarray, "h w 3"], source_px: float) -> Float32[np.ndarray, " q"]:
    """Measure the picture of one animal.

    Args:
        crop: its box, not squared, resized so that the longest side is :data:`CROP_PX`; at least 3 pixels
            a side.
        source_px: longest side of the box in the original photo.

    Returns:
        Finite values, in the order of :data:`PIXEL_MEASURES`.

    Raises:
        ValueError: the crop has fewer than 3 pixels a side.
    """
    if min(crop.shape[:2]) < LEAST_PX:
        raise ValueError(f"expected a crop of at least {LEAST_PX} pixels a side, got {crop.shape[:2]}")
    luma = crop.astype(np.float32) @ (_LUMA / np.float32(255.0))
    some = crop[::_COLOUR_STEP, ::_COLOUR_STEP].astype(np.float32) / np.float32(255.0)
    values = (*_sharpness(luma), _noise(luma), *_light(luma), _colourfulness(some), source_px)
    return np.array(values, np.float32)


def _sharpness(luma: Float32[np.ndarray, "h w"]) -> tuple[float, float]:
    padded = np.pad(luma, _PAD_PX, mode="edge")
    soft = _blurred(padded, 1)
    softer = _blurred(soft, 1)
    softest = _blurred(softer, 2)
    energy = np.sort(_cell_rms(_laplacian(soft[2:-2, 2:-2])))
    fine, coarse = _cell_rms(luma - softer[2:-2, 2:-2]), _cell_rms(softer[2:-2, 2:-2] - softest)
    better_half = energy[len(energy) // 2 :]
    detail = np.log(better_half.mean() + _QUIET / 4)
    return float(detail), float(np.quantile(fine / (coarse + _QUIET), _SHARPEST))


def _blurred(values: Float32[np.ndarray, "h w"], step: int) -> Float32[np.ndarray, "h1 w1"]:
    """Binomial blur, 1-2-1 at some step, of variance step^2 / 2 along each axis; edges are cut off."""
    quarter = np.float32(0.25)
    rows = (values[: -2 * step] + values[2 * step :] + 2 * values[step:-step]) * quarter
    return (rows[:, : -2 * step] + rows[:, 2 * step :] + 2 * rows[:, step:-step]) * quarter


def _laplacian(values: Float32[np.ndarray, "h w"]) -> Float32[np.ndarray, "h1 w1"]:
    inner = values[1:-1, 1:-1]
    return values[:-2, 1:-1] + values[2:, 1:-1] + values[1:-1, :-2] + values[1:-1, 2:] - 4 * inner


def _noise(luma: Float32[np.ndarray, "h w"]) -> float:
    """Log standard deviation of pixel noise: a second difference in both directions sees no edges."""
    across = luma[:, :-2] - 2 * luma[:, 1:-1] + luma[:, 2:]
    both = across[:-2] - 2 * across[1:-1] + across[2:]
    deviation = np.sqrt(np.pi / 2) / _NOISE_FILTER_NORM * _cell_means(np.abs(both))
    return float(np.log(np.quantile(deviation, _SMOOTHEST) + _QUIET / 40))


def _light(luma: Float32[np.ndarray, "h w"]) -> tuple[float, float, float, float]:
    height, width = luma.shape
    top, left = height // _MARGIN, width // _MARGIN
    middle = luma[top : height - top, left : width - left]
    return (
        float(middle.mean()),
        float(middle.std()),
        float((luma > _WHITE).mean()),
        float((luma < _BLACK).mean()),
    )


def _colourfulness(colours: Float32[np.ndarray, "h w 3"]) -> float:
    """Hasler and Suesstrunk 2003, "Measuring colourfulness in natural images", for colours in [0, 1]."""
    red, green, blue = colours[..., 0], colours[..., 1], colours[..., 2]
    red_green, yellow_blue = red - green, (red + green) / 2 - blue
    spread = np.hypot(red_green.std(), yellow_blue.std())
    return float(spread + 0.3 * np.hypot(red_green.mean(), yellow_blue.mean()))


def _cell_means(values: Float32[np.ndarray, "h w"]) -> Float32[np.ndarray, " cells"]:
    """Mean of each cell of the grid, which has fewer cells where there are fewer pixels."""
    rows, columns = (_averaging(side) for side in values.shape)
    return (rows @ values @ columns.T).ravel()


def _averaging(side: int) -> Float32[np.ndarray, "cells side"]:
    """Matrix whose rows average the pixels of one cell along a side."""
    cells = min(side, _GRID)
    inside = (np.arange(side) * cells // side) == np.arange(cells)[:, None]
    return (inside / inside.sum(1, keepdims=True)).astype(np.float32)


def _cell_rms(values: Float32[np.ndarray, "h w"]) -> Float32[np.ndarray, " cells"]:
    return np.sqrt(_cell_means(values**2))
