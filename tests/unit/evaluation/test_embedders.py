"""Packages side by side: agreement of each, and what it costs."""

from __future__ import annotations

import pytest
from judged_home import judged_home

from sploot_media_clustering.evaluation import embedders
from sploot_media_clustering.evaluation.embedders import embedders_outcome, measured_embedder, view_ms
from sploot_media_clustering.services.fakes import FakeEmbedder


def test_every_package_is_told_with_its_time_and_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """One row and one point each; networks are the difference, and nothing is judged."""
    home = judged_home()
    monkeypatch.setattr(embedders, "fits_left_out", lambda _: [(0, home.identity)])
    fake = FakeEmbedder()
    found = [measured_embedder(name, home.vectors, fake, 6_300_000, draws=2) for name in ("small", "large")]
    outcome = embedders_outcome(found)
    assert outcome.value("small", "v_measure") == pytest.approx(1.0)
    assert outcome.value("large", "size_mb") == pytest.approx(6.3)
    assert outcome.value("small", "input_px") == fake.input_px
    assert {measure.better for measure in outcome.measures} == {"neither"}
    assert [series.name for series in outcome.plots[0].series] == ["small", "large"]


def test_time_is_of_one_view() -> None:
    """It is not nothing."""
    assert view_ms(FakeEmbedder()) > 0.0
