"""Album state as bytes: nothing is lost, nothing damaged is taken for a state."""

from __future__ import annotations

import contextlib
import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies_album import Spec, albums, tree_model

from sploot_media_clustering.domain import arrivals, tree
from sploot_media_clustering.domain.tree import AlbumState
from sploot_media_clustering.errors import StateError
from sploot_media_clustering.services.state_codec import pack, unpack

MODEL = tree_model()


def state_of(spec: Spec) -> AlbumState:
    state = tree.empty(MODEL, expected_animals=(1, 3))
    for photo in spec.build():
        state, _ = arrivals.add(state, photo, MODEL)
    return dataclasses.replace(state, heroes={"subject-1": ("a.jpg",)})


def assert_identical(left: object, right: object) -> None:
    assert type(left) is type(right)
    if isinstance(left, np.ndarray) and isinstance(right, np.ndarray):
        assert left.dtype == right.dtype
        np.testing.assert_array_equal(left, right)
    elif dataclasses.is_dataclass(left):
        for field in dataclasses.fields(left):
            assert_identical(getattr(left, field.name), getattr(right, field.name))
    elif isinstance(left, tuple) and isinstance(right, tuple):
        assert len(left) == len(right)
        for a, b in zip(left, right, strict=True):
            assert_identical(a, b)
    else:
        assert left == right


@settings(max_examples=20)
@given(albums())
def test_a_state_comes_back_bit_by_bit(spec: Spec) -> None:
    """Packing and unpacking is the identity."""
    state = state_of(spec)
    assert_identical(unpack(pack(state)), state)


@settings(max_examples=60)
@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_damaged_state_is_refused_or_unharmed(place: int, flip: int) -> None:
    """A flipped bit never crashes: it is named, or it was in nothing that counts."""
    data = bytearray(pack(state_of(Spec(1, 6, 2, timed=True))))
    data[place % len(data)] ^= flip
    state = None
    with contextlib.suppress(StateError):
        state = unpack(bytes(data))
    assert state is None or isinstance(state, AlbumState)


def test_other_bytes_and_formats_are_named() -> None:
    """Each message says what came and what was expected."""
    data = pack(state_of(Spec(1, 3, 1, timed=False)))
    with pytest.raises(StateError, match="start with SPLA"):
        unpack(b"something else")
    with pytest.raises(StateError, match="format 9"):
        unpack(data[:4] + bytes([9]) + data[5:])
