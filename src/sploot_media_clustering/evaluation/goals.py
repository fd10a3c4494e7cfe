"""What the project wants to reach: least figures, and those at the top of the field.

A goal that is missed is told first in every report; it does not fail the gate, which is about losses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sploot_media_clustering.evaluation.outcome import SETS, Outcome

_HOUSEHOLDS: Final = "households-1"
_MEASURES: Final = ("purity", "unassigned", "v_measure", "bcubed_f")


@dataclass(frozen=True, slots=True)
class Goal:
    """One figure to reach.

    Attributes:
        protocol: its id.
        group: see :class:`.outcome.Measure`.
        measure: name of it.
        must: the least, or the most where ``lower``.
        aim: what the field's best would reach.
        lower: whether less is better.
    """

    protocol: str
    group: str
    measure: str
    must: float
    aim: float
    lower: bool = False


@dataclass(frozen=True, slots=True)
class Reached:
    """A goal, and the figure as it is."""

    goal: Goal
    value: float

    @property
    def met(self) -> bool:
        """Whether the figure is as good as it must be."""
        return self.value <= self.goal.must if self.goal.lower else self.value >= self.goal.must

    @property
    def aimed(self) -> bool:
        """Whether the figure is at the top."""
        return self.value <= self.goal.aim if self.goal.lower else self.value >= self.goal.aim


def reached(outcomes: Sequence[Outcome]) -> list[Reached]:
    """Every goal whose figure was measured."""
    by_id = {outcome.protocol: outcome for outcome in outcomes}
    found = []
    for goal in GOALS:
        outcome = by_id.get(goal.protocol)
        value = outcome.value(goal.group, goal.measure) if outcome else None
        if value is not None:
            found.append(Reached(goal, value))
    return found


def _households(
    name: str, must: tuple[float, float, float, float], aim: tuple[float, float, float, float]
) -> tuple[Goal, ...]:
    return tuple(
        Goal(_HOUSEHOLDS, name, measure, least, best, lower=measure == "unassigned")
        for measure, least, best in zip(_MEASURES, must, aim, strict=True)
    )


_SETS: Final = ("campus_cats", "home_cats", "mixed_homes", "portraits", "rescue_collies", "shelter_dogs")

GOALS: Final[tuple[Goal, ...]] = (
    *_households("home_cats", (0.965, 0.03, 0.915, 0.94), (0.985, 0.01, 0.95, 0.97)),
    *_households("campus_cats", (0.92, 0.04, 0.80, 0.86), (0.95, 0.02, 0.88, 0.92)),
    *_households("rescue_collies", (0.955, 0.04, 0.92, 0.935), (0.975, 0.03, 0.95, 0.96)),
    *_households("shelter_dogs", (0.965, 0.03, 0.93, 0.945), (0.98, 0.01, 0.95, 0.97)),
    *_households("mixed_homes", (0.93, 0.06, 0.84, 0.89), (0.96, 0.03, 0.90, 0.93)),
    *_households("portraits", (0.99, 0.02, 0.95, 0.96), (0.99, 0.0, 0.98, 0.99)),
    Goal(_HOUSEHOLDS, SETS, "alone_bcubed_f", 0.98, 0.99),
    Goal(_HOUSEHOLDS, SETS, "alone_clusters", 1.06, 1.02, lower=True),
    Goal("households-hint-1", "home_cats", "v_measure", 0.94, 0.97),
    Goal("households-hint-1", "campus_cats", "v_measure", 0.83, 0.90),
    Goal("households-hint-1", "rescue_collies", "v_measure", 0.94, 0.96),
    *(Goal("households-e2e-1", name, "purity", 0.90, 0.95) for name in _SETS),
    Goal("foreign-1", SETS, "kept_out_10", 0.90, 0.97),
    Goal("foreign-1", SETS, "lost_10", 0.03, 0.01, lower=True),
    Goal("together-1", SETS, "both_found", 0.75, 0.90),
    Goal("together-1", SETS, "right_of_found", 0.85, 0.95),
    Goal("mixed-1", SETS, "cats_and_dogs", 0.0, 0.0, lower=True),
    Goal("sightings-1", "home_cats", "spurious", 0.02, 0.01, lower=True),
    Goal("sightings-1", "home_cats", "found", 0.95, 0.98),
    Goal("membership-1", SETS, "calibration_error", 0.05, 0.02, lower=True),
    Goal("churn-1", SETS, "ids_changed", 0.02, 0.01, lower=True),
    Goal("growth-2", SETS, "behind", 0.03, 0.01, lower=True),
    Goal("corrections-1", SETS, "decisions_for_20_photos", 1.0, 0.5, lower=True),
    Goal("corrections-1", SETS, "right_made_wrong", 0.01, 0.002, lower=True),
    Goal("moments-1", f"{SETS}, without times", "bcubed_f", 0.90, 0.95),
    Goal("looks-1", "ours", "purity", 0.76, 0.88),
    Goal("looks-1", "ours", "unassigned", 0.09, 0.06, lower=True),
    Goal("looks-1", "ours", "v_measure", 0.66, 0.80),
    Goal("looks-1", "ours", "bcubed_f", 0.70, 0.83),
    Goal("heroes-1", "ours", "best accepted", 0.95, 0.98),
    Goal("heroes-1", "ours", "top 3 accepted", 0.88, 0.94),
    Goal("heroes-1", "ours", "best of look", 0.75, 0.85),
    Goal("heroes-1", "ours", "best of moment", 0.75, 0.85),
    Goal("heroes-1", "ours", "pairs", 0.85, 0.90),
    Goal("degraded-1", SETS, "hero_untouched", 0.95, 0.99),
    Goal("attributes-1", "accuracy", "activity", 0.72, 0.82),
    Goal("attributes-1", "accuracy", "framing", 0.82, 0.88),
    Goal("attributes-1", "accuracy", "setting", 0.92, 0.96),
    Goal("attributes-1", "accuracy", "view", 0.75, 0.82),
    Goal("attributes-1", "accuracy", "eyes", 0.91, 0.94),
    Goal("attributes-1", "accuracy", "others", 0.93, 0.96),
)
