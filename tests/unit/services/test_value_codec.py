"""Values as bytes: what comes back is what went in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from sploot_media_clustering.errors import DamagedDataError
from sploot_media_clustering.services import value_codec


@dataclass(frozen=True, slots=True, eq=False)
class _Inner:
    numbers: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class _Outer:
    name: str
    parts: tuple[_Inner, ...]
    extra: _Inner | None = None


def test_an_optional_value_comes_back_as_it_was() -> None:
    """There, or not there."""
    inner = _Inner(np.array([1.0, 2.5], np.float32))
    for extra in (inner, None):
        found = value_codec.unpack(_Outer, value_codec.pack(_Outer("a", (inner,), extra)))
        assert found.parts[0].numbers.tolist() == [1.0, 2.5]
        assert (found.extra is None) == (extra is None)
    assert isinstance(value_codec.unpack(_Outer, value_codec.pack(_Outer("a", (), inner))).extra, _Inner)


def test_a_field_that_older_bytes_lack_takes_its_default() -> None:
    """So that a package made before stays readable."""

    @dataclass(frozen=True, slots=True)
    class _Older:
        name: str
        parts: tuple[int, ...]

    assert value_codec.unpack(_Outer, value_codec.pack(_Older("a", ()))).extra is None


def test_damage_is_told() -> None:
    """A byte that turned over is no value."""
    data = bytearray(value_codec.pack(_Outer("a", ())))
    data[-3] ^= 1
    with pytest.raises(DamagedDataError):
        value_codec.unpack(_Outer, bytes(data))
