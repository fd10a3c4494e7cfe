"""Views of labelled photos as bytes, for networks that are tuned from their first layer on.

Of each photo three are kept: the whole, the crop as the product makes it, and a wider crop, out of which
crops of another size and place can be cut while tuning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Float32, Int64, UInt8

from sploot_media_clustering.domain.album import WHOLE, Box
from sploot_media_clustering.domain.detection import square_crop
from sploot_media_clustering.training.tuning_photos import Opens, TuningPhoto, Watch, indices, kept_rows

WIDER: Final = 1.3
"""Side of the wider crop over that of the crop: as far as moved and enlarged crops mostly reach."""
_CHANNELS: Final = 3


@dataclass(frozen=True, slots=True, eq=False)
class PixelViews:
    """Views of all photos; may be memory maps.

    Attributes:
        wholes: whole photos.
        crops: of the animals, as the product makes them.
        wides: the wider crops.
        places: of the crops in the wider ones: left, top, right, bottom, as shares of the side.
        boxes: of the animals, likewise; they may reach out of it.
        animals: index of each photo's animal.
        sets: index of each photo's data set.
    """

    wholes: UInt8[np.ndarray, "n s s 3"]
    crops: UInt8[np.ndarray, "n s s 3"]
    wides: UInt8[np.ndarray, "n w w 3"]
    places: Float32[np.ndarray, "n 4"]
    boxes: Float32[np.ndarray, "n 4"]
    animals: Int64[np.ndarray, " n"]
    sets: Int64[np.ndarray, " n"]


def pixel_views(
    photos: Sequence[TuningPhoto], opens: Opens, side_px: int, cache: Path, *, watch: Watch = iter
) -> PixelViews:
    """Read every photo once.

    Args:
        photos: one or more.
        opens: a photo by its key.
        side_px: of the network's input.
        cache: folder of these photos and this side, where some hundred kilobytes are kept a photo; what is
            there is gone on with.
        watch: see :data:`~.tuning_photos.Watch`.
    """
    wide_px = round(WIDER * side_px)
    sides_px = (side_px, side_px, wide_px)

    def computed(row: int) -> UInt8[np.ndarray, " b"]:
        photo = photos[row]
        picture = opens(photo.key)
        places = (WHOLE, _crop(photo), _wide(photo))
        views = [picture.view(place, px, px) for place, px in zip(places, sides_px, strict=True)]
        return np.concatenate([view.ravel() for view in views])

    flat = kept_rows(cache / f"views-{side_px}.npy", photos, computed, watch)
    ends = np.cumsum([px * px * _CHANNELS for px in sides_px])
    wholes, crops, wides = (
        flat[:, end - px * px * _CHANNELS : end].reshape(len(photos), px, px, _CHANNELS)
        for px, end in zip(sides_px, ends, strict=True)
    )
    return PixelViews(
        wholes=wholes,
        crops=crops,
        wides=wides,
        places=np.array([_inside(_crop(photo), _wide(photo)) for photo in photos], np.float32),
        boxes=np.array([_inside(photo.box, _wide(photo)) for photo in photos], np.float32),
        animals=indices(photo.animal for photo in photos),
        sets=indices(photo.data_set for photo in photos),
    )


def _crop(photo: TuningPhoto) -> Box:
    return square_crop(photo.box, photo.aspect) if photo.box != WHOLE else WHOLE


def _wide(photo: TuningPhoto) -> Box:
    crop = _crop(photo)
    margin_x, margin_y = (side * (WIDER - 1) / 2 for side in (crop.width, crop.height))
    return Box(
        max(crop.left - margin_x, 0.0),
        max(crop.top - margin_y, 0.0),
        min(crop.right + margin_x, 1.0),
        min(crop.bottom + margin_y, 1.0),
    )


def _inside(box: Box, outer: Box) -> tuple[float, float, float, float]:
    """A box of the photo as one of a part of it."""
    return (
        (box.left - outer.left) / outer.width,
        (box.top - outer.top) / outer.height,
        (box.right - outer.left) / outer.width,
        (box.bottom - outer.top) / outer.height,
    )
