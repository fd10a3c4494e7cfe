"""Which image format bytes are, told by their first bytes and never by a file's name.

Plugins are called directly and not through ``Image.open``, which would print its own decompression-bomb
warning, and would need the HEIF plugin registered for the whole process.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Final

from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile
from pillow_heif import HeifImageFile

from sploot_media_clustering.errors import NotAnImageError

Opener = Callable[[io.BytesIO], ImageFile]

_SIGNATURES: Final[tuple[tuple[bytes, Opener], ...]] = (
    (b"\xff\xd8\xff", JpegImageFile),
    (b"\x89PNG\r\n\x1a\n", PngImageFile),
    (b"GIF87a", GifImageFile),
    (b"GIF89a", GifImageFile),
    (b"BM", BmpImageFile),
    (b"II*\0", TiffImageFile),
    (b"MM\0*", TiffImageFile),
)
_BRANDS: Final[dict[bytes, Opener]] = {
    **dict.fromkeys((b"avif", b"avis"), AvifImageFile),
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"), HeifImageFile),
    **dict.fromkeys((b"mif1", b"msf1"), HeifImageFile),
}
"""Brands of ISO base media files (ISO/IEC 23008-12, annex B); mif1 and msf1 say only "an image inside"."""

_STRANGERS: Final[tuple[tuple[bytes, str], ...]] = (
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"<!DOCTYPE", "an HTML page"),
    (b"<!doctype", "an HTML page"),
    (b"<html", "an HTML page"),
    (b"<svg", "an SVG drawing"),
    (b"<?xml", "an XML document"),
    (b"\x00\x05\x16\x07", "a macOS metadata file"),
    (b"\x1aE\xdf\xa3", "a Matroska or WebM video"),
    (b"RIFF", "a RIFF audio or video"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL image"),
    (b"\xff\x0a", "a JPEG XL image"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 image"),
)
_SHOWN_BYTES: Final = 8


def opener_of(data: bytes) -> Opener:
    """The plugin class that reads these bytes.

    Args:
        data: a whole file.

    Returns:
        What opens the file's header from a binary stream.

    Raises:
        NotAnImageError: they are of no format that we read; the message says what they seem to be.
    """
    for signature, opener in _SIGNATURES:
        if data.startswith(signature):
            return opener
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return WebPImageFile
    for brand in _media_brands(data):
        if brand in _BRANDS:
            return _BRANDS[brand]
    raise NotAnImageError(
        "expected a JPEG, PNG, WebP, HEIC, AVIF, GIF, BMP or TIFF image, "
        f"got {_described(data)}; convert it, or leave it out"
    )


def _media_brands(data: bytes) -> list[bytes]:
    """Brands of an ISO base media file, the ones that name a codec first; empty for other files."""
    if data[4:8] != b"ftyp":
        return []
    end = min(int.from_bytes(data[:4], "big"), len(data))
    brands = [data[8:12], *(data[at : at + 4] for at in range(16, end - 3, 4))]
    return sorted(brands, key=lambda brand: brand in {b"mif1", b"msf1"})


def _described(data: bytes) -> str:
    for signature, name in _STRANGERS:
        if data.startswith(signature):
            return name
    if data[4:8] == b"ftyp":
        return "an MP4 or QuickTime video"
    return f"unknown bytes that start with {data[:_SHOWN_BYTES].hex(' ')}"
