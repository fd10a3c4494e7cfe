"""Embeddings kept between runs, one small file each, in a local folder or an object store.

One file an entry needs no index that could be damaged, and a thousand of them are written in a fraction of a
second. An entry appears whole or not at all: local files are written beside their place and renamed into it,
and object stores show an object once it is complete.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Protocol

from fsspec.spec import AbstractFileSystem

from sploot_media_clustering.adapters.atomic_file import write_atomically
from sploot_media_clustering.adapters.embedding_codec import (
    DamagedEntryError,
    decode_embedding,
    encode_embedding,
)
from sploot_media_clustering.adapters.filesystems import LOCAL, FileSystems, protocol_of, shown
from sploot_media_clustering.domain.album import PhotoEmbedding
from sploot_media_clustering.errors import (
    ConfigurationError,
    SourceUnavailableError,
    SplootError,
    UnreadablePhotoError,
)

_log = logging.getLogger(__name__)

_SUFFIX: Final = ".embedding"
_SHARD_DIGITS: Final = 2
"""Of the key's digest: 256 folders, 400 files each for a hundred thousand photos."""


class FolderEmbeddingStore:
    """Embeddings kept in files; implements :class:`~sploot_media_clustering.services.ports.EmbeddingStore`.

    Safe to share between threads and processes. An entry that is damaged, or was written by another version
    of the format, counts as missing and is overwritten when its photo is saved again. A local folder that
    can't be used is warned of once, and holds nothing: a cache is no reason to stop.

    Args:
        root: a folder, or the URI of one; made when something is saved.
        file_systems: which stores may be used.
    """

    def __init__(self, root: str, file_systems: FileSystems) -> None:
        self._files: _Files = (
            _LocalFiles(Path(root.removeprefix("file://")).expanduser())
            if protocol_of(root) == LOCAL
            else _StoredObjects(root.rstrip("/"), _opened(root, file_systems))
        )
        self._root = root
        self._told: set[str] = set()

    def load(self, keys: Sequence[str]) -> list[PhotoEmbedding | None]:
        """The embedding stored under each key, or None.

        Raises:
            SourceUnavailableError: an object store can't be read.
        """
        names = [_name(key) for key in keys]
        contents: Mapping[str, bytes] = {}
        with self._survived():
            contents = self._files.read(names)
        return [
            self._decoded(key, contents[name]) if name in contents else None
            for key, name in zip(keys, names, strict=True)
        ]

    def save(self, items: Sequence[tuple[str, PhotoEmbedding]]) -> None:
        """Store embeddings, each complete or not at all, whenever the process ends.

        Raises:
            SourceUnavailableError: an object store can't be written.
        """
        with self._survived():
            self._files.write({_name(key): encode_embedding(key, photo) for key, photo in items})

    def _decoded(self, key: str, data: bytes) -> PhotoEmbedding | None:
        try:
            return decode_embedding(key, data)
        except DamagedEntryError as error:
            self._warn_once("embeddings in %s are damaged and will be made again: %s", str(error))
            return None

    @contextmanager
    def _survived(self) -> Iterator[None]:
        """The original error is not chained: drivers put whole URIs, secrets included, into theirs."""
        try:
            yield
        except SplootError:
            raise
        except Exception as error:  # noqa: BLE001 - each driver has an exception tree of its own
            reason = getattr(error, "strerror", None) or type(error).__name__
            if isinstance(self._files, _LocalFiles) and isinstance(error, OSError):
                self._warn_once("embeddings can't be kept in %s: %s; check its space and permissions", reason)
                return
            raise SourceUnavailableError(
                f"expected to keep embeddings in {shown(self._root)}, got: {reason}; try again later"
            ) from None

    def _warn_once(self, message: str, reason: str) -> None:
        if message not in self._told:
            self._told.add(message)
            _log.warning(message, shown(self._root), reason)


class _Files(Protocol):
    """Small files by name; a file is there whole or not at all."""

    def read(self, names: Sequence[str]) -> dict[str, bytes]:
        """The files that are there."""
        ...

    def write(self, contents: Mapping[str, bytes]) -> None:
        """Write files, replacing those of the same names."""
        ...


class _LocalFiles:
    def __init__(self, root: Path) -> None:
        self._root = root

    def read(self, names: Sequence[str]) -> dict[str, bytes]:
        contents = {}
        for name in names:
            with suppress(FileNotFoundError):
                contents[name] = (self._root / name).read_bytes()
        return contents

    def write(self, contents: Mapping[str, bytes]) -> None:
        for name, data in contents.items():
            write_atomically(self._root / name, data)


class _StoredObjects:
    def __init__(self, root: str, file_system: AbstractFileSystem) -> None:
        self._root = root
        self._file_system = file_system

    def read(self, names: Sequence[str]) -> dict[str, bytes]:
        if not names:
            return {}
        paths = {self._path(name): name for name in names}
        contents = {}
        for path, data in self._file_system.cat(list(paths), on_error="return").items():
            if isinstance(data, bytes):
                contents[paths[path]] = data
            elif not isinstance(data, FileNotFoundError):
                raise data
        return contents

    def write(self, contents: Mapping[str, bytes]) -> None:
        self._file_system.pipe({self._path(name): data for name, data in contents.items()})

    def _path(self, name: str) -> str:
        return str(self._file_system._strip_protocol(f"{self._root}/{name}"))  # noqa: SLF001 - fsspec has no public name for it


def _name(key: str) -> str:
    digest = hashlib.sha256(key.encode()).hexdigest()
    return f"{digest[:_SHARD_DIGITS]}/{digest}{_SUFFIX}"


def _opened(root: str, file_systems: FileSystems) -> AbstractFileSystem:
    try:
        return file_systems.open(root)
    except UnreadablePhotoError as error:
        raise ConfigurationError(f"embeddings can't be kept there: {error}") from error
