"""The command, run in the test's own process and folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from sploot_media_clustering.entrypoints.cli.app import app


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for all tests of a module that don't look at it."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def run(cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Result]:
    """Runs the command in this process, in a folder of the test's own; ``told`` is typed in."""
    monkeypatch.setenv("SPLOOT_CACHE", str(cache))
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments: object, told: str | None = None) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments], input=told)

    return invoke
