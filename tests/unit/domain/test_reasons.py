"""Reasons: true, telling, and readable."""

from __future__ import annotations

import numpy as np
import pytest

from sploot_media_clustering.domain.hero import SCORED, HeroModel
from sploot_media_clustering.domain.reasons import PHRASES, reasons, sentence

MODEL = HeroModel(np.full(len(SCORED), 1 / len(SCORED)), np.full(len(SCORED), 0.5), 10.0)


def scored(**values: float) -> np.ndarray:
    return np.array([values.get(name, 0.5) for name in SCORED])


def test_every_signal_has_words() -> None:
    """And none has words that is no signal."""
    assert set(PHRASES) == set(SCORED)


def test_the_weightiest_comes_first_and_no_more_than_three() -> None:
    """A reader remembers no more."""
    row = scored(sharpness=1.0, eyes=0.95, facing=0.9, exposure=0.8)
    assert reasons(row, MODEL) == ("sharp", "eyes open", "facing the camera")


def test_only_what_is_true_is_said() -> None:
    """A blurred picture is not called sharp because others are worse."""
    blurred, worse = scored(sharpness=0.3), scored(sharpness=0.0)
    assert "sharp" not in reasons(blurred, MODEL, worse)


def test_only_what_tells_is_said() -> None:
    """Open eyes are no reason where everybody's are open."""
    row = scored(eyes=0.9, sharpness=0.9)
    assert reasons(row, MODEL, scored(eyes=0.9)) == ("sharp",)


def test_appeal_goes_last() -> None:
    """That people would pick it does not say why."""
    assert reasons(scored(appeal=1.0, sharpness=0.6), MODEL) == ("sharp", "the kind of picture people pick")


@pytest.mark.parametrize(
    ("why", "in_moment", "in_cluster", "text"),
    [
        (("sharp", "eyes open"), 4, 9, "Sharp, eyes open; the best of 4 from this moment."),
        (("sharp",), 1, 9, "Sharp."),
        ((), 3, 9, "The best of 3 from this moment."),
        ((), 1, 9, "The best of 9."),
        ((), 1, 1, "The only picture."),
    ],
)
def test_reasons_read_as_a_sentence(why: tuple[str, ...], in_moment: int, in_cluster: int, text: str) -> None:
    """With or without anything to say."""
    assert sentence(why, in_moment=in_moment, in_cluster=in_cluster) == text
