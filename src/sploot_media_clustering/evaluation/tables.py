"""Measures as tables: a row a group and a column a measure, or a row a measure where there is one group."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from sploot_media_clustering.evaluation.outcome import SETS, Measure, Outcome

_WRITTEN: Final[Mapping[str, str]] = MappingProxyType(
    {
        "v measure": "V-measure",
        "bcubed f": "BCubed F",
        "pairwise f": "pairwise F",
        "rand": "Rand",
        "refit ms": "ms",
    }
)


@dataclass(frozen=True, slots=True)
class Row:
    """One row; None where there is no such measure."""

    name: str
    measures: tuple[Measure | None, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Headings, that of the names first, and rows."""

    headings: tuple[str, ...]
    rows: tuple[Row, ...]


def table_of(outcome: Outcome) -> Table:
    """The measures of a protocol, in their order."""
    groups = tuple(dict.fromkeys(measure.group for measure in outcome.measures))
    if len(groups) == 2 and groups[1] == SETS:  # noqa: PLR2004 - the mean of one set is the set
        groups = groups[:1]
    names = tuple(dict.fromkeys(measure.name for measure in outcome.measures))
    known = {(measure.group, measure.name): measure for measure in outcome.measures}
    if len(groups) <= 3 < len(names):  # noqa: PLR2004 - a table is rather long than broad
        rows = tuple(Row(plain(name), tuple(known.get((g, name)) for g in groups)) for name in names)
        return Table(("measure", *groups), rows)
    rows = tuple(Row(group, tuple(known.get((group, n)) for n in names)) for group in groups)
    return Table(("", *(plain(name) for name in names)), rows)


def plain(name: str) -> str:
    """The name of a measure as people read it."""
    words = name.replace("_", " ")
    for known, written in _WRITTEN.items():
        words = re.sub(rf"\b{known}\b", written, words)
    return words


def number(name: str, value: float | None) -> str:
    """A value with the digits that say something."""
    if value is None:
        return "-"
    if name.endswith("_ms"):
        return f"{value:.2f}"
    return re.sub(r"^(-?)0\.", r"\1.", f"{value:.3f}")


def cell(measure: Measure | None) -> str:
    """A measure with its interval."""
    if measure is None:
        return ""
    told = number(measure.name, measure.value)
    if measure.low is None:
        return told
    return f"{told} ({number(measure.name, measure.low)}-{number(measure.name, measure.high)})"
