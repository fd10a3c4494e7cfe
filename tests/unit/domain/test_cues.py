"""What heads read beside the embedding."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sploot_media_clustering.domain.album import WHOLE, Box
from sploot_media_clustering.domain.cues import CONTEXT_CUES, bounded_source_px, cues, edge_gaps
from sploot_media_clustering.domain.quality import PIXEL_MEASURES

PIXELS = np.array([-3.0, 2.0, -5.0, 0.5, 0.2, 0.01, 0.02, 0.1, 300.0], np.float32)
FRACTION = st.floats(0, 1, width=32)


def context(box: Box, pixels: np.ndarray = PIXELS) -> np.ndarray:
    return cues(np.ones(4, np.float32), box, 0.9, pixels)[4:]


def test_the_feature_vector_comes_first() -> None:
    """Heads may split it off."""
    x = np.arange(6, dtype=np.float32)
    read = cues(x, WHOLE, 0.5, PIXELS)
    assert (read[:6] == x).all()
    assert len(read) == 6 + CONTEXT_CUES


@given(FRACTION, FRACTION, FRACTION, FRACTION)
def test_a_mirror_image_has_the_same_cues(a: float, b: float, c: float, d: float) -> None:
    """Left and right mean nothing."""
    left, right = sorted((a, b))
    top, bottom = sorted((c, d))
    box = Box(left, top, right, bottom)
    assert context(Box(1 - right, top, 1 - left, bottom)) == pytest.approx(context(box), abs=1e-5)


@given(FRACTION, FRACTION, st.floats(1, 1e5))
def test_cues_of_box_and_size_are_bounded(a: float, b: float, source_px: float) -> None:
    """An absurd box or size can't push a head out of measure."""
    pixels = PIXELS.copy()
    pixels[PIXEL_MEASURES.index("source_px")] = source_px
    found = context(Box(min(a, b), 0.5, max(a, b), 0.5), pixels)
    assert np.isfinite(found).all()
    assert np.abs(found).max() < 10


def test_a_gap_is_wide_enough_from_a_tenth_on() -> None:
    """More room than that is no better."""
    assert edge_gaps(Box(0.05, 0.3, 0.9, 1.0)) == pytest.approx((0.5, 1.0, 1.0, 0.0))


def test_size_matters_between_a_thumbnail_and_a_screen() -> None:
    """4 000 pixels are no better than 512."""
    assert bounded_source_px(4000.0) == bounded_source_px(512.0) > bounded_source_px(200.0)
