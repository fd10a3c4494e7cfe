"""Packages side by side: agreement of each, and what it costs."""

from __future__ import annotations

import pytest
from judged_home import judged_home

from sploot_media_clustering.evaluation import embedders
from sploot_media_clustering.evaluation.embedders import (
    Cost,
    MeasuredEmbedder,
    cost_of,
    embedders_outcomes,
    memory_mb,
    results_of,
)
from sploot_media_clustering.services.fakes import FakeEmbedder


def test_every_package_is_told_with_what_it_gains_and_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """One row and one point each, gains over the first by household; networks differ, nothing is judged."""
    home = judged_home()
    monkeypatch.setattr(embedders, "fits_left_out", lambda _: [(0, home.identity)])
    results = results_of(home.vectors, draws=2)
    found = [
        MeasuredEmbedder("small", results, Cost(4.0, 50.0), 224, 6.3),
        MeasuredEmbedder("large", results, Cost(8.0, None), 260, 7.9),
    ]
    means, by_set = embedders_outcomes(found)
    assert means.value("small", "v_measure") == pytest.approx(1.0)
    assert means.value("small", "gain_v_measure") is None
    assert means.value("large", "gain_v_measure") == pytest.approx(0.0)
    assert means.value("small", "memory_mb") == pytest.approx(50.0)
    assert means.value("large", "memory_mb") is None
    assert means.value("large", "size_mb") == pytest.approx(7.9)
    assert means.plots[0].series[1].points == ((8.0, 1.0),)
    assert by_set.value(f"large, {results[0].name}", "bcubed_f") == pytest.approx(1.0)
    assert {measure.better for one in (means, by_set) for measure in one.measures} == {"neither"}
    assert [series.name for series in means.plots[0].series] == ["small", "large"]


def test_time_and_memory_are_measured() -> None:
    """Time is not nothing; memory is what came on top, where the operating system tells."""
    cost = cost_of(FakeEmbedder)
    assert cost.view_ms > 0.0
    assert (cost.memory_mb is None) == (memory_mb("VmRSS") is None)
    assert (memory_mb("VmHWM") or 0.0) >= 0.0
