"""Embedders side by side: how well animals are told apart, for how much time and space.

Protocol ``embedders-1``: ``households-1`` with one seed on the vectors of each model package, heads fitted
anew without the set; gains are over the first package, pairwise by household. Processor time and memory are
those of a process that does nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Final, Literal

import numpy as np

from sploot_media_clustering.evaluation.identity import (
    IdentityResult,
    alone_measures,
    evaluate_identity,
    fits_left_out,
)
from sploot_media_clustering.evaluation.metrics import interval
from sploot_media_clustering.evaluation.outcome import (
    Measure,
    Outcome,
    Plot,
    Series,
    means_of_sets,
    over,
    scored,
)
from sploot_media_clustering.services.ports import Embedder
from sploot_media_clustering.training.labelled import LabelledVectors

DRAWS: Final = 60
_VIEWS: Final = 8
_RUNS: Final = 7
_AGREEMENT: Final = ("v_measure", "bcubed_f", "purity", "unassigned")
_GAINS: Final = ("v_measure", "bcubed_f")
_STATUS: Final = Path("/proc/self/status")
_KIB_PER_MB: Final = 1000 / 1.024


@dataclass(frozen=True, slots=True)
class Cost:
    """What embedding takes.

    Attributes:
        view_ms: processor time of one view, of some embedded together.
        memory_mb: what opening the embedder and embedding those takes, in millions of bytes; None where the
            operating system does not tell.
    """

    view_ms: float
    memory_mb: float | None


@dataclass(frozen=True, slots=True)
class MeasuredEmbedder:
    """One model package.

    Attributes:
        name: of the package.
        results: of each set.
        cost: of its embedder.
        input_px: side of a view.
        size_mb: of the embedder's file, in millions of bytes.
    """

    name: str
    results: tuple[IdentityResult, ...]
    cost: Cost
    input_px: int
    size_mb: float


def results_of(vectors: LabelledVectors, draws: int = DRAWS) -> tuple[IdentityResult, ...]:
    """Judge one package's vectors.

    Args:
        vectors: labelled photos of at least three sets, as it sees them.
        draws: households of each set.
    """
    return tuple(evaluate_identity(vectors, fits_left_out(vectors), draws=draws, seeds=(1,)))


def view_ms(embedder: Embedder) -> float:
    """Median processor time of one view, of some embedded together."""
    shape = (_VIEWS, embedder.input_px, embedder.input_px, 3)
    views = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    took_s = []
    for _ in range(_RUNS):
        start_s = time.process_time()
        embedder.embed(views)
        took_s.append((time.process_time() - start_s) / _VIEWS)
    return 1000 * median(took_s)


def memory_mb(kind: Literal["VmRSS", "VmHWM"]) -> float | None:
    """Of this process now, or the most so far; None where there is no /proc."""
    # getrusage would do elsewhere too, but in a child it begins with what its parent had.
    if not _STATUS.exists():
        return None
    line = next(line for line in _STATUS.read_text(encoding="ascii").splitlines() if line.startswith(kind))
    return int(line.split()[1]) / _KIB_PER_MB


def cost_of(opened: Callable[[], Embedder]) -> Cost:
    """What an embedder takes, in a process that has done little else.

    Args:
        opened: opens it, on one thread.
    """
    before = memory_mb("VmRSS")
    taken_ms = view_ms(opened())
    most = memory_mb("VmHWM")
    return Cost(taken_ms, None if before is None or most is None else most - before)


def embedders_outcomes(found: Sequence[MeasuredEmbedder]) -> tuple[Outcome, Outcome]:
    """What the protocol found: means of sets, and set by set.

    Args:
        found: one a package; gains are over the first.
    """
    by_set = {one.name: _by_set(one, found[0]) for one in found}
    means = [measure for one in found for measure in _means(one, by_set[one.name])]
    judged_by = "heads fitted without the set"
    plot = Plot(
        title="Time against agreement",
        x="milliseconds a view",
        y="V-measure",
        series=tuple(_point(one, by_set[one.name]) for one in found),
        kind="scatter",
        caption="Up and to the left is better.",
    )
    return (
        Outcome(
            "embedders-1", "Embedders side by side: means of sets", judged_by, tuple(means), plots=(plot,)
        ),
        Outcome(
            "embedders-sets-1",
            f"Embedders set by set: gains are over {found[0].name}, pairwise by household",
            judged_by,
            tuple(measure for one in found for measure in by_set[one.name]),
        ),
    )


def _by_set(one: MeasuredEmbedder, first: MeasuredEmbedder) -> tuple[Measure, ...]:
    """The measures of a package in each set."""
    measures: list[Measure] = []
    for own, theirs in zip(one.results, first.results, strict=True):
        group = f"{one.name}, {own.name}"
        alone, _ = alone_measures(group, own.alone)
        measures += [*scored(group, own.households, _AGREEMENT), alone]
        for name in _GAINS if one is not first else ():
            pairs = zip(own.households, theirs.households, strict=True)
            gains = [getattr(mine, name) - getattr(before, name) for mine, before in pairs]
            measures.append(over(group, f"gain_{name}", interval(gains), len(gains)))
    return tuple(replace(measure, better="neither") for measure in measures)


def _means(one: MeasuredEmbedder, by_set: Sequence[Measure]) -> tuple[Measure, ...]:
    """The means of a package over sets, and what it takes."""
    taken = {
        "view_ms": one.cost.view_ms,
        "memory_mb": one.cost.memory_mb,
        "size_mb": one.size_mb,
        "input_px": float(one.input_px),
    }
    return (
        *(replace(measure, group=one.name) for measure in means_of_sets(by_set)),
        *(Measure(one.name, name, value, better="neither") for name, value in taken.items()),
    )


def _point(one: MeasuredEmbedder, by_set: Sequence[Measure]) -> Series:
    (agreement,) = means_of_sets(by_set, ("v_measure",))
    return Series(one.name, ((round(one.cost.view_ms, 2), agreement.value or 0.0),))
