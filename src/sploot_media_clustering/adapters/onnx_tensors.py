"""What tensors and convolutions an ONNX file has. Tensors may lie in other files, which nothing has checked.

ONNX is a protocol buffer (onnx.proto, in the ONNX repository): this walks through the messages in which
tensors can be, and reads nothing else of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
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

_DATA_TYPE: Final = 2
_FLOAT16: Final = 10
_EXTERNAL_DATA: Final = 13
_DATA_LOCATION: Final = 14
"""Fields of a tensor that is kept elsewhere."""
_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5
_SIZES: Final = {_EIGHT: 8, _FOUR: 4}
_MOST_DEPTH: Final = 64


_GRAPH: Final = 7
_NODE: Final = 1
_OPERATOR: Final = 4
"""Fields of a model, of its graph, and of a node."""

_IsSuch = Callable[[int, int | memoryview], bool]
"""Whether a field of a tensor, by number and value, is what is looked for."""


def require_self_contained(data: bytes) -> None:
    """Refuse a network whose tensors lie in other files.

    Raises:
        ModelPackageError: they do, or it does not read as a protocol buffer.
    """
    if _any_tensor(data, _lies_outside):
        raise ModelPackageError(
            "expected a network with all its tensors inside the ONNX file, got one that keeps some in other "
            "files; save it in one"
        )


def has_half_precision(data: bytes) -> bool:
    """Whether a network has tensors of 16-bit floats.

    Raises:
        ModelPackageError: it does not read as a protocol buffer.
    """
    return _any_tensor(data, lambda field, value: (field, value) == (_DATA_TYPE, _FLOAT16))


def convolutions(data: bytes) -> int:
    """How many convolutions a network has, those inside conditions and loops apart.

    Args:
        data: of an ONNX file that was found to read as one.
    """
    graphs = (value for field, value in _fields(memoryview(data)) if field == _GRAPH)
    nodes = (
        value
        for graph in graphs
        if isinstance(graph, memoryview)
        for field, value in _fields(graph)
        if field == _NODE and isinstance(value, memoryview)
    )
    named = (value for node in nodes for field, value in _fields(node) if field == _OPERATOR)
    return sum(isinstance(name, memoryview) and bytes(name) == b"Conv" for name in named)


def _lies_outside(field: int, value: int | memoryview) -> bool:
    return field == _EXTERNAL_DATA or (field == _DATA_LOCATION and value != 0)


def _any_tensor(data: bytes, is_such: _IsSuch) -> bool:
    try:
        return _found(memoryview(data), "model", 0, is_such)
    except (IndexError, KeyError, ValueError) as error:
        raise ModelPackageError("expected a network that ONNX Runtime can run, got no ONNX file") from error


def _found(message: memoryview, kind: str, depth: int, is_such: _IsSuch) -> bool:
    if depth > _MOST_DEPTH:
        raise ValueError(depth)
    for field, value in _fields(message):
        if kind == "tensor" and is_such(field, value):
            return True
        inner = _INSIDE[kind].get(field)
        if inner and isinstance(value, memoryview) and _found(value, inner, depth + 1, is_such):
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
