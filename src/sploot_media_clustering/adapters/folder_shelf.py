"""Models in a folder, here or in an object store: a folder a version, a file an alias."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

import msgspec
from fsspec.spec import AbstractFileSystem

from sploot_media_clustering.adapters.filesystems import FileSystems, translated_errors
from sploot_media_clustering.adapters.registry_shelf import Entry, NamedFile, read_entry

ENTRY_NAME: Final = "entry.json"
_ALIAS_MARK: Final = "@"
"""Before the name of an alias; no version begins with it."""
_LONGEST_VERSION_BYTES: Final = 256
_WRITABLE: Final = frozenset({"file", "s3", "gs", "memory"})


class FolderShelf:
    """Implements :class:`~.registry_shelf.RegistryPlace`; an entry is written last and deleted first.

    Args:
        uri: a folder, or a prefix in an object store.
        file_systems: that may be used.

    Raises:
        UnreadablePhotoError: it can't be written to.
    """

    def __init__(self, uri: str, file_systems: FileSystems | None = None) -> None:
        self._uri = uri.rstrip("/")
        opened = file_systems or FileSystems(protocols=_WRITABLE)
        self._files: AbstractFileSystem = opened.open(uri)
        self._root: str = self._files._strip_protocol(self._uri)  # noqa: SLF001 - fsspec's name for it

    def entries(self, version: str | None = None) -> list[Entry]:
        """Of all versions, or of one that may not be there."""
        with self._errors():
            self._files.invalidate_cache()
            if version is not None:
                path = f"{self._at(version)}/{ENTRY_NAME}"
                found = [path] if self._files.exists(path) else []
            else:  # a glob would take a folder's [ for its own
                found = [
                    path
                    for path in self._files.find(self._root, maxdepth=2)
                    if path.endswith(f"/{ENTRY_NAME}")
                ]
            return [read_entry(self._files.cat_file(path), path.split("/")[-2], path) for path in found]

    def write(self, entry: Entry, files: Iterable[NamedFile]) -> None:
        """Keep files of a version, and last its entry."""
        for name, data in files:
            self._put(f"{self._at(entry.version)}/{name}", data)
        self._put(f"{self._at(entry.version)}/{ENTRY_NAME}", msgspec.json.encode(entry))

    def read(self, version: str, name: str, most_bytes: int) -> bytes:
        """A file of a version; of one that is larger, one byte more."""
        with self._errors():
            data: bytes = self._files.cat_file(f"{self._at(version)}/{name}", end=most_bytes + 1)
            return data

    def delete(self, version: str) -> None:
        """Let go of a version, its entry first."""
        with self._errors():
            self._files.rm_file(f"{self._at(version)}/{ENTRY_NAME}")
            self._files.rm(self._at(version), recursive=True)

    def aliases(self) -> dict[str, str]:
        """The version that each alias stands for."""
        with self._errors():
            self._files.invalidate_cache()
            found = [path.rpartition("/")[2] for path in self._files.find(self._root, maxdepth=1)]
            return {
                name.removeprefix(_ALIAS_MARK): self._files.cat_file(
                    self._at(name), end=_LONGEST_VERSION_BYTES
                ).decode("utf-8", "replace")
                for name in found
                if name.startswith(_ALIAS_MARK)
            }

    def point(self, alias: str, version: str | None) -> None:
        """Have an alias stand for a version, or for none."""
        path = self._at(f"{_ALIAS_MARK}{alias}")
        if version is not None:
            self._put(path, version.encode())
            return
        with self._errors():
            self._files.invalidate_cache()
            if self._files.exists(path):
                self._files.rm_file(path)

    def _put(self, path: str, data: bytes) -> None:
        """A file that is there whole or not at all, in plain folders too."""
        folder, _, name = path.rpartition("/")
        partial = f"{folder}/.{name}.{uuid.uuid4().hex}.partial"
        with self._errors():
            self._files.makedirs(folder, exist_ok=True)
            self._files.pipe_file(partial, data)
            self._files.mv(partial, path)

    def _at(self, name: str) -> str:
        return f"{self._root}/{name}"

    @contextmanager
    def _errors(self) -> Iterator[None]:
        with translated_errors(self._uri):
            yield
