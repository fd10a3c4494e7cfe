"""Reading JSON of others as a struct, by JSON Schema's idea of a number: 2.0 is an integer."""

from __future__ import annotations

from typing import Any, Final, TypeVar

import msgspec

T = TypeVar("T")


def read_json(body: bytes, kind: type[T]) -> T:
    """A struct of JSON. Where it is none as it stands, its numbers without a fraction are read as integers.

    Raises:
        msgspec.DecodeError: it is none; or what else msgspec raises.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError:
        try:
            return msgspec.convert(_WHOLE.decode(body), kind)
        except msgspec.ValidationError:
            pass
        raise


def _number(text: str) -> int | float:
    value = float(text)
    return int(value) if value.is_integer() else value


_WHOLE: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(float_hook=_number)
