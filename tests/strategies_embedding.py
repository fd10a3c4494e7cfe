"""Embeddings of photos, as Hypothesis draws them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from sploot_media_clustering.domain.album import Box, PhotoEmbedding, SightingEmbedding

MAX_DIMENSION = 6

beartype_draws = pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")
"""For tests that draw embeddings: beartype checks an element of a tuple at random; no value depends on it."""

_fractions = st.floats(0.0, 1.0)
_offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


def times() -> st.SearchStrategy[datetime | None]:
    """None, naive, and aware with any offset in use."""
    return st.none() | st.datetimes(timezones=st.none() | st.just(UTC) | _offsets)


def _arrays(dtype: type[np.floating], length: int) -> st.SearchStrategy[np.ndarray]:
    size_bytes = length * np.dtype(dtype).itemsize
    return st.binary(min_size=size_bytes, max_size=size_bytes).map(lambda data: np.frombuffer(data, dtype))


@st.composite
def photo_embeddings(draw: DrawFn) -> PhotoEmbedding:
    """Any photo, with any bits in its arrays: not-a-number and negative zero too."""
    dimension = draw(st.integers(1, MAX_DIMENSION))
    measures = draw(st.integers(0, 5))
    halves = _arrays(np.float16, dimension)
    sightings = st.builds(
        SightingEmbedding,
        box=st.builds(Box, _fractions, _fractions, _fractions, _fractions),
        species=_arrays(np.float32, 3),
        detector_score=_fractions,
        embedding=halves,
        pixels=_arrays(np.float32, measures),
    )
    return PhotoEmbedding(
        image_id=draw(_text),
        captured_at=draw(times()),
        width_px=draw(st.integers(1, 50_000)),
        height_px=draw(st.integers(1, 50_000)),
        embedding=draw(halves),
        sightings=tuple(draw(st.lists(sightings, max_size=2))),
        network_version=draw(_text),
    )


def same_bits(one: PhotoEmbedding, other: PhotoEmbedding) -> bool:
    """Equal in every field, arrays bit by bit, times with their offsets."""
    return _fields(one) == _fields(other)


def _fields(photo: PhotoEmbedding) -> tuple[object, ...]:
    taken = photo.captured_at
    return (
        photo.image_id,
        taken and (taken.isoformat(), taken.utcoffset()),
        photo.width_px,
        photo.height_px,
        _bits(photo.embedding),
        photo.network_version,
        *(
            (seen.box, seen.detector_score, _bits(seen.species), _bits(seen.embedding), _bits(seen.pixels))
            for seen in photo.sightings
        ),
    )


def _bits(array: np.ndarray) -> tuple[object, ...]:
    return (array.dtype, array.shape, array.tobytes())
