"""Folders handed to the service one after another, over a real store that no worker looks at."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from embedded_server import on_store, server_url
from typer.testing import Result

from sploot_media_clustering.adapters.redis_jobs import RedisJobQueue
from sploot_media_clustering.adapters.redis_store import RedisPetStore
from sploot_media_clustering.services import album_record
from sploot_media_clustering.services.album_record import AlbumRecord, Source
from sploot_media_clustering.services.job_ports import Commit

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def _store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", server_url())
    on_store(lambda connection: connection.execute("FLUSHALL"))


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Two with other photos of the same name."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "IMG_1.jpg").write_bytes(name.encode())
    return tmp_path / "a", tmp_path / "b"


def handed_in() -> list[list[str]]:
    jobs = on_store(lambda connection: RedisJobQueue(connection).coming("milo"))
    return [[image.image_id for image in job.images] for job in jobs]


def test_a_second_folder_replaces_no_photo_of_the_first(run: Run, folders: tuple[Path, Path]) -> None:
    """Whether the album has it or it is still on its way; the same folder again is the same photos."""
    first, second = folders
    told = run("submit", "milo", first, "--json")
    assert json.loads(told.stdout)["renamed"] == {}
    assert "is called" not in told.stderr
    told = run("submit", "milo", second, "--json")
    assert json.loads(told.stdout)["renamed"] == {"IMG_1.jpg": "b/IMG_1.jpg"}
    assert "IMG_1.jpg is called b/IMG_1.jpg in the album: " in told.stderr
    run("submit", "milo", first)
    run("submit", "milo", second)
    assert handed_in() == [["IMG_1.jpg"], ["b/IMG_1.jpg"], ["IMG_1.jpg"], ["b/IMG_1.jpg"]]


def test_a_folder_that_was_moved_is_the_same_photos(run: Run, folders: tuple[Path, Path]) -> None:
    """What the album has under a name is known by its bytes, wherever it lies now."""
    first, second = folders
    source = Source((first / "IMG_1.jpg").as_uri(), hashlib.sha256(b"a").digest())
    record = album_record.pack(AlbumRecord(sources={"IMG_1.jpg": source}))
    on_store(
        lambda connection: RedisPetStore(connection).commit(Commit("milo", ("x",), 0, 1, record, b"{}", b""))
    )
    moved = first.rename(first.with_name("c"))
    run("submit", "milo", moved, "--job-id", "moved")
    run("submit", "milo", moved, second, "--job-id", "both")
    again = run("submit", "milo", moved, second, "--job-id", "both")
    assert again.exit_code == 0, again.output
    assert handed_in() == [["IMG_1.jpg"], ["b/IMG_1.jpg", "IMG_1.jpg"]]
