"""Embedders side by side: how well animals are told apart, for how much time and space.

Protocol ``embedders-1``: ``households-1`` with one seed on the vectors of each model package, heads fitted
anew without the set; the time is that of one view, of some embedded together.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

import numpy as np

from sploot_media_clustering.evaluation.identity import (
    ALONE,
    IdentityResult,
    evaluate_identity,
    fits_left_out,
    identity_outcomes,
)
from sploot_media_clustering.evaluation.outcome import SETS, Measure, Outcome, Plot, Series
from sploot_media_clustering.services.ports import Embedder
from sploot_media_clustering.training.labelled import LabelledVectors

DRAWS: Final = 60
_VIEWS: Final = 8
_RUNS: Final = 7
_MEASURES: Final = ("v_measure", "bcubed_f", "purity", ALONE)


@dataclass(frozen=True, slots=True)
class MeasuredEmbedder:
    """One model package.

    Attributes:
        name: of the package.
        results: of each set.
        view_ms: time of one view.
        input_px: side of a view.
        size_mb: of the embedder's file, in millions of bytes.
    """

    name: str
    results: tuple[IdentityResult, ...]
    view_ms: float
    input_px: int
    size_mb: float


def measured_embedder(
    name: str, vectors: LabelledVectors, embedder: Embedder, size_bytes: int, *, draws: int = DRAWS
) -> MeasuredEmbedder:
    """Judge one package.

    Args:
        name: of it.
        vectors: labelled photos of at least three sets, as it sees them.
        embedder: of it, on one thread.
        size_bytes: of its file.
        draws: households of each set.
    """
    results = evaluate_identity(vectors, fits_left_out(vectors), draws=draws, seeds=(1,))
    return MeasuredEmbedder(name, tuple(results), view_ms(embedder), embedder.input_px, size_bytes / 1e6)


def view_ms(embedder: Embedder) -> float:
    """Median time of one view, of some embedded together."""
    shape = (_VIEWS, embedder.input_px, embedder.input_px, 3)
    views = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    took_s = []
    for _ in range(_RUNS):
        start_s = time.perf_counter()
        embedder.embed(views)
        took_s.append((time.perf_counter() - start_s) / _VIEWS)
    return 1000 * median(took_s)


def embedders_outcome(found: Sequence[MeasuredEmbedder]) -> Outcome:
    """What the protocol found.

    Args:
        found: one a package.
    """
    rows: list[Measure] = []
    points = []
    for one in found:
        plain, _ = identity_outcomes(one.results)
        rows += [
            Measure(one.name, name, plain.value(SETS, name), count=len(one.results), better="neither")
            for name in _MEASURES
        ]
        rows += [
            Measure(one.name, "view_ms", one.view_ms, better="neither"),
            Measure(one.name, "input_px", float(one.input_px), better="neither"),
            Measure(one.name, "size_mb", one.size_mb, better="neither"),
        ]
        points.append(Series(one.name, ((round(one.view_ms, 2), plain.value(SETS, "v_measure") or 0.0),)))
    return Outcome(
        protocol="embedders-1",
        title="Embedders side by side: means of sets",
        judged_by="heads fitted without the set",
        measures=tuple(rows),
        plots=(
            Plot(
                title="Time against agreement",
                x="milliseconds a view",
                y="V-measure",
                series=tuple(points),
                kind="scatter",
                caption="Up and to the left is better.",
            ),
        ),
    )
