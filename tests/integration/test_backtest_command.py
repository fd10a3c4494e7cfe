"""``backtest``: folders, files of jobs and the service's albums through two candidates."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cat_album import write_album
from typer.testing import Result

from sploot_media_clustering.adapters import redis_keys as keys
from sploot_media_clustering.adapters.embedded_store import embedded_store
from sploot_media_clustering.adapters.redis_connection import connect
from sploot_media_clustering.services import album_record
from sploot_media_clustering.services.album_record import AlbumRecord, Source, Told
from sploot_media_clustering.services.jobs import Position

Run = Callable[..., Result]


def figures(folder: str) -> dict[tuple[str, str], float]:
    told = json.loads((Path(folder) / "results.json").read_text())["outcomes"][0]["measures"]
    return {(part["group"], part["name"]): part["value"] for part in told}


def test_folders_are_replayed_with_their_animals(run: Run, tmp_path: Path) -> None:
    """A folder inside an album's is an animal; two equal candidates do not differ."""
    write_album(tmp_path / "homes/one/chelsea", 0, 1, 2)
    told = run("backtest", "homes", "--old", "mixture", "--new", "mixture", "--photos", 2, "--out", "out")
    assert told.exit_code == 0, told.output
    found = figures("out")
    assert found["old: mixture", "bcubed_f"] == found["new: mixture", "bcubed_f"]
    assert found["new - old", "churn"] == 0.0
    assert "threshold" in told.stdout
    assert "# Backtest" in Path("out/report.md").read_text()
    assert "<h1>Backtest</h1>" in Path("out/report.html").read_text()


def test_files_of_jobs_tell_labels_and_animals(run: Run, tmp_path: Path) -> None:
    """As they were published, an album's jobs in their order; a line that is no job is named."""
    folder = write_album(tmp_path / "photos", 0, 1)
    images = [
        {"image_id": f"{n}", "uri": (folder / f"{n:02d}.jpg").as_uri(), "label": "asleep"} for n in range(2)
    ]
    job = {"pet_id": "milo", "images": images, "metadata": {"animals": {"0": "Milo", "1": "Milo"}}}
    Path("jobs.jsonl").write_text(json.dumps(job) + "\n\n")
    told = run("backtest", "jobs.jsonl", "--old", "stub", "--new", "mixture", "--out", "out")
    assert told.exit_code == 0, told.output
    assert figures("out")["old: stub", "unassigned"] == 0.0
    Path("jobs.jsonl").write_text("{}\n")
    told = run("backtest", "jobs.jsonl")
    assert told.exit_code == 3
    assert "line 1" in told.stderr


async def filled(url: str, folder: Path) -> None:
    """An album whose photos came in two jobs."""
    record = AlbumRecord(
        images={f"{n}": Position(1000 + n, 0) for n in range(2)},
        sources={f"{n}": Source((folder / f"{n:02d}.jpg").as_uri(), b"") for n in range(2)},
        told={"0": Told(Position(1000, 0), "asleep", 0.5)},
    )
    connection = connect(url)
    packed = album_record.pack(record)
    await connection.execute("HSET", keys.album("milo"), "version", 1, "record", packed)
    await connection.execute("HSET", keys.RELAYED, "milo", 1)
    await connection.close()


def test_albums_of_the_service_are_replayed(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As their photos came; where there are none, that is told."""
    for name in ("REDIS_URL", "SPLOOT_LOCAL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SPLOOT_STORE", str(tmp_path / "store"))
    folder = write_album(tmp_path / "photos", 0, 1)
    with embedded_store(tmp_path / "store") as store:
        assert run("backtest").exit_code == 3
        asyncio.run(filled(store.url, folder))
        told = run("backtest", "--old", "stub", "--new", "mixture", "--out", "out")
        assert told.exit_code == 0, told.output
    assert figures("out")["new: mixture", "job_ms"] > 0
