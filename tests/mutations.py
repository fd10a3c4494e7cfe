"""Damaged picture files, made from a seed: what phones, networks and pranksters leave in a camera roll."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image
from pillow_heif import from_pillow

SIZE_PX = (160, 120)
"""Of the good pictures: large enough to be accepted, small enough to make hundreds of."""


@dataclass(frozen=True, slots=True)
class DamagedFile:
    """A file that should be refused, or at most read with a flaw.

    Attributes:
        name: unique, with the extension of a picture.
        kind: which damage, the name of one of the functions below.
        data: its bytes.
        refused: True where no decoder can make a picture of it; a flipped bit may go unseen.
    """

    name: str
    kind: str
    data: bytes
    refused: bool


def scene(rng: np.random.Generator, size_px: tuple[int, int] = SIZE_PX) -> Image.Image:
    """A smooth colourful picture that differs with every call."""
    blobs = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(blobs).resize(size_px, Image.Resampling.BICUBIC)


def encoded(image: Image.Image, extension: str, **options: object) -> bytes:
    """A picture as the bytes of a file."""
    buffer = io.BytesIO()
    if extension == "heic":
        from_pillow(image).save(buffer, **options)
    else:
        image.save(buffer, {"jpg": "JPEG", "tif": "TIFF"}.get(extension, extension.upper()), **options)
    return buffer.getvalue()


def good_files(seed: int) -> dict[str, bytes]:
    """A picture in each format, by extension; the JPEG carries EXIF."""
    rng = np.random.default_rng(seed)
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x0132] = "2024:05:01 12:00:00"
    files = {name: encoded(scene(rng), name) for name in ("png", "webp", "gif", "bmp", "tif", "heic", "avif")}
    return {"jpg": encoded(scene(rng), "jpg", quality=85, exif=exif.tobytes()), **files}


def damaged_files(count: int, seed: int) -> list[DamagedFile]:
    """Damaged files, every kind as often as every other.

    Args:
        count: how many.
        seed: the same seed gives the same files.

    Returns:
        Files with names that differ.
    """
    rng = np.random.default_rng(seed)
    good = good_files(seed)
    kinds: tuple[Callable[[np.random.Generator, str, bytes], bytes], ...] = (
        truncated,
        bit_flipped,
        renamed,
        bomb,
        zero_bytes,
        tiny,
        slightly_truncated,
        absurdly_long,
    )
    files = []
    for number in range(count):
        kind = kinds[number % len(kinds)]
        extension = list(good)[int(rng.integers(len(good)))]
        files.append(
            DamagedFile(
                name=f"{kind.__name__}_{number:03d}.{extension}",
                kind=kind.__name__,
                data=kind(rng, extension, good[extension]),
                refused=kind is not bit_flipped,
            )
        )
    return files


def truncated(rng: np.random.Generator, _extension: str, data: bytes) -> bytes:
    """An interrupted copy: the last half or more is missing."""
    return data[: int(rng.integers(16, len(data) // 2))]


def slightly_truncated(rng: np.random.Generator, _extension: str, data: bytes) -> bytes:
    """Only the end is missing, yet more than a trailer that no decoder needs."""
    return data[: -int(rng.integers(64, 128))]


def bit_flipped(rng: np.random.Generator, _extension: str, data: bytes) -> bytes:
    """A bad memory card: one to forty bits turned over."""
    flipped = bytearray(data)
    for at in rng.integers(0, len(data), int(rng.integers(1, 41))):
        flipped[int(at)] ^= 1 << int(rng.integers(8))
    return bytes(flipped)


def renamed(rng: np.random.Generator, _extension: str, _data: bytes) -> bytes:
    """Something else under the name of a picture."""
    others = (
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n",
        b"PK\x03\x04\x14\0\0\0\x08\0",
        b"<!DOCTYPE html><title>Sign in</title>",
        b"\0\0\0\x18ftypmp42\0\0\0\0isommp42",
        b"just a note about a cat\n",
        rng.bytes(64),
    )
    return others[int(rng.integers(len(others)))] + rng.bytes(200)


def zero_bytes(_rng: np.random.Generator, _extension: str, _data: bytes) -> bytes:
    """Nothing: a sync that never came."""
    return b""


def tiny(_rng: np.random.Generator, extension: str, _data: bytes) -> bytes:
    """A tracking pixel, padded by one where a format can't do less."""
    side = 2 if extension in {"heic", "avif"} else 1
    return encoded(Image.new("RGB", (side, side), "tan"), extension)


def bomb(rng: np.random.Generator, _extension: str, _data: bytes) -> bytes:
    """A few bytes that claim billions of pixels."""
    side = int(rng.integers(20_000, 30_000))
    makers = (png_claiming, gif_claiming, jpeg_claiming)
    return makers[int(rng.integers(len(makers)))](side, side)


def absurdly_long(rng: np.random.Generator, _extension: str, _data: bytes) -> bytes:
    """A strip: a screenshot of an endless page, or a prank."""
    return png_claiming(int(rng.integers(40_000, 60_000)), 40)


def png_claiming(width_px: int, height_px: int) -> bytes:
    """A PNG whose header claims a size, with valid checksums and nearly no data."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", width_px, height_px, 8, 2, 0, 0, 0)
    data = chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + data + chunk(b"IEND", b"")


def gif_claiming(width_px: int, height_px: int) -> bytes:
    """A GIF whose screen and frame claim a size."""
    small = bytearray(encoded(Image.new("P", (16, 16)), "gif"))
    small[6:10] = struct.pack("<HH", width_px, height_px)
    frame = small.index(b"\x2c")
    small[frame + 5 : frame + 9] = struct.pack("<HH", width_px, height_px)
    return bytes(small)


def jpeg_claiming(width_px: int, height_px: int) -> bytes:
    """A JPEG whose frame header claims a size."""
    small = bytearray(encoded(Image.new("RGB", (16, 16)), "jpg"))
    frame = small.index(b"\xff\xc0")
    small[frame + 5 : frame + 9] = struct.pack(">HH", height_px, width_px)
    return bytes(small)
