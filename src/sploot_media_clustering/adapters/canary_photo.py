"""The canary as a photo like any other."""

from __future__ import annotations

import io
from typing import Final

from PIL import Image

from sploot_media_clustering.services.canary import canary_picture

_SIDE_PX: Final = 480


def canary_photo() -> bytes:
    """A PNG of the canary, which goes the way of every photo: decoder, detector, embedder."""
    out = io.BytesIO()
    Image.fromarray(canary_picture(_SIDE_PX)).save(out, "PNG")
    return out.getvalue()
