"""Fills the tables of ``docs/evaluation.md`` with the figures of a run.

    .venv/bin/python benchmarks/refresh_evaluation.py out/evaluation [docs/evaluation.md]

A table belongs to the protocol that is named last before it; its columns, or its rows, are told apart by
what they are called here. Cells keep their form: decimals, per cent, with an interval or without. What no run
measures (goals, agreement of raters, speed) stays. Figures in sentences are yours to look after:
what changed is printed.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from sploot_media_clustering.evaluation.outcome import Measure
from sploot_media_clustering.evaluation.results import RESULTS, read_results

Key = tuple[str, str, str]
"""Protocol, group, measure."""

NUMBER = re.compile(
    r"(?P<value>-?\d*\.?\d+)(?P<percent> %)?(?: \[(?P<low>-?\d*\.\d+), (?P<high>-?\d*\.\d+)\])?"
)
COLUMNS = {
    "purity": ("purity",),
    "unassigned": ("unassigned",),
    "V-measure": ("v_measure",),
    "BCubed F": ("bcubed_f",),
    "pairwise F": ("pairwise_f",),
    "adjusted Rand": ("adjusted_rand",),
    "clusters/animal": ("clusters_per_group",),
    "alone: F, clusters": ("alone_bcubed_f", "alone_clusters"),
    "species wrong": ("species_wrong",),
    "subjects of cats and dogs": ("cats_and_dogs",),
    "kept out: 5 %, 10 %, 20 %": ("kept_out_5", "kept_out_10", "kept_out_20"),
    "lost": ("lost_5", "lost_10", "lost_20"),
    "contamination": ("contamination_5", "contamination_10", "contamination_20"),
    "right, of those": ("right_of_found",),
    "in one subject": ("merged",),
    "hero is an untouched photo": ("hero_untouched",),
    "scores below its original": ("copy_below_original",),
    "decisions for 20 photos": ("decisions_for_20_photos",),
    "made wrong": ("right_made_wrong",),
    "both found": ("both_found",),
    "calibration error": ("calibration_error",),
}
GROWTH = {
    "an order beats settling": ("order-2", "an_order_beats_settling"),
    "equal": ("arrivals-1", "equal_after_settling"),
    "alike": ("arrivals-1", "unsettled_rand"),
    "ids changed": ("churn-1", "ids_changed"),
    "as it stands": ("growth-2", "standing_v_measure"),
    "settled": ("growth-2", "settled_v_measure"),
    "behind": ("growth-2", "behind"),
}
RIVALS = (
    ("v_measure",),
    ("gain_v_measure",),
    ("bcubed_f",),
    ("gain_bcubed_f",),
    ("sets_behind_v_measure", "sets_behind_bcubed_f"),
    ("purity",),
    ("unassigned",),
    ("alone_bcubed_f",),
    ("rand_of_orders",),
    ("refit_ms",),
)
HEROES = {
    "best of album rated": "best accepted",
    "top 3 rated": "top 3 accepted",
    "best of look": "best of look",
    "best of moment": "best of moment",
    "pairs of one album": "pairs",
    "best of part": "sub-album best accepted",
    "top 3 of a part": "sub-album top 3 accepted",
}
LABELS = {
    "claims that": "claims",
    "labels of which": "labels",
    '"mostly"': "mostly",
    "looks whose label": "looks with a claim",
}


def keys(protocol: str, header: list[str], row: str, column: int) -> list[Key]:
    """What the numbers of a cell are; nothing where no run tells."""
    title = header[column]
    match header[0]:
        case "way, vectors":
            group = row.replace(", crop", ", crop vectors").replace(", head", ", our head's vectors")
            found = [("rivals-1", group, name) for name in RIVALS[column - 1]]
        case "heroes":
            found = [("heroes-1", title, name) for start, name in HEROES.items() if row.startswith(start)]
        case "labels of looks":
            found = [("labels-1", "labels", name) for start, name in LABELS.items() if row.startswith(start)]
        case "attribute":
            found = _attribute(title, row)
        case looks if looks.startswith("looks,"):
            found = [("looks-1", title, name) for name in COLUMNS[row]]
        case "copy":
            found = [(protocol, row.replace(" ", "_"), name) for name in COLUMNS[title]]
        case _ if protocol == "growth-2":
            found = [(GROWTH[title][0], row, GROWTH[title][1])] if title in GROWTH else []
        case _:
            found = [(protocol, row, name) for name in COLUMNS.get(title, ())]
    return found


def _attribute(title: str, row: str) -> list[Key]:
    names = {"accuracy": ["others"], "calibration error": ["person", "animal"]}.get(title, [])
    if row != "people and other animals":
        names = [row][: len(names)]
    return [("attributes-1", title, name) for name in names]


def formed(like: re.Match[str], measure: Measure) -> str:
    """A figure in the form of the one that it replaces."""
    hundred = 100 if like["percent"] else 1
    decimals = len(like["value"].partition(".")[2])
    if like["percent"] and not decimals and measure.value not in {0.0, 1.0}:
        decimals = 1

    def told(value: float) -> str:
        text = f"{value * hundred:.{decimals}f}"
        return text if like["percent"] else re.sub(r"^(-?)0\.", r"\1.", text)

    value = told(measure.value)
    if like["percent"] and float(value) in {0.0, 100.0}:
        value = f"{float(value):.0f}"
    interval = f" [{told(measure.low)}, {told(measure.high)}]" if like["low"] else ""
    return value + (" %" if like["percent"] else "") + interval


def refreshed(page: str, found: dict[Key, Measure]) -> Iterator[str]:
    """The lines of a page, their figures replaced."""
    protocol: str = ""
    header: list[str] = []
    for line in page.splitlines():
        named = re.findall(r"`([a-z0-9]+(?:-[a-z0-9]+)*-\d)`", line)
        protocol = named[-1] if named else protocol
        if not line.startswith("|"):
            header = []
            yield line
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not header:
            header = cells
        elif set(line) - set("|- "):
            for column in range(1, len(cells)):
                asked = keys(protocol, header, cells[0], column)
                cells[column] = _refilled(cells[column], [found[key] for key in asked if key in found])
            yield "| " + " | ".join(cells) + " |"
            continue
        yield line


def _refilled(cell: str, measures: list[Measure]) -> str:
    """A cell with other figures; as it is where they are not as many."""
    if len(NUMBER.findall(cell)) != len(measures):
        return cell
    left = iter(measures)
    return NUMBER.sub(lambda like: formed(like, next(left)), cell)


def main() -> None:
    """Fill the tables, and print which lines changed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path, help="folder of a run of eval all")
    parser.add_argument("page", type=Path, nargs="?", default=Path("docs/evaluation.md"))
    told = parser.parse_args()
    results = read_results(told.results / RESULTS)
    found = {
        (outcome.protocol, measure.group, measure.name): measure
        for outcome in results.outcomes
        for measure in outcome.measures
    }
    before = told.page.read_text()
    lines = list(refreshed(before, found))
    told.page.write_text("\n".join(lines) + "\n")
    for old, new in zip(before.splitlines(), lines, strict=True):
        if old != new:
            sys.stdout.write(f"- {old}\n+ {new}\n")


if __name__ == "__main__":
    main()
