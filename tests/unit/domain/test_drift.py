"""Two samples of albums compared: what chance brings does not ring, what has changed does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sploot_media_clustering.domain.drift import FEATURE_STEP, Finding, Sample, Terms, compare, kernel_over
from sploot_media_clustering.errors import InputError

TERMS = Terms(error_rate=0.05, permutations=199)
KERNEL = kernel_over(np.random.default_rng(0).normal(size=(100, 4)), np.random.default_rng(1))


def sample(seed: int, albums: int = 20, *, moved: float = 0.0, shifted: float = 0.0) -> Sample:
    """Albums of some photos around a place each, and two figures; vectors may be moved, the first shifted."""
    rng = np.random.default_rng(seed)
    photos = [
        moved + rng.normal(size=4) + 0.5 * rng.normal(size=(rng.integers(1, 9), 4)) for _ in range(albums)
    ]
    figures = rng.normal([shifted, 0.0], size=(albums, 2))
    return Sample(("first", "second"), figures, {"photos": np.stack([KERNEL.mean(part) for part in photos])})


def found(before: Sample, now: Sample, terms: Terms = TERMS) -> dict[str, Finding]:
    return {one.name: one for one in compare(before, now, terms)}


def test_samples_of_one_kind_seldom_ring() -> None:
    """Not more often than was said, although three things are looked at: 3 of 60 are to be expected."""
    rings = [
        any(
            one.alarm
            for one in compare(sample(seed), sample(1000 + seed), replace(TERMS, least_shift=0, seed=seed))
        )
        for seed in range(60)
    ]
    assert sum(rings) <= 8


def test_vectors_elsewhere_ring() -> None:
    """While figures that stayed do not."""
    told = found(sample(1), sample(2, moved=1.5))
    assert told["photos"].alarm
    assert told["photos"].effect > 0.1
    assert not told["first"].alarm


def test_a_figure_that_shifted_rings_with_its_means_and_its_direction() -> None:
    """The effect is in standard deviations between albums."""
    told = found(sample(1, 40), sample(2, 40, shifted=-2.0))
    first = told["first"]
    assert first.alarm
    assert first.effect == pytest.approx(-2.0, abs=0.5)
    assert first.now is not None
    assert first.before is not None
    assert first.now < first.before
    assert not told["second"].alarm


def test_what_is_certain_and_small_does_not_ring() -> None:
    """However many albums say so."""
    told = found(sample(1, 600), sample(2, 600, shifted=0.35))
    assert told["first"].p <= TERMS.error_rate
    assert not told["first"].alarm


def test_albums_without_anything_to_tell_are_left_out() -> None:
    """As if they were not there; where none has anything, nothing is said."""
    before, now = sample(1), sample(2, moved=1.5)
    blind = now.features["photos"].copy()
    blind[::2] = 0.0
    figures = now.figures.copy()
    figures[:, 1] = np.nan
    told = found(before, Sample(now.names, figures, {"photos": blind}))
    half = Sample(now.names, now.figures[1::2], {"photos": now.features["photos"][1::2]})
    assert told["photos"].effect == pytest.approx(found(before, half)["photos"].effect)
    assert told["second"].effect == 0.0
    assert not told["second"].alarm


def test_the_size_of_an_album_does_not_matter() -> None:
    """Photos seen thrice say what they said once; a mean of features lies on its grid."""
    photos = np.random.default_rng(5).normal(size=(3, 4))
    features = KERNEL.mean(photos)
    np.testing.assert_array_equal(features, KERNEL.mean(np.repeat(photos, 3, axis=0)))
    np.testing.assert_array_equal(features, np.round(features / FEATURE_STEP) * FEATURE_STEP)
    assert not KERNEL.mean(photos[:0]).any()


def test_what_can_not_be_compared_is_refused() -> None:
    """Too few albums, or other figures."""
    with pytest.raises(InputError, match="at least 8 albums"):
        compare(sample(1, 20), sample(2, 7))
    other = replace(sample(2), names=("first", "third"))
    with pytest.raises(InputError, match="record the reference anew"):
        compare(sample(1), other)


def test_vectors_that_are_all_one_do_not_ring() -> None:
    """Nor does what never varies divide by nothing."""
    kernel = kernel_over(np.ones((20, 3)), np.random.default_rng(0))
    same = np.stack([kernel.mean(np.ones((2, 3)))] * 10)
    even = Sample(("first",), np.ones((10, 1)), {"photos": same})
    assert not any(one.alarm for one in compare(even, even, TERMS))
