"""Moments: one occasion, however its photos came in."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sploot_media_clustering.domain.grid import WEIGHT_STEP
from sploot_media_clustering.domain.moments import (
    SAME_PICTURE,
    MomentModel,
    copies,
    evidence_weights,
    join,
    linked,
    moments,
    wall_clock_s,
)

MODEL = MomentModel(gap_s=300.0, timed_cosine=0.5, untimed_cosine=0.95, tempering=0.5)


def unit(*values: float) -> np.ndarray:
    vector = np.array(values, np.float32)
    return vector / np.linalg.norm(vector)


def same_partition(left: np.ndarray, right: np.ndarray) -> bool:
    return bool(((left[:, None] == left) == (right[:, None] == right)).all())


def test_a_burst_is_one_moment_and_the_same_sofa_next_week_another() -> None:
    """Near in time and alike; alike alone does not do when both tell their time."""
    scenes = np.stack([unit(1, 0), unit(1, 0.1), unit(1, 0)])
    times = np.array([0.0, 40.0, 7 * 86400.0])
    assert moments(scenes, times, MODEL).tolist() == [0, 0, 1]


def test_a_chain_of_short_gaps_is_one_moment() -> None:
    """Neighbours decide, not the ends."""
    scenes = np.stack([unit(1, 0)] * 4)
    assert moments(scenes, np.array([0.0, 250.0, 500.0, 750.0]), MODEL).tolist() == [0, 0, 0, 0]


def test_without_a_time_only_near_duplicates_share_a_moment() -> None:
    """The scene alone has to say it."""
    scenes = np.stack([unit(1, 0), unit(1, 0.05), unit(1, 0.6)])
    times = np.array([np.nan, 10.0, np.nan])
    assert moments(scenes, times, MODEL).tolist() == [0, 0, 1]


def test_the_larger_the_album_the_more_alike_photos_without_a_time_must_be() -> None:
    """Chance likenesses grow with it; a copy is of the occasion of its picture in any album."""
    model = MomentModel(300.0, 0.5, 0.85, 0.5, untimed_rise=0.02)
    assert [model.untimed_cosine_among(photos) for photos in (1, 2, 3, 5)] == pytest.approx(
        [0.85, 0.85, 0.87, 0.89]
    )
    assert model.untimed_cosine_among(100_000) == SAME_PICTURE
    pair = np.stack([unit(1, 0), unit(1, 0.6)])
    unknown = np.full(2, np.nan)
    assert moments(pair, unknown, model).tolist() == [0, 0]
    assert moments(pair, unknown, model, album=9).tolist() == [0, 1]


@given(st.integers(0, 2**31 - 1), st.integers(1, 12))
def test_joining_one_by_one_gives_the_moments_of_all_at_once(seed: int, size: int) -> None:
    """A photo that links two moments makes them one."""
    rng = np.random.default_rng(seed)
    scenes = np.stack([unit(*rng.normal(size=2)) for _ in range(size)])
    times = np.where(rng.random(size) < 0.3, np.nan, rng.uniform(0, 1500, size))
    grown = np.zeros(0, np.int64)
    for i in range(size):
        grown = join(grown, linked(scenes[:i], times[:i], scenes[i], float(times[i]), MODEL, album=i + 1))
    assert same_partition(grown, moments(scenes, times, MODEL))


def test_photos_of_a_moment_share_evidence() -> None:
    """Four of one moment are worth two, one alone is worth one."""
    scenes = np.stack([unit(np.cos(turn), np.sin(turn)) for turn in (0.0, 0.4, 0.8, 1.2, 0.0)])
    labels = np.array([0, 0, 0, 0, 1])
    weights = evidence_weights(labels, copies(labels, scenes), MODEL)
    assert weights.tolist() == [0.5, 0.5, 0.5, 0.5, 1.0]


def test_copies_are_together_worth_one_picture() -> None:
    """One of two pictures of a moment is there three times; in another moment it is another photo."""
    scenes = np.stack([unit(1.0, 0.0), unit(1.0, 0.01), unit(1.0, 0.0), unit(1.0, 0.5), unit(1.0, 0.0)])
    labels = np.array([0, 0, 0, 0, 1])
    copied = copies(labels, scenes)
    assert copied.tolist() == [3, 3, 3, 1, 1]
    weights = evidence_weights(labels, copied, MODEL)
    alone = 2**-MODEL.tempering
    assert weights == pytest.approx([alone / 3] * 3 + [alone, 1.0], abs=WEIGHT_STEP)


def test_wall_clock_ignores_the_offset() -> None:
    """Noon is noon, so a camera that gains an offset in an update still agrees with itself."""
    noon = datetime(2024, 5, 1, 12)
    assert wall_clock_s(noon) == wall_clock_s(noon.replace(tzinfo=timezone(timedelta(hours=9))))
    assert np.isnan(wall_clock_s(None))
