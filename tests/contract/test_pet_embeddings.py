"""What every store of an album's embeddings promises."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from memory_store import MemoryPetEmbeddings

from sploot_media_clustering.adapters.filesystems import FileSystems
from sploot_media_clustering.adapters.pet_embeddings import FolderPetEmbeddings
from sploot_media_clustering.domain.album import PhotoEmbedding
from sploot_media_clustering.services.job_ports import PetEmbeddings


@pytest.fixture(params=["memory", "folder", "object store"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> PetEmbeddings:
    return {
        "memory": MemoryPetEmbeddings,
        "folder": lambda: FolderPetEmbeddings(str(tmp_path), FileSystems()),
        "object store": lambda: FolderPetEmbeddings(f"memory://kept/{uuid4().hex}", FileSystems()),
    }[request.param]()


def photo(value: float) -> PhotoEmbedding:
    return PhotoEmbedding("a", None, 40, 30, np.full(4, value, np.float16), (), "net-1")


def value_of(kept: PetEmbeddings, pet_id: str, image_id: str, key: str = "k") -> float | None:
    found = kept.load(pet_id, image_id, key)
    return None if found is None else float(found.embedding[0])


def test_what_is_kept_is_found_by_album_photo_and_key(kept: PetEmbeddings) -> None:
    """And by nothing less; names may be anything, and reach nowhere."""
    kept.save("milo", "../a", "k", photo(0.5))
    kept.save("bella", "../a", "k", photo(0.25))
    assert value_of(kept, "milo", "../a") == 0.5
    assert value_of(kept, "bella", "../a") == 0.25
    assert value_of(kept, "milo", "../a", "other") is None
    assert value_of(kept, "milo", "b") is None


def test_what_is_erased_is_gone_and_nothing_else(kept: PetEmbeddings) -> None:
    """Photos, or all of an album; again without harm, and it can be kept anew."""
    for pet_id in ("milo", "bella"):
        for image_id in ("a", "b"):
            kept.save(pet_id, image_id, "k", photo(0.5))
    for _ in range(2):
        kept.erase("milo", ["a", "unknown"])
    assert [value_of(kept, "milo", name) for name in ("a", "b")] == [None, 0.5]
    for _ in range(2):
        kept.erase("milo")
    assert value_of(kept, "milo", "b") is None
    assert value_of(kept, "bella", "a") == 0.5
    kept.save("milo", "b", "k", photo(0.125))
    assert value_of(kept, "milo", "b") == 0.125
