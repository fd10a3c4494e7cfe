from __future__ import annotations

import pytest
from mutations import good_files
from PIL.AvifImagePlugin import AvifImageFile
from pillow_heif import HeifImageFile

from sploot_media_clustering.adapters.image_formats import opener_of
from sploot_media_clustering.errors import NotAnImageError

FORMATS = {
    "jpg": "JPEG",
    "png": "PNG",
    "webp": "WEBP",
    "gif": "GIF",
    "bmp": "BMP",
    "tif": "TIFF",
    "heic": "HEIF",
    "avif": "AVIF",
}


def test_every_format_is_told_by_its_first_bytes() -> None:
    """Of all formats that we read, each has its own plugin."""
    assert {name: opener_of(data).format for name, data in good_files(seed=1).items()} == FORMATS


@pytest.mark.parametrize(
    ("compatible", "plugin"), [(b"mif1avifmiaf", AvifImageFile), (b"mif1heicmiaf", HeifImageFile)]
)
def test_a_brand_that_says_only_image_leaves_the_word_to_the_codecs(compatible: bytes, plugin: type) -> None:
    """A file of major brand mif1 is opened by what its compatible brands name."""
    assert opener_of(b"\0\0\0\x1cftypmif1\0\0\0\0" + compatible + b"rest") is plugin


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"%PDF-1.7", "a PDF document"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0isom", "an MP4 or QuickTime video"),
        (b"<!DOCTYPE html>", "an HTML page"),
        (b"RIFF\0\0\0\0AVI LIST", "a RIFF audio or video"),
        (b"hello", "68 65 6c 6c 6f"),
        (b"\xff", "ff"),
    ],
)
def test_a_stranger_is_named(data: bytes, told: str) -> None:
    """What is no image is refused with what it seems to be, so that its owner understands."""
    with pytest.raises(NotAnImageError, match="expected a JPEG, PNG") as caught:
        opener_of(data)
    assert told in str(caught.value)
