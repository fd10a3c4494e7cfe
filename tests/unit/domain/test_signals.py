"""Signals: bounded, and each rises with what it stands for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from rated_albums import sharp

from sploot_media_clustering.domain.album import WHOLE, Box
from sploot_media_clustering.domain.attributes import ATTRIBUTES, PRESENT, column
from sploot_media_clustering.domain.quality import PIXEL_MEASURES
from sploot_media_clustering.domain.signals import (
    HALF_LIFE_S,
    SCALED,
    SIGNALS,
    UNKNOWN,
    Seen,
    SignalScale,
    recency,
    signals,
    typicality,
)

SCALE = SignalScale(
    low=np.array([-4.0, 1.0, 0.05, 0.2, -1.0, -2.0]), high=np.array([-2.0, 3.0, 0.35, 0.9, 1.0, 2.0])
)


def seen(**probabilities: float) -> Seen:
    """A picture of average make; flaws and companions by name, others as ``group__value``."""
    attributes = np.zeros(len(ATTRIBUTES), np.float32)
    for name, probability in probabilities.items():
        group, _, value = name.partition("__")
        attributes[column(group, value or PRESENT)] = probability
    return Seen(Box(0.2, 0.2, 0.7, 0.8), 0.8, sharp(0.5), 1.0, attributes, 0.0)


def found(picture: Seen) -> dict[str, float]:
    return dict(zip(SIGNALS, signals(picture, SCALE).tolist(), strict=True))


def with_pixels(picture: Seen, **values: float) -> Seen:
    pixels = picture.pixels.copy()
    for name, value in values.items():
        pixels[PIXEL_MEASURES.index(name)] = value
    return replace(picture, pixels=pixels)


@pytest.mark.parametrize(
    ("signal", "worse", "better"),
    [
        ("sharpness", with_pixels(seen(), detail=-3.5), with_pixels(seen(), detail=-2.5)),
        ("sharpness", with_pixels(seen(), acuity=1.2), with_pixels(seen(), acuity=2.5)),
        ("sharpness", seen(blur=0.9), seen(blur=0.1)),
        ("exposure", with_pixels(seen(), brightness=0.2), with_pixels(seen(), brightness=0.45)),
        ("exposure", with_pixels(seen(), contrast=0.1), with_pixels(seen(), contrast=0.2)),
        ("exposure", seen(dark=0.9), seen(dark=0.1)),
        ("exposure", seen(bright=0.9), seen(bright=0.1)),
        ("resolution", with_pixels(seen(), source_px=150.0), with_pixels(seen(), source_px=350.0)),
        ("resolution", seen(lowres=0.9), seen(lowres=0.1)),
        ("size", replace(seen(), box=Box(0.4, 0.4, 0.6, 0.7)), seen()),
        ("framing", replace(seen(), box=Box(0.0, 0.2, 0.7, 0.8)), seen()),
        ("framing", seen(cut=0.9), seen(cut=0.1)),
        ("facing", seen(view__three_quarter=1.0), seen(view__front=1.0)),
        ("facing", seen(view__back=1.0), seen(view__three_quarter=1.0)),
        ("eyes", seen(eyes__closed=1.0), seen(eyes__open=1.0)),
        ("unobstructed", seen(occluded=0.9), seen(occluded=0.1)),
        ("unmarked", seen(text=0.9), seen(text=0.1)),
        ("unmarked", seen(edited=0.9), seen(edited=0.1)),
        ("alone", seen(person=0.9), seen(person=0.1)),
        ("alone", seen(animal=0.9), seen(animal=0.1)),
        ("distinct", replace(seen(), detector_score=0.4), seen()),
        ("plainness", replace(seen(), norm=2.0), seen()),
        ("appeal", replace(seen(), appeal=-1.0), seen()),
    ],
)
def test_a_signal_rises_with_what_it_stands_for(signal: str, worse: Seen, better: Seen) -> None:
    """And no other reason is needed."""
    assert found(worse)[signal] < found(better)[signal]


@given(
    arrays(np.float32, len(PIXEL_MEASURES), elements=st.floats(-100, 5000, width=32)),
    arrays(np.float32, len(ATTRIBUTES), elements=st.floats(0, 1, width=32)),
    st.floats(-50, 50),
    st.floats(0, 1e4),
)
def test_signals_stay_between_0_and_1(
    pixels: np.ndarray, attributes: np.ndarray, appeal: float, norm: float
) -> None:
    """Whatever was measured."""
    values = signals(Seen(WHOLE, 1.0, pixels, norm, attributes, appeal), SCALE)
    assert ((values >= 0) & (values <= 1)).all()


def test_a_measure_that_never_varied_says_nothing() -> None:
    """Its range is empty."""
    flat = SignalScale(np.zeros(len(SCALED)), np.zeros(len(SCALED)))
    assert flat.fraction("appeal", 3.0) == UNKNOWN


def test_the_odd_one_out_is_the_least_typical() -> None:
    """And one at the usual distance has 0.5."""
    vectors = np.array([[0.0, 0], [1, 0], [0, 1], [9, 9]])
    values = typicality(vectors)
    assert values.argmin() == 3
    assert values[3] < 0.5 < values[0]
    square = np.array([[0.0, 0], [1, 0], [0, 1], [1, 1]])
    assert typicality(square) == pytest.approx(np.full(4, 0.5))


@pytest.mark.parametrize("size", [0, 1, 2])
def test_few_pictures_are_neither_typical_nor_odd(size: int) -> None:
    """Two are equally far from each other; equal ones too have no odd one."""
    assert typicality(np.random.default_rng(0).normal(size=(size, 3))) == pytest.approx(np.full(size, 0.5))
    assert typicality(np.ones((size, 3))) == pytest.approx(np.full(size, 0.5))


def test_recency_halves_by_the_year_and_does_not_guess() -> None:
    """Of the newest 1, of one a year older 0.5, of one without a time 0.5."""
    assert recency(np.array([0.0, HALF_LIFE_S, np.nan])) == pytest.approx([0.5, 1.0, UNKNOWN])
    assert recency(np.array([np.nan, np.nan])) == pytest.approx([UNKNOWN, UNKNOWN])
