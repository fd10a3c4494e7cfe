"""Heroes: the score of a picture, why it won, and the ranking of a cluster.

The score is a weighted mean of signals. Weights are fitted on ratings, and a logistic model of pairs (Bradley
and Terry 1952, "Rank analysis of incomplete block designs") says what they are worth: a difference of scores
says how often people would prefer one picture to the other; across albums scores mean nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float, Float32, Float64

from sploot_media_clustering.domain.signals import CLUSTER_SIGNALS, SIGNALS

SCORED: Final = (*SIGNALS, *CLUSTER_SIGNALS)
"""What a score is made of, in the order of ``HeroModel.weights``."""

CLEARLY_BETTER: Final = 0.75
"""A hero is replaced when people would prefer the other picture in three cases of four."""


@dataclass(frozen=True, slots=True, eq=False)
class AppealHead:
    """Linear appeal of a picture; only differences inside an album mean something.

    Attributes:
        weight: shape [c], float32.
        bias: added.
    """

    weight: Float32[np.ndarray, " c"]
    bias: float

    def appeal(self, cues: Float32[np.ndarray, "*n c"]) -> Float32[np.ndarray, "*n"]:
        """Expected rating above the album's mean, up to a constant."""
        return np.asarray(cues @ self.weight + np.float32(self.bias), np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class HeroModel:
    """How signals make a score.

    Attributes:
        weights: of :data:`SCORED`, none negative, summing to 1; shape [s].
        usual: mean of each signal over the training photos; shape [s].
        sharpness_of_choice: log odds that a picture is preferred, for each unit of score that it is ahead.
    """

    weights: Float64[np.ndarray, " s"]
    usual: Float64[np.ndarray, " s"]
    sharpness_of_choice: float

    def __post_init__(self) -> None:
        if self.weights.shape != (len(SCORED),) or self.usual.shape != (len(SCORED),):
            raise ValueError(f"expected {len(SCORED)} weights and means, one for each of {SCORED}")
        if (self.weights < 0).any():
            raise ValueError("expected no negative weight: a reason would say the opposite of what it does")

    def score(self, scored: Float[np.ndarray, "*n s"]) -> Float64[np.ndarray, "*n"]:
        """Weighted mean of the signals, in [0, 1]."""
        return np.asarray(scored.astype(np.float64) @ self.weights)

    @property
    def margin(self) -> float:
        """How far ahead in score a picture must be to replace a hero."""
        return math.log(CLEARLY_BETTER / (1.0 - CLEARLY_BETTER)) / self.sharpness_of_choice

    def contributions(
        self, scored: Float[np.ndarray, " s"], baseline: Float[np.ndarray, " s"] | None = None
    ) -> tuple[tuple[str, float], ...]:
        """What each signal adds to the score beyond a baseline, the most first; sums to the difference.

        Args:
            scored: signals of the picture.
            baseline: signals that it is compared with, e.g. the cluster's mean; by default :attr:`usual`.
        """
        reference = self.usual if baseline is None else baseline
        parts = self.weights * (scored.astype(np.float64) - reference)
        return tuple(sorted(zip(SCORED, parts.tolist(), strict=True), key=lambda part: -part[1]))


def scored_signals(
    signals: Float[np.ndarray, "n s"], typicality: Float[np.ndarray, " n"], recency: Float[np.ndarray, " n"]
) -> Float64[np.ndarray, "n t"]:
    """Signals of sightings beside those of their photos in a cluster, in the order of :data:`SCORED`."""
    return np.column_stack([signals, typicality, recency]).astype(np.float64)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A picture that may stand for a cluster.

    Attributes:
        image_id: of the photo.
        moment: at most one picture of a moment is ranked.
        score: of the hero model.
        pinned: above 0 where a person chose it; it goes before all with less.
        vetoed: a person refused it; it is never ranked.
    """

    image_id: str
    moment: int
    score: float
    pinned: int = 0
    vetoed: bool = False


def rank(
    candidates: Sequence[Candidate], top: int, *, previous: Sequence[str] = (), margin: float = 0.0
) -> tuple[str, ...]:
    """The best pictures of a cluster, at most one of a moment, best first.

    A place falls to the first of the previous heroes that is not placed yet, unless another picture is
    ahead of it by more than the margin. Ranking again with the result as ``previous`` changes nothing.
    Without previous heroes the result depends on the candidates alone; equal scores go by ``image_id``.

    Args:
        candidates: at most one a photo, in any order.
        top: how many.
        previous: heroes shown last, best first.
        margin: in units of score.
    """
    waiting = sorted(
        (candidate for candidate in candidates if not candidate.vetoed),
        key=lambda candidate: (-candidate.pinned, -candidate.score, candidate.image_id),
    )
    shown = {image_id: place for place, image_id in enumerate(previous)}
    ranked: list[str] = []
    while waiting and len(ranked) < top:
        chosen = _next(waiting, shown, margin)
        ranked.append(chosen.image_id)
        waiting = [candidate for candidate in waiting if candidate.moment != chosen.moment]
    return tuple(ranked)


def _next(waiting: Sequence[Candidate], shown: dict[str, int], margin: float) -> Candidate:
    """The leader, or the first previous hero that the leader does not clearly beat."""
    leader = waiting[0]
    alike = [c for c in waiting if c.pinned == leader.pinned and c.image_id in shown]
    incumbent = min(alike, key=lambda candidate: shown[candidate.image_id], default=leader)
    return incumbent if leader.score - incumbent.score <= margin else leader
