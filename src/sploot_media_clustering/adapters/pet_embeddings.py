"""Embeddings by album and photo, in a folder or an object store, so that they can go with them."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Collection
from pathlib import Path

from sploot_media_clustering.adapters.embedding_cache import FolderEmbeddingStore
from sploot_media_clustering.adapters.filesystems import LOCAL, FileSystems, protocol_of
from sploot_media_clustering.domain.album import PhotoEmbedding
from sploot_media_clustering.errors import SourceUnavailableError


class FolderPetEmbeddings:
    """Implements :class:`~sploot_media_clustering.services.job_ports.PetEmbeddings`.

    Names of albums and photos are digests, since they come from outside.

    Args:
        root: a folder, or the URI of one.
        file_systems: which stores may be used.
    """

    def __init__(self, root: str, file_systems: FileSystems) -> None:
        self._root = root.rstrip("/")
        self._file_systems = file_systems

    def load(self, pet_id: str, image_id: str, key: str) -> PhotoEmbedding | None:
        """What was kept of a photo under a key, or None."""
        return self._store(pet_id, image_id).load([key])[0]

    def save(self, pet_id: str, image_id: str, key: str, embedding: PhotoEmbedding) -> None:
        """Keep an embedding."""
        self._store(pet_id, image_id).save([(key, embedding)])

    def erase(self, pet_id: str, image_ids: Collection[str] | None = None) -> None:
        """Delete those of some photos, or of the album; repeating it does no harm."""
        if image_ids is None:
            self._delete(self._folder(pet_id))
        for image_id in image_ids or ():
            self._delete(self._folder(pet_id, image_id))

    def _store(self, pet_id: str, image_id: str) -> FolderEmbeddingStore:
        return FolderEmbeddingStore(self._folder(pet_id, image_id), self._file_systems)

    def _folder(self, *names: str) -> str:
        return "/".join([self._root, *(hashlib.sha256(name.encode()).hexdigest() for name in names)])

    def _delete(self, folder: str) -> None:
        try:
            if protocol_of(folder) == LOCAL:
                shutil.rmtree(Path(folder.removeprefix("file://")).expanduser())
            else:
                self._file_systems.open(folder).rm(folder, recursive=True)
        except FileNotFoundError:
            return
        except Exception as error:
            raise SourceUnavailableError(
                f"expected to delete embeddings, got {type(error).__name__}; check the store's permissions"
            ) from error
