from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from sploot_media_clustering.adapters.embedding_cache import FolderEmbeddingStore
from sploot_media_clustering.adapters.filesystems import FileSystems
from sploot_media_clustering.domain.album import PhotoEmbedding
from sploot_media_clustering.errors import ConfigurationError, SourceUnavailableError

KEYS = [f"key {number}" for number in range(20)]


def photo(image_id: str) -> PhotoEmbedding:
    return PhotoEmbedding(image_id, None, 40, 30, np.ones(8, np.float16), (), "net-1")


def folder_store(root: Path | str) -> FolderEmbeddingStore:
    return FolderEmbeddingStore(str(root), FileSystems())


def files_of(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file())


def test_another_process_finds_what_was_saved(tmp_path: Path) -> None:
    """By path or by file URI, in a folder that was not there before."""
    root = tmp_path / "cache" / "embeddings"
    folder_store(root).save([(key, photo(key)) for key in KEYS])
    assert all(folder_store(root.as_uri()).load(KEYS))
    assert len(files_of(root)) == len(KEYS)


def test_looking_makes_no_folder(tmp_path: Path) -> None:
    """A run that only reads leaves no trace."""
    assert folder_store(tmp_path / "cache").load(["a"]) == [None]
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("damage", [b"", b"SPLE", b"not ours at all"])
def test_a_damaged_entry_is_missing_and_made_again(
    tmp_path: Path, damage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """The first one is logged, the others beside it are found, and saving mends it."""
    store = folder_store(tmp_path)
    store.save([(key, photo(key)) for key in KEYS])
    damaged = files_of(tmp_path)[:3]
    for path in damaged:
        path.write_bytes(damage)
    with caplog.at_level(logging.WARNING):
        loaded = store.load(KEYS)
    assert sum(found is None for found in loaded) == len(damaged)
    assert len(caplog.records) == 1
    store.save([(key, photo(key)) for key in KEYS])
    assert all(store.load(KEYS))


def test_entries_that_were_swapped_are_missing(tmp_path: Path) -> None:
    """An entry knows its key."""
    store = folder_store(tmp_path)
    store.save([("a", photo("a")), ("b", photo("b"))])
    one, other = files_of(tmp_path)
    one_data = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(one_data)
    assert store.load(["a", "b"]) == [None, None]


@pytest.mark.parametrize("stopped_at", range(1, 6))
def test_an_interrupted_save_leaves_whole_entries_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stopped_at: int
) -> None:
    """Ctrl-C in the middle of a file: what was there stays, nothing half-written is left, old or new."""
    store = folder_store(tmp_path)
    keys = KEYS[:5]
    store.save([(key, photo("old")) for key in keys])
    write_bytes, calls = Path.write_bytes, []

    def interrupted(path: Path, data: bytes) -> int:
        calls.append(path)
        if len(calls) == stopped_at:
            write_bytes(path, data[: len(data) // 2])
            raise KeyboardInterrupt
        return write_bytes(path, data)

    monkeypatch.setattr(Path, "write_bytes", interrupted)
    with pytest.raises(KeyboardInterrupt):
        store.save([(key, photo("new")) for key in keys])
    found = [entry.image_id for entry in store.load(keys) if entry is not None]
    assert sorted(found) == ["new"] * (stopped_at - 1) + ["old"] * (len(keys) - stopped_at + 1)
    assert len(files_of(tmp_path)) == len(keys)


def test_a_folder_that_can_not_be_used_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Photos are embedded without it, and the place and the reason are named."""
    (tmp_path / "file").touch()
    store = folder_store(tmp_path / "file" / "cache")
    for _ in range(2):
        assert store.load(["a", "b"]) == [None, None]
        store.save([("a", photo("a"))])
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "Not a directory" in record.message
    assert str(tmp_path / "file" / "cache") in record.message


def test_a_place_that_can_not_hold_files_is_refused() -> None:
    """When it is set up, not after the first thousand photos."""
    with pytest.raises(ConfigurationError, match="ftp://example"):
        folder_store("ftp://example.org/cache")


def test_a_store_that_does_not_answer_is_no_empty_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trying again helps; embedding everything anew does not."""
    store = folder_store("memory://answers/nothing")

    def fail(*_args: object, **_options: object) -> None:
        raise ConnectionResetError("gone")

    monkeypatch.setattr("fsspec.implementations.memory.MemoryFileSystem.cat_file", fail)
    with pytest.raises(SourceUnavailableError, match="ConnectionResetError"):
        store.load(["a"])
