"""The gate: figures that were reached, and how much of them a change may lose.

A baseline is a JSON list of figures, each with its tolerance. A figure that is worse than its baseline by
more than that is a loss; so is one that was not measured.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from sploot_media_clustering.errors import DatasetError
from sploot_media_clustering.evaluation.outcome import SETS, Better, Measure, Outcome

TOLERANCES: Final[Mapping[str, float]] = {
    "unassigned": 0.01,
    "alone_clusters": 0.05,
    "clusters_per_group": 0.05,
    "decisions_for_20_photos": 0.2,
    "unfinished": 0.0,
    "cats_and_dogs": 0.0,
    "merged": 0.0,
}
"""How much may be lost, where it is not :data:`USUAL_TOLERANCE`, or one case of those that were counted."""

USUAL_TOLERANCE: Final = 0.01
_ROUNDING: Final = 1e-4
"""Figures of a baseline have four digits."""


@dataclass(frozen=True, slots=True)
class Expected:
    """One figure that was reached.

    Attributes:
        protocol: its id.
        group: see :class:`.outcome.Measure`.
        measure: name of it.
        value: that was reached.
        tolerance: that may be lost.
        better: where the figure should go.
    """

    protocol: str
    group: str
    measure: str
    value: float
    tolerance: float
    better: Better


@dataclass(frozen=True, slots=True)
class Check:
    """One figure against its baseline.

    Attributes:
        expected: the baseline.
        got: the figure; None where it was not measured.
    """

    expected: Expected
    got: float | None

    @property
    def holds(self) -> bool:
        """Whether no more was lost than may be."""
        return self.got is not None and self.lost <= self.expected.tolerance + _ROUNDING

    @property
    def lost(self) -> float:
        """How much worse the figure is; below 0 where it is better."""
        if self.got is None:
            return float("inf")
        was, better = self.expected.value, self.expected.better
        if better == "one":
            return abs(self.got - 1.0) - abs(was - 1.0)
        return was - self.got if better == "higher" else self.got - was


def checks(
    outcomes: Sequence[Outcome], baseline: Sequence[Expected], *, only: Collection[str] = ()
) -> list[Check]:
    """Every figure of a baseline against what was measured.

    Args:
        outcomes: measured.
        baseline: expected.
        only: protocols whose figures are looked at; by default all.
    """
    by_id = {outcome.protocol: outcome for outcome in outcomes}
    found = []
    for one in baseline:
        if only and one.protocol not in only:
            continue
        outcome = by_id.get(one.protocol)
        found.append(Check(one, outcome.value(one.group, one.measure) if outcome else None))
    return found


def read_baseline(path: Path) -> tuple[Expected, ...]:
    """The figures of a baseline.

    Raises:
        DatasetError: the file is not there, or holds something else.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=tuple[Expected, ...])
    except OSError as error:
        raise DatasetError(f"expected a baseline in {path}, got: {error.strerror}") from error
    except msgspec.MsgspecError as error:
        raise DatasetError(f"expected {path} to be a baseline of 'eval baseline', but {error}") from error


def baseline_of(outcomes: Sequence[Outcome], before: Sequence[Expected] = ()) -> bytes:
    """The content of a baseline: all judged figures, one a line.

    Args:
        outcomes: measured.
        before: the baseline up to now, whose tolerances are kept.
    """
    kept = {(one.protocol, one.group, one.measure): one.tolerance for one in before}
    lines = [
        msgspec.json.encode(_expected(outcome.protocol, measure, kept)).decode()
        for outcome in outcomes
        for measure in outcome.measures
        if measure.value is not None and measure.better != "neither"
    ]
    return ("[\n" + ",\n".join(lines) + "\n]\n").encode()


def _expected(protocol: str, measure: Measure, kept: Mapping[tuple[str, str, str], float]) -> Expected:
    usual = TOLERANCES.get(measure.name, USUAL_TOLERANCE)
    if measure.name not in TOLERANCES and measure.count and not measure.group.startswith(SETS):
        usual = max(usual, round(1.0 / measure.count, 4))
    return Expected(
        protocol=protocol,
        group=measure.group,
        measure=measure.name,
        value=round(measure.value or 0.0, 4),
        tolerance=kept.get((protocol, measure.group, measure.name), usual),
        better=measure.better,
    )
