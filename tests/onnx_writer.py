"""A small ONNX network written by hand, as a protocol buffer, so that no test needs the package ``onnx``.

It multiplies planes of pictures [n, 3, s, s] by a weight and takes the mean over each plane.
"""

from __future__ import annotations

import struct

_FLOAT = 1
_INTS, _INT = 7, 2


def field(number: int, value: bytes | str | int) -> bytes:
    """One field: a number, or bytes with their length before them."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def varint(value: int) -> bytes:
    """A whole number, seven bits a byte."""
    parts = []
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])


def tensor(name: str, *values: float, outside: str = "") -> bytes:
    """A vector of floats; ``outside``, if told, is the file where it is said to lie."""
    head = field(1, len(values)) + field(2, _FLOAT) + field(8, name)
    if outside:
        return head + field(13, field(1, "location") + field(2, outside)) + field(14, 1)
    return head + field(9, struct.pack(f"<{len(values)}f", *values))


def value_info(name: str, *sizes: int | str) -> bytes:
    dims = b"".join(field(1, field(1, size) if isinstance(size, int) else field(2, size)) for size in sizes)
    return field(1, name) + field(2, field(1, field(1, _FLOAT) + field(2, dims)))


def node(operator: str, inputs: list[str], output: str, attributes: bytes = b"") -> bytes:
    return b"".join(field(1, name) for name in inputs) + field(2, output) + field(4, operator) + attributes


def attribute(name: str, kind: int, value: bytes) -> bytes:
    return field(5, field(1, name) + value + field(20, kind))


def mean_network(side_px: int, weight: float = 1.0, *, outside: str = "", batch: int | str = "n") -> bytes:
    """Means of red, green and blue, times the weight: an embedder of three numbers."""
    axes = attribute("axes", _INTS, field(8, 2) + field(8, 3)) + attribute("keepdims", _INT, field(3, 0))
    graph = (
        field(1, node("Mul", ["pixels", "weight"], "scaled"))
        + field(1, node("ReduceMean", ["scaled"], "features", axes))
        + field(2, "means")
        + field(5, tensor("weight", weight, outside=outside))
        + field(11, value_info("pixels", batch, 3, side_px, side_px))
        + field(12, value_info("features", batch, 3))
    )
    return field(1, 8) + field(7, graph) + field(8, field(1, "") + field(2, 17))
