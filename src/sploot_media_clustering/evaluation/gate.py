"""Floors: figures below which a change is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sploot_media_clustering.evaluation.identity import IdentityResult


@dataclass(frozen=True, slots=True)
class Floor:
    """The least that one set's households must reach.

    Attributes:
        purity: of assigned photos.
        unassigned: at most.
        v_measure: at least.
        bcubed_f: at least.
    """

    purity: float
    unassigned: float
    v_measure: float
    bcubed_f: float


IDENTITY_FLOORS: Final = {
    "home_cats": Floor(0.945, 0.02, 0.87, 0.915),
    "campus_cats": Floor(0.87, 0.03, 0.735, 0.82),
    "rescue_collies": Floor(0.925, 0.05, 0.87, 0.91),
    "shelter_dogs": Floor(0.945, 0.03, 0.895, 0.925),
}
"""What a release must reach; rescue_collies' goal for V-measure is .89, see docs/evaluation.md."""

ALONE_FLOOR: Final = 0.96


@dataclass(frozen=True, slots=True)
class Check:
    """One figure against its floor."""

    holds: bool
    text: str


def identity_checks(results: Sequence[IdentityResult]) -> list[Check]:
    """Every figure of the sets that have floors, and one animal alone over all sets."""
    checks = [check for result in results for check in _set_checks(result)]
    if results:
        alone = sum(result.alone.bcubed_f for result in results) / len(results)
        checks.append(_at_least("one animal alone: BCubed F", alone, ALONE_FLOOR))
    return checks


def _set_checks(result: IdentityResult) -> list[Check]:
    floor = IDENTITY_FLOORS.get(result.name)
    if floor is None:
        return []
    scores = result.households
    return [
        _at_least(f"{result.name}: purity", scores.purity, floor.purity),
        _at_least(f"{result.name}: assigned", 1 - scores.unassigned, 1 - floor.unassigned),
        _at_least(f"{result.name}: V-measure", scores.v_measure, floor.v_measure),
        _at_least(f"{result.name}: BCubed F", scores.bcubed_f, floor.bcubed_f),
    ]


def _at_least(name: str, value: float, least: float) -> Check:
    return Check(value >= least, f"{name} {value:.3f}, at least {least:.3f}")
