"""Small ICC colour profiles (ICC.1:2001, matrix and gamma), as cameras and phones embed them."""

from __future__ import annotations

import struct

_WHITE_D50 = (0.9642, 1.0, 0.8249)
_HEADER_BYTES = 128

SRGB_PRIMARIES = ((0.4360, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141))
DISPLAY_P3_PRIMARIES = ((0.5151, 0.2412, -0.0011), (0.2920, 0.6922, 0.0419), (0.1571, 0.0666, 0.7841))
ADOBE_RGB_PRIMARIES = ((0.6097, 0.3111, 0.0195), (0.2053, 0.6257, 0.0609), (0.1492, 0.0632, 0.7446))
"""Red, green and blue, as XYZ adapted to D50."""


def matrix_profile(primaries: tuple[tuple[float, ...], ...], gamma: float = 2.2) -> bytes:
    """An RGB display profile of three primaries and one gamma."""
    curve = b"curv" + struct.pack(">IIH", 0, 1, round(gamma * 256))
    tags = {
        b"desc": _description("test profile"),
        b"cprt": b"text\0\0\0\0public domain\0",
        b"wtpt": _xyz(_WHITE_D50),
        **dict(zip((b"rXYZ", b"gXYZ", b"bXYZ"), map(_xyz, primaries), strict=True)),
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve),
    }
    table, body = b"", b""
    start = _HEADER_BYTES + 4 + 12 * len(tags)
    for name, content in tags.items():
        table += name + struct.pack(">II", start + len(body), len(content))
        body += content + b"\0" * (-len(content) % 4)
    tail = struct.pack(">I", len(tags)) + table + body
    return _header(_HEADER_BYTES + len(tail)) + tail


def _header(size_bytes: int) -> bytes:
    kinds = struct.pack(">I4s4s4s", 0x02400000, b"mntr", b"RGB ", b"XYZ ")
    start = struct.pack(">I4s", size_bytes, b"") + kinds + bytes(12) + b"acsp" + bytes(28)
    return (start + _numbers(_WHITE_D50)).ljust(_HEADER_BYTES, b"\0")


def _description(text: str) -> bytes:
    ascii_text = text.encode("ascii") + b"\0"
    return b"desc\0\0\0\0" + struct.pack(">I", len(ascii_text)) + ascii_text + bytes(78)


def _xyz(values: tuple[float, ...]) -> bytes:
    return b"XYZ \0\0\0\0" + _numbers(values)


def _numbers(values: tuple[float, ...]) -> bytes:
    """The format's fixed-point numbers: 16 bits before the point, 16 behind."""
    return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))
