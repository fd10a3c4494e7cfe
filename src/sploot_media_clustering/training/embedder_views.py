"""Views of labelled photos as an embedder is tuned on them: the animal stays, everything else changes.

Photos of one animal share rooms, light and camera, and a network takes these for the animal if it may. So
crops are moved and scaled, light and colours vary, and the background, what lies outside the ellipse of the
animal's box, is blurred or taken from another photo (background challenge: Xiao et al. 2021, "Noise or
signal"); a patch is painted over (DeVries and Taylor 2017, arXiv:1708.04552), so that no single mark decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from jaxtyping import Float32, UInt8
from PIL import Image, ImageFilter

from sploot_media_clustering.domain.album import Box
from sploot_media_clustering.domain.detection import square_crop
from sploot_media_clustering.services.ports import Picture

CROP_LOG_SCALE: Final = (-0.3, 0.2)
CROP_SHIFT: Final = 0.07
"""Ranges of a crop's size and place: what detectors' boxes scatter by, and a little more."""
WHOLE_TRIM: Final = 0.12
"""Largest share of the whole photo that is cut off at each side."""

BRIGHTNESS, CONTRAST, SATURATION, TINT = 0.2, 0.15, 0.2, 0.05
"""Standard deviations of log factors: daylight, a lamp and another phone, not another coat."""

CHANGED_BACKGROUND: Final = 0.45
BLURRED_BACKGROUND: Final = 0.3
"""Share of crops whose background is changed; of these, the share that is blurred."""
_BLUR_SHARE: Final = (0.035, 0.11)
ELLIPSE_POWER: Final = 2.5
ELLIPSE_EDGE: Final = (1.0, 1.3)
"""Fades out from the box's ellipse, nearly a rectangle, to a third beyond it: ears and tails stay."""

COVERED: Final = 0.3
PATCH_SHARE: Final = (0.18, 0.4)
MIRRORED: Final = 0.5
COARSE: Final = 0.15
"""Shares of views with a patch, mirrored, and as of an animal far away."""
COARSE_SHARE: Final = (0.25, 0.67)
_BYTE: Final = 255


def varied_crop(
    picture: Picture,
    box: Box,
    side_px: int,
    backgrounds: Sequence[UInt8[np.ndarray, "s s 3"]],
    rng: np.random.Generator,
) -> UInt8[np.ndarray, "s s 3"]:
    """The crop of an animal, as another photo of it might have been.

    Args:
        picture: the photo.
        box: of the animal.
        side_px: of the view.
        backgrounds: other photos at that size; with none, backgrounds are only blurred.
        rng: draws the changes.
    """
    crop = _moved(square_crop(box, picture.size_px[0] / picture.size_px[1]), rng)
    view = picture.view(crop, side_px, side_px)
    if rng.random() < CHANGED_BACKGROUND:
        view = _with_background(view, subject_mask(box, crop, side_px), backgrounds, rng)
    return _finished(view, rng, small_changes_only=False)


def varied_whole(picture: Picture, side_px: int, rng: np.random.Generator) -> UInt8[np.ndarray, "s s 3"]:
    """The whole photo, trimmed a little, in another light."""
    left, top, right, bottom = rng.uniform(0, WHOLE_TRIM, 4).tolist()
    view = picture.view(Box(left, top, 1 - right, 1 - bottom), side_px, side_px)
    return _finished(view, rng, small_changes_only=True)


def subject_mask(box: Box, crop: Box, side_px: int) -> Float32[np.ndarray, "s s 1"]:
    """1 where the animal is, 0 well outside of its box, in the pixels of a crop."""
    centre = (np.arange(side_px, dtype=np.float32) + 0.5) / side_px
    x = (crop.left + centre * crop.width - (box.left + box.right) / 2) / (box.width / 2)
    y = (crop.top + centre * crop.height - (box.top + box.bottom) / 2) / (box.height / 2)
    radius = (np.abs(x)[None, :] ** ELLIPSE_POWER + np.abs(y)[:, None] ** ELLIPSE_POWER) ** (
        1 / ELLIPSE_POWER
    )
    inner, outer = ELLIPSE_EDGE
    return np.clip((outer - radius) / (outer - inner), 0, 1).astype(np.float32)[..., None]


def _moved(crop: Box, rng: np.random.Generator) -> Box:
    scale = float(np.exp(rng.uniform(*CROP_LOG_SCALE)))
    half_x, half_y = crop.width * scale / 2, crop.height * scale / 2
    shift_x, shift_y = (rng.normal(0, CROP_SHIFT, 2) * (crop.width, crop.height)).tolist()
    x = min(max((crop.left + crop.right) / 2 + shift_x, half_x / 2), 1 - half_x / 2)
    y = min(max((crop.top + crop.bottom) / 2 + shift_y, half_y / 2), 1 - half_y / 2)
    return Box(max(x - half_x, 0.0), max(y - half_y, 0.0), min(x + half_x, 1.0), min(y + half_y, 1.0))


def _with_background(
    view: UInt8[np.ndarray, "s s 3"],
    mask: Float32[np.ndarray, "s s 1"],
    backgrounds: Sequence[UInt8[np.ndarray, "s s 3"]],
    rng: np.random.Generator,
) -> UInt8[np.ndarray, "s s 3"]:
    if not backgrounds or rng.random() < BLURRED_BACKGROUND:
        radius_px = rng.uniform(*_BLUR_SHARE) * len(view)
        other = np.asarray(Image.fromarray(view).filter(ImageFilter.GaussianBlur(radius_px)))
    else:
        other = backgrounds[int(rng.integers(len(backgrounds)))]
    return (view * mask + other * (1 - mask)).astype(np.uint8)


def _finished(
    view: UInt8[np.ndarray, "s s 3"], rng: np.random.Generator, *, small_changes_only: bool
) -> UInt8[np.ndarray, "s s 3"]:
    changed = _relit(view, rng)
    if rng.random() < MIRRORED:
        changed = changed[:, ::-1]
    if small_changes_only:
        return np.ascontiguousarray(changed)
    side_px = len(view)
    if rng.random() < COARSE:
        small_px = int(rng.uniform(*COARSE_SHARE) * side_px)
        image = Image.fromarray(np.ascontiguousarray(changed))
        changed = np.asarray(image.resize((small_px, small_px)).resize((side_px, side_px)))
    changed = np.array(changed)
    if rng.random() < COVERED:
        patch_px = int(rng.uniform(*PATCH_SHARE) * side_px)
        top, left = rng.integers(0, side_px - patch_px, 2)
        changed[top : top + patch_px, left : left + patch_px] = rng.integers(0, _BYTE, 3)
    return changed


def _relit(view: UInt8[np.ndarray, "s s 3"], rng: np.random.Generator) -> UInt8[np.ndarray, "s s 3"]:
    gain = np.exp(rng.normal(0, BRIGHTNESS) + rng.normal(0, TINT, 3))
    pixels = view.astype(np.float32)
    mean = pixels.mean()
    pixels = (mean + (pixels - mean) * np.exp(rng.normal(0, CONTRAST))) * gain
    grey = pixels.mean(axis=2, keepdims=True)
    return np.clip(grey + (pixels - grey) * np.exp(rng.normal(0, SATURATION)), 0, _BYTE).astype(np.uint8)
