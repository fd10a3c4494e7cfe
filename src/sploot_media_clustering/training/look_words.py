"""Fitting the words by which people name looks: a logistic regression each, all at once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float32, Float64, Int64
from scipy.optimize import minimize
from scipy.special import expit

from sploot_media_clustering.domain.look_words import WordHead
from sploot_media_clustering.training.album_folds import each_left_out
from sploot_media_clustering.training.cue_basis import CueBasis

LEAST_ALBUMS: Final = 6
LEAST_PHOTOS: Final = 15
"""Of a word: in fewer it is one person's, one room's. With 4 and 10, or 3 and 6, looks are equally good."""

WEIGHT_DECAY: Final = 3e-4
"""L2 penalty on weights, a photo's mean loss being 1: three times as much or a third makes worse looks."""

_ITERATIONS: Final = 60
_WORD: Final = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True, eq=False)
class WordFit:
    """A head, and what heads like it say of albums that they were not fitted on.

    Attributes:
        head: fitted on all albums.
        left_out: probabilities of every photo's words by a head fitted without its fold.
    """

    head: WordHead
    left_out: Float32[np.ndarray, "n w"]


def fit_words(
    cues: Float32[np.ndarray, "n c"],
    names: Sequence[str | None],
    albums: Int64[np.ndarray, " n"],
    folds: Int64[np.ndarray, " n"],
    basis: CueBasis,
) -> WordFit | None:
    """Fit the head of all words; None where no word is common enough.

    Args:
        cues: of each photo.
        names: of each photo's look; None for a photo of no look.
        albums: album of each photo.
        folds: of each photo; photos of one album share one.
        basis: in which the head is fitted.
    """
    said = [frozenset(_WORD.findall((name or "").lower())) for name in names]
    words = common_words(said, albums)
    if not words:
        return None
    z = basis.components(cues)
    target = np.array([[word in one for word in words] for one in said], np.float64)
    left_out = np.empty_like(target)
    for held in each_left_out(folds):
        weight, bias = _logistic_regressions(z[~held], target[~held])
        left_out[held] = expit(z[held] @ weight.T + bias)
    head = WordHead(words, *basis.unfolded(*_logistic_regressions(z, target)))
    return WordFit(head, left_out.astype(np.float32))


def common_words(said: Sequence[frozenset[str]], albums: Int64[np.ndarray, " n"]) -> tuple[str, ...]:
    """Words of at least :data:`LEAST_PHOTOS` photos and :data:`LEAST_ALBUMS` albums, in order.

    Args:
        said: words of each photo.
        albums: album of each photo.
    """
    photos = Counter(word for one in said for word in one)
    pairs = {(word, album) for one, album in zip(said, albums.tolist(), strict=True) for word in one}
    spread = Counter(word for word, _ in pairs)
    return tuple(sorted(w for w in photos if photos[w] >= LEAST_PHOTOS and spread[w] >= LEAST_ALBUMS))


def _logistic_regressions(
    z: Float64[np.ndarray, "n p"], target: Float64[np.ndarray, "n w"]
) -> tuple[Float64[np.ndarray, "w p"], Float64[np.ndarray, " w"]]:
    """Weights and biases of the least penalised mean log loss, summed over words."""
    size, width = z.shape
    words = target.shape[1]

    def loss(flat: Float64[np.ndarray, " k"]) -> tuple[float, Float64[np.ndarray, " k"]]:
        weight, bias = flat[: words * width].reshape(words, width), flat[words * width :]
        logits = z @ weight.T + bias
        error = (expit(logits) - target) / size
        value = float((np.logaddexp(0.0, logits) - target * logits).sum() / size)
        slope = error.T @ z + WEIGHT_DECAY * weight
        penalty = 0.5 * WEIGHT_DECAY * float((weight**2).sum())
        return value + penalty, np.concatenate([slope.ravel(), error.sum(0)])

    start = np.zeros(words * (width + 1))
    best = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": _ITERATIONS}).x
    return best[: words * width].reshape(words, width), best[words * width :]
