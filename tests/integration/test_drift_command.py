"""``drift``: albums of photos, of results and of the service, beside a reference."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cat_album import write_album
from typer.testing import Result

from sploot_media_clustering.adapters import redis_keys as keys
from sploot_media_clustering.adapters.drift_reference import read_reference
from sploot_media_clustering.adapters.embedded_store import embedded_store
from sploot_media_clustering.adapters.model_package import default_package
from sploot_media_clustering.adapters.package_heads import read_heads
from sploot_media_clustering.adapters.redis_connection import connect
from sploot_media_clustering.bootstrap import open_engine
from sploot_media_clustering.domain.album import PhotoEmbedding
from sploot_media_clustering.services import album_record, state_codec
from sploot_media_clustering.services.album_record import AlbumRecord
from sploot_media_clustering.services.jobs import Position

Run = Callable[..., Result]
ALBUMS = 8
MODEL = read_heads(default_package()).tree.version


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Albums of two photos of a cat each."""
    for number in range(ALBUMS):
        write_album(tmp_path / f"photos/{number}", number, (number + 3) % ALBUMS)
    return tmp_path / "photos"


def test_the_built_in_package_says_what_albums_look_like() -> None:
    """To the heads that it has: who fits them anew, records anew."""
    reference = read_reference(default_package())
    assert reference.model_version == MODEL
    assert len(reference.figures) > 100


def test_photos_beside_themselves_have_not_drifted(photos: Path, run: Run) -> None:
    """Nor have the results of `cluster`; the report is written, and JSON printed alone."""
    assert run("drift", photos, "--record", "usual.drift").exit_code == 0
    told = run("drift", photos, "--reference", "usual.drift", "--out", "report")
    assert told.exit_code == 0, told.output
    assert told.stdout.startswith("Nothing has drifted")
    assert "| photos |" in Path("report/drift.md").read_text()
    assert run("cluster", photos, "--by-folder", "--out", "clusters").exit_code == 0
    again = run("drift", "clusters", "--reference", "usual.drift", "--json")
    assert again.exit_code == 0, again.output
    assert (
        json.loads(again.stdout)["findings"] == json.loads(Path("report/drift.json").read_text())["findings"]
    )


def test_one_cat_beside_all_kinds_of_animals_has_drifted(photos: Path, run: Run) -> None:
    """And the exit code says so; too few albums are no answer."""
    told = run("drift", photos)
    assert told.exit_code == 1, told.output
    ringing = [line.split("  ")[0] for line in told.stdout.splitlines() if line.endswith("alarm")]
    assert {"photos", "animals"} <= set(ringing)
    few = run("drift", photos / "0")
    assert few.exit_code == 3
    assert "at least 8 albums" in few.stderr


def test_a_reference_that_is_none_is_told(photos: Path, run: Run) -> None:
    """With the command that makes one."""
    Path("bad.drift").write_bytes(b"nothing")
    for name in ("bad.drift", "missing.drift"):
        told = run("drift", photos, "--reference", name)
        assert told.exit_code == 3
        assert "--record" in told.stderr


def test_a_package_is_told_what_albums_look_like(photos: Path, run: Run, tmp_path: Path) -> None:
    """In place of what it knew, and it is whole then; a folder that is no package is refused."""
    package = shutil.copytree(default_package().folder, tmp_path / "package")
    assert run("drift", photos, "--record", package).exit_code == 0
    assert run("drift", photos, "--model", package).exit_code == 0
    assert run("drift", photos, "--record", photos).exit_code == 4


async def filled(url: str, photos: Path, versions: tuple[str, ...]) -> None:
    """Albums as workers leave them, of one model or another."""
    with open_engine() as engine:
        seen = [photo for photo in engine.embed(str(photos / "0")) if isinstance(photo, PhotoEmbedding)]
        state = engine.clustering.updated(engine.clustering.empty(), seen)
    connection = connect(url)
    for number, version in enumerate(versions):
        record = AlbumRecord(
            state=state_codec.pack(replace(state, model_version=version)),
            model_version=version,
            images={photo.image_id: Position(1000, 0) for photo in seen},
            version=1000 + number,
        )
        packed = album_record.pack(record)
        await connection.execute("HSET", keys.album(f"{number}"), "version", record.version, "record", packed)
        await connection.execute("HSET", keys.RELAYED, f"{number}", record.version)
    await connection.close()


def test_a_look_at_the_service_is_kept_for_its_figures(
    photos: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where `status` shows it; albums of other models are counted, and old photos are not looked at."""
    for name in ("REDIS_URL", "SPLOOT_LOCAL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SPLOOT_STORE", str(tmp_path / "store"))
    with embedded_store(tmp_path / "store") as store:
        asyncio.run(filled(store.url, photos, (*[MODEL] * ALBUMS, "another")))
        assert "drift" not in run("status").stdout
        told = run("drift", "--json")
        report = json.loads(told.stdout)
        assert (report["albums"], report["other_models"]) == (ALBUMS, 1)
        assert told.exit_code == 1
        assert "alarms on" in next(
            line for line in run("status").stdout.splitlines() if line.startswith("drift")
        )
        assert run("drift", "--since", 7, "--reference", "none.drift").exit_code == 3
        late = run("drift", "--since", 7)
        assert late.exit_code == 3
        assert "got 195 and 0" in late.stderr
