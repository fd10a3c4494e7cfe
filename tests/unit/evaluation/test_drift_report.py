"""What a look for drift came to, for people: every line in Markdown, and a picture."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import numpy as np
import pytest
from PIL import Image

from sploot_media_clustering.domain.drift import Terms
from sploot_media_clustering.evaluation.drift_report import markdown, verdict
from sploot_media_clustering.services.drift import (
    FIGURES,
    AlbumView,
    DriftReport,
    Reference,
    checked,
    recorded,
)

AT = datetime(2026, 5, 1, tzinfo=UTC)


def albums(seed: int, shift: float = 0.0) -> list[AlbumView]:
    rng = np.random.default_rng(seed)
    return [
        AlbumView(
            photos=3,
            figures={name: float(shift + rng.normal()) for name in FIGURES},
            vectors={name: rng.normal(size=(3, 4)).astype(np.float32) for name in ("photos", "animals")},
        )
        for _ in range(10)
    ]


@pytest.fixture(scope="module")
def reference() -> Reference:
    return recorded(albums(1), "model-1", AT)


def report(reference: Reference, shift: float) -> DriftReport:
    return checked(reference, albums(2, shift), AT, terms=Terms(permutations=199), other_models=4)


def test_all_that_was_looked_at_is_told(reference: Reference) -> None:
    """In a table, with what rang; the verdict names both samples."""
    told = markdown(report(reference, 3.0), "drift.png")
    assert told.count("**alarm**") >= len(FIGURES) / 2
    assert all(f"| {name} |" in told for name in (*FIGURES, "photos", "animals"))
    assert "![Effects, distributions and albums](drift.png)" in told
    assert "10 albums with 30 photos" in verdict(report(reference, 3.0))
    assert "4 albums of other models" in told


def test_where_nothing_rings_that_is_told(reference: Reference) -> None:
    """And no picture is named where there is none."""
    calm = report(reference, 0.0)
    assert not calm.alarms
    assert verdict(calm).startswith("Nothing has drifted")
    assert "![" not in markdown(calm)


def test_the_picture_can_be_opened(reference: Reference) -> None:
    """Also where an album has nothing to tell."""
    plots = pytest.importorskip(
        "sploot_media_clustering.evaluation.drift_plots", reason="needs the extra evaluation"
    )
    seen = albums(2, 3.0)
    seen[0] = AlbumView(1, {}, {name: np.zeros((0, 0), np.float32) for name in ("photos", "animals")})
    told = checked(reference, seen, AT, terms=Terms(permutations=199))
    with Image.open(io.BytesIO(plots.drawn(told, reference, seen))) as picture:
        assert picture.format == "PNG"
        assert min(picture.size) > 1000
        assert len(picture.convert("RGB").getcolors(1 << 20) or ()) > 50
