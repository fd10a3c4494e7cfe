"""Any pixel format to 8-bit RGB, and colour profiles to sRGB."""

from __future__ import annotations

import io
import logging
from typing import Final

import numpy as np
from PIL import Image, ImageCms

from sploot_media_clustering.errors import NotAnImageError

_log = logging.getLogger(__name__)

BACKGROUND_RGB: Final = (127, 127, 127)
"""Shown through transparent pixels: mid-grey, nearest to "nothing" for networks centred on it."""

_16_BIT_STEP: Final = 257
"""65535 / 255: what one 8-bit level is worth in 16 bits."""

_SAME_COLOUR_LEVELS: Final = 3
"""A profile whose colours differ from sRGB by no more than this is sRGB: copies of it differ in rounding."""
_PROBE_LEVELS: Final = (0, 64, 128, 192, 255)


def to_reducible(image: Image.Image) -> Image.Image:
    """A loaded image in a mode that can be averaged over pixels: 8 bits a channel, no palette.

    Args:
        image: in any mode that Pillow's readers give.

    Returns:
        In mode L, LA, RGB, RGBA, CMYK or another 8-bit mode; 16 bits are scaled, not clipped.

    Raises:
        NotAnImageError: 32-bit integers or floats, whose range is not known: data, not a photo.
    """
    if image.mode in {"I", "F"}:
        raise NotAnImageError(
            f"expected 8 or 16 bits a channel, got 32-bit data (mode {image.mode}); save it as an 8-bit image"
        )
    if image.mode.startswith("I;16"):
        levels = (np.asarray(image).astype(np.uint32) + _16_BIT_STEP // 2) // _16_BIT_STEP
        return Image.fromarray(levels.astype(np.uint8))
    if image.mode in {"P", "PA"} or "transparency" in image.info:
        return image.convert("RGBA" if image.has_transparency_data else "RGB")
    return image.convert("L") if image.mode == "1" else image


def to_rgb(image: Image.Image) -> Image.Image:
    """An image of :func:`to_reducible` in RGB, transparent parts on :data:`BACKGROUND_RGB`."""
    if image.mode == "RGB":
        return image
    if not image.has_transparency_data:
        return image.convert("RGB")
    layer = image.convert("RGBA")
    flat = Image.new("RGB", image.size, BACKGROUND_RGB)
    flat.paste(layer, mask=layer.getchannel("A"))
    return flat


def srgb_transform(profile: bytes) -> ImageCms.ImageCmsTransform | None:
    """What turns RGB pixels of an embedded ICC profile into sRGB.

    Args:
        profile: an ICC profile as embedded in an image.

    Returns:
        A transform for 8-bit RGB images, or None where there is nothing to do: the profile is sRGB, not of
        an RGB space, or damaged.
    """
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if source.profile.xcolor_space.strip() != "RGB":
            return None
        transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), "RGB", "RGB")
    except (OSError, ImageCms.PyCMSError) as error:
        _log.debug("colour profile ignored, it is damaged: %s", error)
        return None
    return None if _changes_nothing(transform) else transform


def _changes_nothing(transform: ImageCms.ImageCmsTransform) -> bool:
    colours = np.stack(np.meshgrid(*[_PROBE_LEVELS] * 3), axis=-1).astype(np.uint8).reshape(1, -1, 3)
    probe = Image.fromarray(colours)
    changed = np.asarray(ImageCms.applyTransform(probe, transform)).astype(int)
    return int(np.abs(changed - colours).max()) <= _SAME_COLOUR_LEVELS
