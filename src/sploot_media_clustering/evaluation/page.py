"""The report of an evaluation: one HTML file with its drawings inside, and the same figures in Markdown.

No photo is in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from sploot_media_clustering.evaluation.gate import Check
from sploot_media_clustering.evaluation.goals import Reached, reached
from sploot_media_clustering.evaluation.outcome import Matrix, Plot
from sploot_media_clustering.evaluation.plots import drawn, legend, shaded
from sploot_media_clustering.evaluation.results import Results
from sploot_media_clustering.evaluation.summary import summary_of
from sploot_media_clustering.evaluation.tables import cell, number, plain, table_of

_TEMPLATES: Final = "templates"
_PAGE: Final = "evaluation.html"
TITLE: Final = "Evaluation"


def rendered(
    results: Results, gate: Sequence[Check] = (), *, title: str = TITLE, notes: Sequence[str] = ()
) -> str:
    """The report as a page that needs nothing else.

    Args:
        results: of an evaluation.
        gate: figures against their baseline, where there is one.
        title: of the page.
        notes: sentences below it.
    """
    environment = Environment(
        loader=PackageLoader("sploot_media_clustering.evaluation", _TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"table_of": table_of, "number": number, "plain": plain}
    environment.filters |= {"drawn": _drawn, "legend": legend, "anchor": _anchor}
    return environment.get_template(_PAGE).render(
        results=results,
        gate=sorted(gate, key=lambda one: one.holds),
        lost=sum(not one.holds for one in gate),
        goals=_missed_first(results),
        summary=[*summary_of(results), *notes],
        title=title,
    )


def markdown(
    results: Results, gate: Sequence[Check] = (), *, title: str = TITLE, notes: Sequence[str] = ()
) -> str:
    """The report in Markdown, without drawings; see :func:`rendered`."""
    lines = [f"# {title}", "", *summary_of(results), *notes, ""]
    lines += [f"Version {results.version}, model {results.model}.", ""]
    lines += ["| data set | animals | photos |", "| --- | --- | --- |"]
    lines += [f"| {one.name} | {one.animals} | {one.photos} |" for one in results.sets]
    goals = _missed_first(results)
    if goals:
        lines += ["", "## Goals", "", "| figure | now | must | aim | |", "| --- | --- | --- | --- | --- |"]
        lines += [_goal_line(one) for one in goals]
    if gate:
        lines += ["", "## Gate", "", "| figure | baseline | now | |", "| --- | --- | --- | --- |"]
        lines += [_gate_line(one) for one in sorted(gate, key=lambda one: one.holds)]
    for outcome in results.outcomes:
        table = table_of(outcome)
        lines += ["", f"## {outcome.title}", "", f"Protocol `{outcome.protocol}`; {outcome.judged_by}.", ""]
        lines += [_line(table.headings), _line(["---"] * len(table.headings))]
        lines += [_line([row.name, *(cell(measure) for measure in row.measures)]) for row in table.rows]
    if results.left_out:
        lines += ["", "## Left out", ""]
        lines += [f"- {name}: {reason}" for name, reason in results.left_out]
    return "\n".join(lines) + "\n"


def _missed_first(results: Results) -> list[Reached]:
    return sorted(reached(results.outcomes), key=lambda one: one.met)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(one.replace('|', '/') for one in cells)} |"


def _goal_line(one: Reached) -> str:
    goal = one.goal
    name = f"{goal.protocol}: {goal.group}: {plain(goal.measure)}"
    figures = (number(goal.measure, value) for value in (one.value, goal.must, goal.aim))
    return _line([name, *figures, "aim" if one.aimed else "met" if one.met else "missed"])


def _gate_line(one: Check) -> str:
    expected = one.expected
    name = f"{expected.protocol}: {expected.group}: {plain(expected.measure)}"
    figures = (number(expected.measure, value) for value in (expected.value, one.got))
    return _line([name, *figures, "holds" if one.holds else "lost"])


def _drawn(drawing: Plot | Matrix) -> Markup:
    # The drawings escape what they are told; nothing else is in them.
    return Markup(drawn(drawing) if isinstance(drawing, Plot) else shaded(drawing))  # noqa: S704


def _anchor(text: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in text.lower())
