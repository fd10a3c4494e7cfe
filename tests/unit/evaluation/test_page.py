"""Tables, drawings and reports: nothing is lost, nothing is let in, and all of it can be read back."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest

from sploot_media_clustering.errors import DatasetError
from sploot_media_clustering.evaluation.gate import Expected, checks
from sploot_media_clustering.evaluation.goals import reached
from sploot_media_clustering.evaluation.outcome import Matrix, Measure, Outcome, Plot, Series
from sploot_media_clustering.evaluation.page import markdown, rendered
from sploot_media_clustering.evaluation.plots import Scale, drawn, legend, shaded
from sploot_media_clustering.evaluation.results import MeasuredSet, Results, encoded, merged, read_results
from sploot_media_clustering.evaluation.summary import summary_of
from sploot_media_clustering.evaluation.tables import cell, number, plain, table_of

SVG_CIRCLE = "circle"
CURVE = Plot(
    "Growth", "share", "V-measure", (Series("a", ((0.1, 0.5), (1.0, 0.9))), Series("b", ((0.1, 0.4),)))
)
CONFUSION = Matrix("home: who", ("milo", "<luna>"), ((1.0, 0.25), (0.25, 0.9)))
HOUSEHOLDS = Outcome(
    "households-e2e-1",
    "Which animal",
    "heads & more",
    (
        Measure("home", "purity", 0.9, 0.85, 0.95, 40),
        Measure("mean of sets", "purity", 0.9),
        Measure("mean of sets", "unassigned", 0.012, better="lower"),
        Measure("mean of sets", "clusters_per_group", 1.04, better="one"),
        Measure("mean of sets", "alone_clusters", None, better="one"),
        Measure("home_cats", "purity", 0.89),
    ),
    (CURVE,),
    (CONFUSION,),
)
RESULTS = Results(
    1, "0.1.0", "model-1", (MeasuredSet("home", 2, 12),), (HOUSEHOLDS,), (("words", "nobody <rated>"),)
)


def test_results_are_read_back_as_they_were(tmp_path: Path) -> None:
    """Figures without a value among them."""
    path = tmp_path / "results.json"
    path.write_bytes(encoded(RESULTS))
    assert read_results(path) == RESULTS


def test_parts_become_one_in_their_order() -> None:
    """Outcomes and reasons of all; of nothing there are no results."""
    other = replace(RESULTS, outcomes=(replace(HOUSEHOLDS, protocol="other-1"),), left_out=())
    whole = merged([other, RESULTS])
    assert [outcome.protocol for outcome in whole.outcomes] == ["other-1", "households-e2e-1"]
    assert whole.left_out == RESULTS.left_out
    with pytest.raises(DatasetError, match="nothing can be measured: nobody <rated>"):
        merged([replace(RESULTS, outcomes=())])


def test_a_file_that_holds_no_results_is_named(tmp_path: Path) -> None:
    """With what would make one."""
    (tmp_path / "results.json").write_text("[]")
    with pytest.raises(DatasetError, match=r"results\.json to be a results\.json of 'eval all'"):
        read_results(tmp_path / "results.json")
    with pytest.raises(DatasetError, match="run 'eval all'"):
        read_results(tmp_path / "none.json")


def test_a_table_has_a_row_a_group_or_a_row_a_measure() -> None:
    """Whichever is the longer; what was not measured is an empty cell."""
    table = table_of(HOUSEHOLDS)
    assert table.headings[0] == "measure"
    assert [row.name for row in table.rows] == [
        "purity",
        "unassigned",
        "clusters per group",
        "alone clusters",
    ]
    many = replace(HOUSEHOLDS, measures=tuple(Measure(name, "v_measure", 0.5) for name in "abcde"))
    assert table_of(many).headings == ("", "V-measure")
    assert [row.name for row in table_of(many).rows] == list("abcde")


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("purity", 0.9, ".900"),
        ("behind", -0.01, "-.010"),
        ("x", 10.0, "10.000"),
        ("refit_ms", 3.456, "3.46"),
        ("x", None, "-"),
    ],
)
def test_numbers_have_the_digits_that_say_something(name: str, value: float | None, told: str) -> None:
    """And no more."""
    assert number(name, value) == told


def test_cells_tell_intervals() -> None:
    """Where there are any."""
    assert cell(Measure("a", "purity", 0.9, 0.85, 1.0)) == ".900 (.850-1.000)"
    assert cell(Measure("a", "purity", 0.9)) == ".900"
    assert cell(None) == ""
    assert plain("alone_bcubed_f") == "alone BCubed F"


def test_every_point_is_drawn_in_the_frame() -> None:
    """And the drawing is well-formed."""
    for plot in (CURVE, replace(CURVE, kind="scatter", logarithmic=True), replace(CURVE, kind="reliability")):
        root = ET.fromstring(drawn(plot))  # noqa: S314 - our own
        width, height = float(root.get("width", 0)), float(root.get("height", 0))
        dots = [one for one in root.iter() if one.tag == SVG_CIRCLE]
        assert len(dots) == 3
        assert all(
            0 < float(dot.get("cx", -1)) < width and 0 < float(dot.get("cy", -1)) < height for dot in dots
        )


def test_labels_of_points_do_not_cover_each_other() -> None:
    """Of two at one place, the second moves aside."""
    crowd = tuple(Series(f"rival {i}", ((0.5, 0.5 + i / 1000),)) for i in range(3))
    root = ET.fromstring(drawn(Plot("x", "a", "b", crowd, "scatter")))  # noqa: S314 - our own
    labels = [one for one in root.iter() if "label" in one.get("class", "").split()]
    places = {(one.get("class"), round(float(one.get("y", 0)) / 6)) for one in labels}
    assert len(places) == len(labels) == 3


def test_series_of_one_kind_have_one_colour() -> None:
    """Each its own otherwise, which begin again after eight."""
    alike = Plot("x", "a", "b", (Series("p", (), "crop"), Series("q", (), "crop"), Series("r", (), "ours")))
    assert legend(alike) == (("crop", 0), ("ours", 1))
    assert legend(CURVE) == (("a", 0), ("b", 1))
    assert legend(Plot("x", "a", "b", tuple(Series(str(i), ()) for i in range(9))))[-1] == ("8", 0)


def test_ticks_are_round_and_inside() -> None:
    """On both kinds of scale."""
    assert Scale(0.0, 1.0, 0, 100).ticks() == pytest.approx([0.0, 0.2, 0.4, 0.6, 0.8, 1.0])
    assert Scale(0.5, 40.0, 0, 100, logarithmic=True).ticks() == [1.0, 3.0, 10.0, 30.0]


def test_a_matrix_is_drawn_cell_by_cell() -> None:
    """With names that can't break the page."""
    root = ET.fromstring(shaded(CONFUSION))  # noqa: S314 - our own
    assert sum(one.tag == "rect" for one in root.iter()) == 4
    assert "<luna>" in "".join(root.itertext())
    assert "<luna>" not in shaded(CONFUSION)


def test_both_reports_hold_every_figure_and_reason() -> None:
    """Goals and gate among them; names are escaped."""
    gate = checks(RESULTS.outcomes, [Expected("households-e2e-1", "home", "purity", 0.95, 0.01, "higher")])
    page, text = rendered(RESULTS, gate), markdown(RESULTS, gate)
    for report in (page, text):
        for told in (".900", ".850", "households-e2e-1", "12", "missed", "lost"):
            assert told in report
    assert "nobody &lt;rated&gt;" in page
    assert "nobody <rated>" in text
    assert page.count("<svg") == 2
    assert "http" not in page.replace("http-equiv", "")


def test_a_report_without_goals_and_gate_says_nothing_of_them() -> None:
    """A person's own folder has neither."""
    own = replace(RESULTS, outcomes=(replace(HOUSEHOLDS, measures=HOUSEHOLDS.measures[:1]),))
    assert reached(own.outcomes) == []
    assert "Goals" not in rendered(own)
    assert "Gate" not in markdown(own)


def test_the_summary_speaks_of_animals() -> None:
    """Who is taken for whom, and how pure the clusters are; nothing where nothing was measured."""
    told = " ".join(summary_of(RESULTS))
    assert "90% of the photos" in told
    assert "<luna> and milo (25%)" in told
    assert summary_of(replace(RESULTS, outcomes=())) == []
    clean = replace(CONFUSION, values=((1.0, 0.0), (0.0, 1.0)))
    assert "no two animals are taken for each other" in " ".join(
        summary_of(replace(RESULTS, outcomes=(replace(HOUSEHOLDS, matrices=(clean,)),)))
    )
