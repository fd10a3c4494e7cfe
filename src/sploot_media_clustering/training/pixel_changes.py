"""The changes of :mod:`.embedder_views`, made of many views at once where the network is: on a GPU, or not.

What changes is drawn by NumPy, so that every device is shown the same; pixels are planes of floats in [0, 1].
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import torch
from jaxtyping import Float32, UInt8
from torch.nn import functional

from sploot_media_clustering.training.embedder_views import (
    BLURRED_BACKGROUND,
    BRIGHTNESS,
    CHANGED_BACKGROUND,
    COARSE,
    COARSE_SHARE,
    CONTRAST,
    COVERED,
    CROP_LOG_SCALE,
    CROP_SHIFT,
    ELLIPSE_EDGE,
    ELLIPSE_POWER,
    MIRRORED,
    PATCH_SHARE,
    SATURATION,
    TINT,
    WHOLE_TRIM,
)

_BRIGHTEST: Final = 255
_BLUR: Final = 12
"""A blurred background is one of this many pixels a side, enlarged."""


def planes(views: UInt8[np.ndarray, "n s s 3"], device: str) -> Any:  # noqa: ANN401 - torch is untyped
    """Bytes as planes of floats [n, 3, s, s] on a device."""
    there = torch.from_numpy(np.ascontiguousarray(views)).to(device)
    return there.permute(0, 3, 1, 2).float().div_(_BRIGHTEST)


def varied_crops(
    wides: Any,  # noqa: ANN401 - torch is untyped
    places: Float32[np.ndarray, "n 4"],
    boxes: Float32[np.ndarray, "n 4"],
    others: Any,  # noqa: ANN401 - torch is untyped
    side_px: int,
    rng: np.random.Generator,
) -> Any:  # noqa: ANN401 - torch is untyped
    """The crops of animals, as other photos of them might have been.

    Args:
        wides: planes [n, 3, w, w] of the wider crops.
        places: of the crops in them.
        boxes: of the animals in them.
        others: planes [m, 3, s, s] of other photos, for backgrounds.
        side_px: of the crops.
        rng: draws the changes.
    """
    count, device = len(wides), wides.device
    grid = grid_of(_moved(places, rng), rng.random(count) < MIRRORED, side_px, device)
    crops = _sampled(wides, grid)
    backgrounds = functional.interpolate(others, (side_px, side_px), mode="bilinear", align_corners=False)
    chosen = backgrounds[torch.from_numpy(rng.integers(len(others), size=count)).to(device)]
    blurred = functional.interpolate(
        functional.adaptive_avg_pool2d(crops, _BLUR), (side_px, side_px), mode="bilinear", align_corners=False
    )
    chosen = torch.where(_each(rng.random(count) < BLURRED_BACKGROUND, device), blurred, chosen)
    mask = torch.where(
        _each(rng.random(count) < CHANGED_BACKGROUND, device),
        subjects(grid, boxes),
        torch.ones(1).to(device),
    )
    crops = _relit(crops * mask + chosen * (1 - mask), rng)
    return _covered(_coarse(crops, rng), rng)


def varied_wholes(wholes: Any, rng: np.random.Generator) -> Any:  # noqa: ANN401 - torch is untyped
    """Whole photos [n, 3, s, s], trimmed a little, in another light."""
    count = len(wholes)
    left, top, right, bottom = rng.uniform(0, WHOLE_TRIM, (4, count))
    rectangles = np.stack([left, top, 1 - right, 1 - bottom], 1).astype(np.float32)
    mirrored = rng.random(count) < MIRRORED
    return _relit(_sampled(wholes, grid_of(rectangles, mirrored, wholes.shape[-1], wholes.device)), rng)


def _moved(places: Float32[np.ndarray, "n 4"], rng: np.random.Generator) -> Float32[np.ndarray, "n 4"]:
    low, high = places[:, :2], places[:, 2:]
    half = (high - low) / 2 * np.exp(rng.uniform(*CROP_LOG_SCALE, (len(places), 1)))
    centre = (low + high) / 2 + rng.normal(0, CROP_SHIFT, (len(places), 2)) * 2 * half
    centre = np.clip(centre, half / 2, 1 - half / 2)
    moved = np.concatenate([np.maximum(centre - half, 0), np.minimum(centre + half, 1)], 1)
    return moved.astype(np.float32)


def grid_of(
    rectangles: Float32[np.ndarray, "n 4"],
    mirrored: np.ndarray,
    side_px: int,
    device: Any,  # noqa: ANN401 - torch is untyped
) -> Any:  # noqa: ANN401 - torch is untyped
    """Where each pixel of a part is taken from [n, s, s, 2], the picture being from -1 to 1."""
    left, top, right, bottom = rectangles.T
    turn = np.zeros((len(rectangles), 2, 3), np.float32)
    turn[:, 0, 0] = (right - left) * np.where(mirrored, -1, 1)
    turn[:, 1, 1] = bottom - top
    turn[:, 0, 2], turn[:, 1, 2] = left + right - 1, top + bottom - 1
    size = [len(rectangles), 1, side_px, side_px]
    return functional.affine_grid(torch.from_numpy(turn), size, align_corners=False).to(device)


def _sampled(pictures: Any, grid: Any) -> Any:  # noqa: ANN401 - torch is untyped
    return functional.grid_sample(pictures, grid, padding_mode="border", align_corners=False)


def subjects(grid: Any, boxes: Float32[np.ndarray, "n 4"]) -> Any:  # noqa: ANN401 - torch is untyped
    """As :func:`.embedder_views.subject_mask`, [n, 1, s, s]."""
    box = torch.from_numpy(2 * boxes - 1).to(grid.device)[:, None, None]
    away = (grid - (box[..., :2] + box[..., 2:]) / 2).abs() / ((box[..., 2:] - box[..., :2]) / 2)
    radius = (away**ELLIPSE_POWER).sum(-1) ** (1 / ELLIPSE_POWER)
    inner, outer = ELLIPSE_EDGE
    return ((outer - radius) / (outer - inner)).clamp(0, 1)[:, None]


def _relit(pictures: Any, rng: np.random.Generator) -> Any:  # noqa: ANN401 - torch is untyped
    count, device = len(pictures), pictures.device
    gain = np.exp(rng.normal(0, BRIGHTNESS, (count, 1)) + rng.normal(0, TINT, (count, 3)))
    contrast, saturation = (np.exp(rng.normal(0, one, count)) for one in (CONTRAST, SATURATION))
    mean = pictures.mean((1, 2, 3), keepdim=True)
    lit = (mean + (pictures - mean) * _each(contrast, device)) * _each(gain, device)
    grey = lit.mean(1, keepdim=True)
    return (grey + (lit - grey) * _each(saturation, device)).clamp(0, 1)


def _coarse(pictures: Any, rng: np.random.Generator) -> Any:  # noqa: ANN401 - torch is untyped
    side_px = pictures.shape[-1]
    for row in np.flatnonzero(rng.random(len(pictures)) < COARSE):
        small_px = int(rng.uniform(*COARSE_SHARE) * side_px)
        one = functional.interpolate(
            pictures[row, None], (small_px, small_px), mode="bilinear", antialias=True, align_corners=False
        )
        pictures[row] = functional.interpolate(one, (side_px, side_px), mode="bicubic", align_corners=False)[
            0
        ].clamp(0, 1)
    return pictures


def _covered(pictures: Any, rng: np.random.Generator) -> Any:  # noqa: ANN401 - torch is untyped
    side_px = pictures.shape[-1]
    for row in np.flatnonzero(rng.random(len(pictures)) < COVERED):
        patch_px = int(rng.uniform(*PATCH_SHARE) * side_px)
        top, left = rng.integers(0, side_px - patch_px, 2)
        colour = torch.from_numpy(rng.random((3, 1, 1), np.float32)).to(pictures.device)
        pictures[row, :, top : top + patch_px, left : left + patch_px] = colour
    return pictures


def _each(values: np.ndarray, device: Any) -> Any:  # noqa: ANN401 - torch is untyped
    """Values [n] or [n, c] that go with planes [n, c, s, s]."""
    told = values if values.dtype == bool else values.astype(np.float32)
    return torch.from_numpy(told.reshape(len(values), -1, 1, 1)).to(device)
