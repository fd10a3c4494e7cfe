"""``up``, before anything is started."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from sploot_media_clustering.entrypoints.cli import up
from sploot_media_clustering.entrypoints.cli.app import app


def test_a_store_that_is_not_there_is_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 5 and where it was looked for; no process is started."""

    def started(_workers: int, _port: int) -> list[up.Command]:
        raise NotImplementedError("nothing should have been started")

    monkeypatch.setenv("REDIS_URL", f"unix://me:secret@{tmp_path}/none.sock")
    monkeypatch.setattr(up, "_require_free", lambda _port: None)
    monkeypatch.setattr(up, "_up", started)
    done = CliRunner().invoke(app, ["up"])
    assert done.exit_code == 5, done.stderr
    assert f"expected a store at unix://{tmp_path}/none.sock" in done.stderr
    assert "secret" not in done.stderr
