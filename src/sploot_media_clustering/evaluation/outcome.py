"""What a protocol found: measures and drawings, in one form for tables, files, reports and the gate."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Final, Literal

from sploot_media_clustering.evaluation.metrics import Interval, Scores, interval

Better = Literal["higher", "lower", "one", "neither"]
"""Where a measure should go; ``one``: the nearer to 1 the better; ``neither``: told, and not judged."""

SETS: Final = "mean of sets"
"""The group of a measure over all sets, each counted alike."""

KNOWN_BETTER: Final[Mapping[str, Better]] = MappingProxyType(
    {"unassigned": "lower", "clusters_per_group": "one"}
)
"""Where measures of agreement should go that should not go up."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure.

    Attributes:
        group: what it is about: a data set, a method, or a kind of case.
        name: of the measure.
        value: the figure; None where there was no case.
        low: of its 95 % bootstrap interval; None without one.
        high: of the interval.
        count: of cases: albums, photos or pairs.
        better: where it should go.
    """

    group: str
    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    count: int = 0
    better: Better = "higher"


@dataclass(frozen=True, slots=True)
class Series:
    """Points that belong together.

    Attributes:
        name: of them.
        points: x and y each.
        kind: series of one kind have one colour; by default each has its own.
    """

    name: str
    points: tuple[tuple[float, float], ...]
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Plot:
    """Series over two axes.

    Attributes:
        title: above it.
        x: what runs to the right.
        y: what runs upwards.
        series: each with a name in the legend.
        kind: joined points, single points with their names, or points beside the diagonal.
        caption: what is to be seen, in a sentence.
        logarithmic: whether equal factors of x are equal distances.
    """

    title: str
    x: str
    y: str
    series: tuple[Series, ...]
    kind: Literal["line", "scatter", "reliability"] = "line"
    caption: str = ""
    logarithmic: bool = False


@dataclass(frozen=True, slots=True)
class Matrix:
    """A square table of shares between named things, drawn as shades.

    Attributes:
        title: above it.
        names: of rows and columns.
        values: a row each, in [0, 1].
        caption: what is to be seen, in a sentence.
    """

    title: str
    names: tuple[str, ...]
    values: tuple[tuple[float, ...], ...]
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """All that one protocol found.

    Attributes:
        protocol: its permanent id; another way of measuring has another id.
        title: a line for people.
        judged_by: what was judged: which heads, fitted on what.
        measures: in the order to be shown.
        plots: drawings over two axes.
        matrices: drawings of confusions.
    """

    protocol: str
    title: str
    judged_by: str
    measures: tuple[Measure, ...]
    plots: tuple[Plot, ...] = ()
    matrices: tuple[Matrix, ...] = ()

    def value(self, group: str, name: str) -> float | None:
        """One figure; None where it was not measured."""
        same = (one.value for one in self.measures if (one.group, one.name) == (group, name))
        return next(same, None)


def told(group: str, name: str, values: Sequence[float], better: Better = "higher") -> Measure:
    """The mean of a value of each album, with its interval over albums."""
    return over(group, name, interval(list(values)), len(values), better)


def over(group: str, name: str, found: Interval, count: int, better: Better = "higher") -> Measure:
    """A figure whose interval is known."""
    value, low, high = (None if math.isnan(x) else x for x in (found.mean, found.low, found.high))
    return Measure(group, name, value, low, high, count, better)


def scored(group: str, scores: Sequence[Scores], names: Iterable[str] = ()) -> tuple[Measure, ...]:
    """Every measure of agreement, or some, as means over albums."""
    wanted = tuple(names) or tuple(f.name for f in fields(Scores))
    return tuple(
        told(group, name, [getattr(one, name) for one in scores], KNOWN_BETTER.get(name, "higher"))
        for name in wanted
    )


def means_of_sets(measures: Sequence[Measure], names: Iterable[str] = ()) -> tuple[Measure, ...]:
    """Measures over all groups, each counted alike; without intervals, as sets are few."""
    wanted = tuple(names) or tuple(dict.fromkeys(one.name for one in measures))
    found = []
    for name in wanted:
        same = [one for one in measures if one.name == name]
        values = [one.value for one in same if one.value is not None]
        if values:
            mean = sum(values) / len(values)
            found.append(Measure(SETS, name, mean, count=len(values), better=same[0].better))
    return tuple(found)
