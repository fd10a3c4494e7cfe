"""Photos made from labelled ones: side by side, degraded, or of what is beside the animal."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from sploot_media_clustering.domain.album import WHOLE, Box, PhotoEmbedding
from sploot_media_clustering.services.embedding import PhotoInput
from sploot_media_clustering.services.ports import ImageDecoder, Picture
from sploot_media_clustering.training.labelled import LabelledPhoto

JPEG_QUALITY: Final = 92

MOST_PX: Final = 720
"""Longest side of what is made: labelled photos are often small, and what is made of them is no larger."""

LEAST_STRIP: Final = 0.25
"""Of a photo's side: what is beside the animal has to be so wide to be a picture of its own."""

_CLEAR: Final = 0.02
"""Of a photo's side: boxes end a little inside the animal."""

Pixels = UInt8[np.ndarray, "h w 3"]
Strip = UInt8[np.ndarray, "tall wide 3"]


@dataclass(frozen=True, slots=True)
class Darkroom:
    """Where photos are made and looked at.

    Attributes:
        decoder: of labelled photos.
        embed_one: of what was made; it is kept, as any photo's embedding is.
    """

    decoder: ImageDecoder
    embed_one: Callable[[PhotoInput], PhotoEmbedding]

    def opened(self, photo: LabelledPhoto) -> Pixels:
        """The upright photo, at most :data:`MOST_PX` long."""
        picture = self.decoder.decode(photo.path.read_bytes())
        width_px, height_px = picture.size_px
        scale = min(MOST_PX / max(width_px, height_px), 1.0)
        return picture.view(WHOLE, max(round(width_px * scale), 1), max(round(height_px * scale), 1))

    def seen(self, name: str, pixels: Pixels, quality: int = JPEG_QUALITY) -> PhotoEmbedding:
        """What the networks see in pixels that were saved as a JPEG."""
        return self.embed_one(developed(name, pixels, quality))


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """Two photos joined into one.

    Attributes:
        photo: the joined picture, as a JPEG.
        seam: where the second begins, as a share of the width.
    """

    photo: PhotoInput
    seam: float


def developed(name: str, pixels: Pixels, quality: int = JPEG_QUALITY) -> PhotoInput:
    """Pixels as a JPEG."""
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "JPEG", quality=quality)
    return PhotoInput(name, data.getvalue())


def side_by_side(left: LabelledPhoto, right: LabelledPhoto, decoder: ImageDecoder) -> Pair:
    """Two photos, brought to the lower one's height."""
    pictures: list[Picture] = [decoder.decode(photo.path.read_bytes()) for photo in (left, right)]
    height_px = min(picture.size_px[1] for picture in pictures)
    widths_px = [max(round(height_px * width / height), 1) for width, height in (p.size_px for p in pictures)]
    parts = [picture.view(WHOLE, px, height_px) for picture, px in zip(pictures, widths_px, strict=True)]
    return Pair(developed(f"{left.key}|{right.key}", np.hstack(parts)), widths_px[0] / sum(widths_px))


def beside(pixels: Pixels, boxes: tuple[Box, ...]) -> Strip | None:
    """The largest strip along an edge of a photo with no animal in it; None where it would be too narrow."""
    left = min((box.left for box in boxes), default=1.0) - _CLEAR
    top = min((box.top for box in boxes), default=1.0) - _CLEAR
    right = 1.0 - max((box.right for box in boxes), default=0.0) - _CLEAR
    bottom = 1.0 - max((box.bottom for box in boxes), default=0.0) - _CLEAR
    widest = max(left, top, right, bottom)
    if widest < LEAST_STRIP:
        return None
    height, width = pixels.shape[:2]
    if widest == left:
        return pixels[:, : int(left * width)]
    if widest == right:
        return pixels[:, -int(right * width) :]
    return pixels[: int(top * height)] if widest == top else pixels[-int(bottom * height) :]
