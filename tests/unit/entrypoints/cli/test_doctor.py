"""What the doctor looks for."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from sploot_media_clustering.entrypoints.cli import doctor
from sploot_media_clustering.entrypoints.cli.app import app

EXTRAS = ("s3", "gcs", "http", "signing", "service", "tracing", "training", "evaluation")


def test_every_extra_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """With how to get it where it is missing."""
    monkeypatch.setattr(doctor, "_is_there", lambda module: not module)
    monkeypatch.setattr(doctor, "_model_is_well", lambda settings: settings is not None)
    told = CliRunner().invoke(app, ["doctor"]).stdout
    for extra in EXTRAS:
        assert f"[{extra}]" in told


def test_a_part_of_what_is_not_installed_is_not_there() -> None:
    """It is an answer, and no error."""
    assert not doctor._is_there("nothing_of_this_name.part")
    assert doctor._is_there("importlib.util")
