"""Heroes: scores, contributions, and the ranking of a cluster."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sploot_media_clustering.domain.hero import (
    CLEARLY_BETTER,
    SCORED,
    AppealHead,
    Candidate,
    HeroModel,
    rank,
    scored_signals,
)

SIZE = len(SCORED)


def model(**weights: float) -> HeroModel:
    """Some signals weigh as told, the others nothing."""
    weight = np.array([weights.get(name, 0.0) for name in SCORED])
    return HeroModel(weight / weight.sum(), np.full(SIZE, 0.5), 10.0)


def scored(**values: float) -> np.ndarray:
    return np.array([values.get(name, 0.5) for name in SCORED])


@st.composite
def clusters(draw: st.DrawFn) -> list[Candidate]:
    """A few photos in fewer moments, with ties, pins and vetoes."""
    size = draw(st.integers(0, 9))
    score = st.sampled_from([0.1, 0.4, 0.42, 0.5, 0.9])
    return [
        Candidate(
            f"{i}.jpg",
            draw(st.integers(0, 5)),
            draw(score),
            pinned=draw(st.integers(0, 5)) == 0,
            vetoed=draw(st.integers(0, 5)) == 0,
        )
        for i in range(size)
    ]


def test_a_score_is_a_weighted_mean() -> None:
    """Of the signals, for one picture and for many."""
    half = model(sharpness=1.0, eyes=3.0)
    rows = np.stack([scored(sharpness=1.0, eyes=0.0), scored(sharpness=0.0, eyes=1.0)])
    assert half.score(rows) == pytest.approx([0.25, 0.75])
    assert half.score(rows[0]) == pytest.approx(0.25)


@given(st.lists(st.floats(0, 1), min_size=SIZE, max_size=SIZE))
def test_contributions_sum_to_the_difference(values: list[float]) -> None:
    """So that reasons explain the whole score."""
    choice = model(**{name: 1.0 + i for i, name in enumerate(SCORED)})
    row = np.array(values)
    parts = choice.contributions(row)
    assert sum(part for _, part in parts) == pytest.approx(choice.score(row) - choice.score(choice.usual))
    assert [part for _, part in parts] == sorted((part for _, part in parts), reverse=True)


def test_contributions_can_be_told_against_another_picture() -> None:
    """What one has and the other has not."""
    parts = model(eyes=1.0, facing=1.0).contributions(scored(eyes=1.0), scored(eyes=0.0, facing=1.0))
    assert parts[0] == ("eyes", pytest.approx(0.5))
    assert parts[-1] == ("facing", pytest.approx(-0.25))


def test_a_negative_weight_is_refused() -> None:
    """It would turn a reason into its opposite."""
    with pytest.raises(ValueError, match="opposite"):
        HeroModel(np.full(SIZE, -0.1), np.zeros(SIZE), 1.0)


def test_weights_of_other_signals_are_refused() -> None:
    """A model of another release has other signals."""
    with pytest.raises(ValueError, match="weights and means"):
        HeroModel(np.ones(SIZE - 1), np.zeros(SIZE - 1), 1.0)


def test_the_margin_is_a_preference() -> None:
    """A picture ahead by the margin is preferred in three cases of four."""
    sharp = model(eyes=1.0)
    assert 1 / (1 + np.exp(-sharp.sharpness_of_choice * sharp.margin)) == pytest.approx(CLEARLY_BETTER)


def test_appeal_is_linear() -> None:
    """One photo or many."""
    head = AppealHead(np.array([1.0, -2.0], np.float32), 0.5)
    assert head.appeal(np.array([[1.0, 1.0], [3.0, 0.0]], np.float32)) == pytest.approx([-0.5, 3.5])
    assert float(head.appeal(np.array([1.0, 1.0], np.float32))) == pytest.approx(-0.5)


def test_signals_of_sighting_and_cluster_stand_in_the_order_of_the_weights() -> None:
    """Typicality and recency come last."""
    table = scored_signals(np.zeros((2, SIZE - 2), np.float32), np.array([0.1, 0.2]), np.array([0.8, 0.9]))
    assert table[:, -2:].tolist() == [[0.1, 0.8], [0.2, 0.9]]


def test_one_picture_of_a_moment() -> None:
    """The best of it; the next place goes to another moment."""
    burst = [Candidate("a", 1, 0.9), Candidate("b", 1, 0.8), Candidate("c", 2, 0.3)]
    assert rank(burst, 3) == ("a", "c")


def test_a_hero_stays_until_it_is_clearly_beaten() -> None:
    """By more than the margin, then the old one takes the next place."""
    candidates = [Candidate("old", 1, 0.50), Candidate("new", 2, 0.55), Candidate("other", 3, 0.10)]
    assert rank(candidates, 2) == ("new", "old")
    assert rank(candidates, 2, previous=("old",), margin=0.1) == ("old", "new")
    assert rank(candidates, 2, previous=("old",), margin=0.01) == ("new", "old")


def test_what_is_gone_gives_its_place_to_the_next() -> None:
    """The second hero moves up before a newcomer that is no better."""
    candidates = [Candidate("second", 1, 0.50), Candidate("new", 2, 0.52)]
    assert rank(candidates, 1, previous=("gone", "second"), margin=0.05) == ("second",)


def test_a_person_s_word_goes_first() -> None:
    """Pinned before better, vetoed never, a previous hero or not."""
    candidates = [Candidate("best", 1, 0.9), Candidate("mine", 2, 0.1, pinned=True)]
    assert rank(candidates, 2, previous=("best",), margin=1.0) == ("mine", "best")
    assert rank([Candidate("best", 1, 0.9, vetoed=True), *candidates[1:]], 2, previous=("best",)) == ("mine",)


@given(clusters(), st.integers(0, 5), st.randoms(use_true_random=False))
def test_order_does_not_matter(cluster: list[Candidate], top: int, random: object) -> None:
    """Equal scores go by name."""
    shuffled = list(cluster)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert rank(shuffled, top) == rank(cluster, top)


@given(clusters(), st.integers(0, 5), st.permutations(range(9)), st.sampled_from([0.0, 0.03, 0.2]))
def test_ranking_again_changes_nothing(
    cluster: list[Candidate], top: int, shown: list[int], margin: float
) -> None:
    """Heroes don't flicker."""
    before = [f"{i}.jpg" for i in shown[:4]]
    once = rank(cluster, top, previous=before, margin=margin)
    assert rank(cluster, top, previous=once, margin=margin) == once
    assert len(once) == min(top, len({c.moment for c in cluster if not c.vetoed}))


@given(clusters())
def test_without_a_past_the_best_of_each_moment_is_ranked_by_score(cluster: list[Candidate]) -> None:
    """Pinned ones first."""
    place = {c.image_id: (not c.pinned, -c.score, c.image_id) for c in cluster}
    ranked = rank(cluster, len(cluster))
    assert list(ranked) == sorted(ranked, key=place.__getitem__)
