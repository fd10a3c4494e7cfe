"""Values as bytes: what comes back is what went in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import zstandard

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


@pytest.mark.parametrize(
    ("numbers", "bytes_each"),
    [
        (np.arange(-500, 500) % 200 / 8 - 10.0, 1),
        (np.arange(1000) % 129 / np.float32(128), 1),
        (np.arange(1000, dtype=np.int64) % 100, 1),
        (np.arange(1000) / 1024, 2),
        (np.geomspace(1e-3, 1e3, 1000).astype(np.float16).astype(np.float32), 2),
        (np.arange(1000) * 2.0**-16 + 100, 4),
        (np.random.default_rng(0).random(1000, np.float32), 4),
        (np.random.default_rng(0).random(1000), 8),
        (np.array([np.nan, np.inf, -np.inf, 0.0, 1.5] * 200), 2),
        (np.array([5e-324, 1.7e308] * 500), 8),
        (np.zeros(1000), 1),
    ],
)
def test_numbers_come_back_exactly_from_the_fewest_bytes_that_do(
    numbers: np.ndarray, bytes_each: int
) -> None:
    """Whatever lies on a grid is whole numbers; what does not is halved where that is exact, or stays."""
    packed = value_codec.pack(numbers)
    size = len(value_codec.decompressed(packed, max_bytes=1 << 20))
    assert bytes_each * 1000 < size < bytes_each * 1000 + 50
    found = value_codec.unpack(np.ndarray, packed)
    assert found.dtype == numbers.dtype
    np.testing.assert_array_equal(found, numbers)


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


@dataclass(frozen=True, slots=True)
class _Loose:
    """Packed, it has whatever a field of :class:`_Outer` should not have."""

    name: object = "a"
    parts: object = ()
    extra: object = None


@pytest.mark.parametrize(
    "foreign",
    [
        [1, 2],
        "text",
        np.zeros(3),
        _Loose(parts=7),
        _Loose(parts="ab"),
        _Loose(parts=(3,)),
        _Loose(parts=np.zeros(3)),
        _Loose(name=np.zeros(3)),
        _Loose(parts=({"numbers": [1.0, 2.0]},)),
        _Loose(parts=({"numbers": None},)),
        _Loose(parts=({"numbers": np.array(["text"])},)),
        {1: 2},
    ],
)
def test_other_values_are_told(foreign: object) -> None:
    """Bytes from elsewhere that read well, but hold something else, are refused in our own words."""
    with pytest.raises(DamagedDataError, match="expected a packed _Outer"):
        value_codec.unpack(_Outer, value_codec.pack(foreign))


def test_endless_nesting_is_told() -> None:
    """Lists in lists in lists: no value of ours, and no end of the process."""
    with pytest.raises(DamagedDataError):
        value_codec.unpack(_Outer, zstandard.compress(b"\x91" * 100_000 + b"\xc0"))


def test_a_frame_that_claims_too_much_is_not_unpacked() -> None:
    """A few bytes can claim to hold gigabytes; the claim is read before any memory is taken."""
    frame = zstandard.compress(bytes(1001))
    with pytest.raises(ValueError, match="1,001 bytes claimed, 1,000 is the most"):
        value_codec.decompressed(frame, max_bytes=1000)
    assert value_codec.decompressed(frame, max_bytes=1001) == bytes(1001)
    streamed = zstandard.ZstdCompressor(write_content_size=False).compress(bytes(10))
    with pytest.raises(ValueError, match="claimed"):
        value_codec.decompressed(streamed, max_bytes=1000)


def test_no_album_takes_all_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit holds for values, too."""
    data = value_codec.pack(_Outer("a" * 1000, ()))
    monkeypatch.setattr(value_codec, "_MAX_BYTES", 1000)
    with pytest.raises(DamagedDataError, match="bytes claimed"):
        value_codec.unpack(_Outer, data)
