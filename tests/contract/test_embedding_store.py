"""What every embedding store promises."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies_embedding import beartype_draws, photo_embeddings, same_bits

from sploot_media_clustering.adapters.embedding_cache import FolderEmbeddingStore
from sploot_media_clustering.adapters.filesystems import FileSystems
from sploot_media_clustering.domain.album import PhotoEmbedding
from sploot_media_clustering.services.fakes import MemoryEmbeddingStore
from sploot_media_clustering.services.ports import EmbeddingStore

MakeStore = Callable[[], EmbeddingStore]


@pytest.fixture(params=["memory", "folder", "object store"])
def make_store(request: pytest.FixtureRequest, tmp_path: Path) -> MakeStore:
    """Makes a store that is empty each time."""
    return {
        "memory": MemoryEmbeddingStore,
        "folder": lambda: FolderEmbeddingStore(str(tmp_path / uuid4().hex), FileSystems()),
        "object store": lambda: FolderEmbeddingStore(f"memory://cache/{uuid4().hex}", FileSystems()),
    }[request.param]


def photo(image_id: str, value: float = 0.5) -> PhotoEmbedding:
    return PhotoEmbedding(image_id, None, 40, 30, np.full(8, value, np.float16), (), "net-1")


@beartype_draws
@given(items=st.lists(st.tuples(st.text(max_size=8), photo_embeddings()), max_size=3))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_what_is_saved_comes_back_bit_by_bit(
    make_store: MakeStore, items: list[tuple[str, PhotoEmbedding]]
) -> None:
    """Under any key, times and offsets included; the last of two under one key stays."""
    store = make_store()
    store.save(items)
    expected = dict(items)
    loaded = store.load(list(expected))
    assert len(loaded) == len(expected)
    for found, saved in zip(loaded, expected.values(), strict=True):
        assert found is not None
        assert same_bits(found, saved)


def test_what_was_never_saved_is_none(make_store: MakeStore) -> None:
    """In the places of its keys, beside what is there."""
    store = make_store()
    assert store.load(["a", "b"]) == [None, None]
    store.save([("b", photo("b.jpg"))])
    first, second = store.load(["a", "b"])
    assert first is None
    assert second is not None


def test_keys_are_answered_in_the_order_asked_and_as_often(make_store: MakeStore) -> None:
    """A photo that is twice in an album is loaded twice."""
    store = make_store()
    store.save([(key, photo(key)) for key in "abc"])
    loaded = store.load(["c", "a", "c"])
    assert [found.image_id for found in loaded if found is not None] == ["c", "a", "c"]


def test_saving_again_replaces(make_store: MakeStore) -> None:
    """A photo embedded anew is the new one."""
    store = make_store()
    store.save([("a", photo("old"))])
    store.save([("a", photo("new"))])
    found = store.load(["a"])[0]
    assert found is not None
    assert found.image_id == "new"


def test_nothing_to_do_is_done(make_store: MakeStore) -> None:
    """Empty batches are no special case for callers."""
    store = make_store()
    store.save([])
    assert store.load([]) == []
