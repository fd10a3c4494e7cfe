"""Tuning an embedder's tail so that photos of one animal come together.

Supervised contrastive loss (Khosla et al. 2020, arXiv:2004.11362) among animals of one data set, since
telling a beach from a shelter is no task; pulled towards the original embeddings, so that what they know of
other things stays. The weights are averaged over steps, and kept where animals left out are told apart best.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from jaxtyping import Int64
from torch.nn import functional

from sploot_media_clustering.training.embedder_sampling import (
    CROP,
    Batch,
    Recipe,
    Sampler,
    TrunkFeatures,
    left_out_rows,
    told_apart,
)
from sploot_media_clustering.training.embedder_tail import Tail, Weights

_BARRED: Final = -1e4
"""Similarity of a view with itself, which is no answer."""
_LEAST_FEATURE: Final = 1e-6
"""Under the root, whose slope is infinite at 0."""
_LARGEST_GRADIENT: Final = 5.0
_WARM_UP: Final = 0.1
_BLOCK: Final = 64
_EARLY_STEPS: Final = 9
"""The moving average starts with a short memory, so that it forgets the start."""


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the animals left out.

    Attributes:
        step: after which it was.
        loss: mean since the look before.
        distance: mean of one minus the cosine with the original embeddings, likewise.
        told_apart: see :func:`told_apart`; not a number where no animal was left out.
    """

    step: int
    loss: float
    distance: float
    told_apart: float


@dataclass(frozen=True, slots=True, eq=False)
class Tuned:
    """The weights that told the animals left out apart best, and the way there."""

    weights: Weights
    looks: tuple[Look, ...]


def tune(
    tail: Tail,
    features: TrunkFeatures,
    rows: Int64[np.ndarray, " m"],
    recipe: Recipe,
    *,
    seed: int = 0,
    progress: Callable[[Look], None] = lambda _: None,
) -> Tuned:
    """Tune a tail, which is left as the last step left it.

    Args:
        tail: with the original weights.
        features: of all photos.
        rows: photos that may be used.
        recipe: how.
        seed: of the choice of animals, photos and views.
        progress: told each look.
    """
    rng = np.random.default_rng(seed)
    looked_at = left_out_rows(features, rows, recipe.left_out, rng)
    sampler = Sampler(features, np.setdiff1d(rows, looked_at), recipe, rng)
    original, mean = tail.copy(), tail.copy()
    optimiser = torch.optim.AdamW(tail.tensors, lr=recipe.rate, weight_decay=recipe.weight_decay)
    rates = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, recipe.rate, total_steps=recipe.steps, pct_start=_WARM_UP
    )
    best, looks, since = _Best(tail.weights, _told_apart(tail, features, looked_at)), [], []
    for step in range(1, recipe.steps + 1):
        since.append(_step(tail, original, sampler.draw(), recipe, optimiser))
        rates.step()
        _follow(mean, tail, min(recipe.averaging, step / (step + _EARLY_STEPS)))
        if step % recipe.look_every == 0 or step == recipe.steps:
            loss, distance = np.mean(since, axis=0).tolist()
            looks.append(Look(step, loss, distance, _told_apart(mean, features, looked_at)))
            since = []
            progress(looks[-1])
            if not best.better(mean.weights, looks[-1].told_apart, recipe.patience):
                break
    return Tuned(best.weights, tuple(looks))


def contrastive_loss(vectors: Any, animals: Any, temperature: float) -> Any:  # noqa: ANN401 - as above
    """Supervised contrastive loss of unit vectors [n, d] of animals [n]; a lone photo has no part in it."""
    alike = vectors @ vectors.T / temperature
    itself = torch.eye(len(animals), dtype=torch.bool, device=animals.device)
    log_share = functional.log_softmax(alike.masked_fill(itself, _BARRED), dim=1)
    own = (animals[:, None] == animals[None]) & ~itself
    count = own.sum(1)
    return -((log_share * own).sum(1) / count.clamp_min(1))[count > 0].mean()


class _Best:
    """The best weights so far."""

    def __init__(self, weights: Weights, score: float) -> None:
        self.weights, self._score, self._misses = weights, score, 0

    def better(self, weights: Weights, score: float, patience: int) -> bool:
        """Take the weights if they are better, or nothing says which are; False after too many failures."""
        if not score <= self._score:  # so that "not a number" passes
            self.weights, self._score, self._misses = weights, score, 0
        else:
            self._misses += 1
        return self._misses < patience


def _step(
    tail: Tail,
    original: Tail,
    batch: Batch,
    recipe: Recipe,
    optimiser: Any,  # noqa: ANN401 - torch is untyped
) -> tuple[float, float]:
    """One step; loss and distance from the original embeddings."""
    features = tail.batch(batch.features)
    vectors = _rooted(tail(features))
    with torch.no_grad():
        before = _rooted(original(features))
    distance = (1 - (vectors * before).sum(1)).mean()
    animals = torch.from_numpy(batch.animals).to(vectors.device)
    loss = contrastive_loss(vectors[: len(animals)], animals, recipe.temperature)
    (loss + recipe.keep * distance).backward()
    torch.nn.utils.clip_grad_norm_(tail.tensors, _LARGEST_GRADIENT)
    optimiser.step()
    optimiser.zero_grad()
    return loss.item(), distance.item()


def _rooted(embeddings: Any) -> Any:  # noqa: ANN401 - torch is untyped
    """As :func:`~sploot_media_clustering.domain.heads.root`, with a slope everywhere."""
    return functional.normalize(torch.sqrt(embeddings.clamp_min(0) + _LEAST_FEATURE), dim=1)


def _follow(mean: Tail, tail: Tail, past: float) -> None:
    with torch.no_grad():
        for average, current in zip(mean.tensors, tail.tensors, strict=True):
            average.mul_(past).add_(current, alpha=1 - past)


def _told_apart(tail: Tail, features: TrunkFeatures, rows: Int64[np.ndarray, " m"]) -> float:
    """Mean over data sets, by unchanged crops."""
    found = []
    for data_set in np.unique(features.sets[rows]):
        inside = rows[features.sets[rows] == data_set]
        with torch.inference_mode():
            blocks = [
                _rooted(tail(tail.batch(features.values[inside[at : at + _BLOCK], CROP]))).cpu().numpy()
                for at in range(0, len(inside), _BLOCK)
            ]
        found.append(told_apart(np.concatenate(blocks), features.animals[inside]))
    return float(np.mean(found)) if found else math.nan
