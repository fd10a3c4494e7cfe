"""Does an ONNX file ask for other files? Its tensors may lie in them, and nothing has checked those.

ONNX is a protocol buffer (onnx.proto, in the ONNX repository): this walks through the messages in which
tensors can be, and reads nothing else of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sploot_media_clustering.errors import ModelPackageError

_INSIDE: Final[dict[str, dict[int, str]]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
"""Of each message, the fields with messages that lead to tensors."""

_EXTERNAL_DATA: Final = 13
_DATA_LOCATION: Final = 14
"""Fields of a tensor that is kept elsewhere."""
_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5
_SIZES: Final = {_EIGHT: 8, _FOUR: 4}
_MOST_DEPTH: Final = 64


def require_self_contained(data: bytes) -> None:
    """Refuse a network whose tensors lie in other files.

    Raises:
        ModelPackageError: they do, or it does not read as a protocol buffer.
    """
    try:
        outside = _leads_outside(memoryview(data), "model", 0)
    except (IndexError, KeyError, ValueError) as error:
        raise ModelPackageError("expected a network that ONNX Runtime can run, got no ONNX file") from error
    if outside:
        raise ModelPackageError(
            "expected a network with all its tensors inside the ONNX file, got one that keeps some in other "
            "files; save it in one"
        )


def _leads_outside(message: memoryview, kind: str, depth: int) -> bool:
    if depth > _MOST_DEPTH:
        raise ValueError(depth)
    for field, value in _fields(message):
        if kind == "tensor" and (field == _EXTERNAL_DATA or (field == _DATA_LOCATION and value != 0)):
            return True
        inner = _INSIDE[kind].get(field)
        if inner and isinstance(value, memoryview) and _leads_outside(value, inner, depth + 1):
            return True
    return False


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Number and value of each field."""
    place = 0
    while place < len(message):
        tag, place = _varint(message, place)
        field, wire = tag >> 3, tag & 7
        if wire == _VARINT:
            value, place = _varint(message, place)
            yield field, value
            continue
        size, place = _varint(message, place) if wire == _BYTES else (_SIZES[wire], place)
        if size > len(message) - place:
            raise ValueError(size)
        yield field, message[place : place + size]
        place += size


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[place]
        place += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:  # noqa: PLR2004 - the highest bit says that more follow
            return value, place
