"""Photos found in folders, globs, URIs and single files."""

from __future__ import annotations

import logging
import os
import posixpath
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fsspec.core import has_magic
from fsspec.spec import AbstractFileSystem

from sploot_media_clustering.adapters.export_folder import LEDGER
from sploot_media_clustering.adapters.filesystems import (
    HTTP,
    LOCAL,
    FileSystems,
    protocol_of,
    shown,
    translated_errors,
)
from sploot_media_clustering.errors import NoPhotosError, UnreadablePhotoError
from sploot_media_clustering.services.answer import as_image_id
from sploot_media_clustering.services.ports import IMAGE_EXTENSIONS

_log = logging.getLogger(__name__)

_SHADOW_FOLDERS: Final = frozenset({"__MACOSX", "@eaDir", "$RECYCLE.BIN"})
"""Hold previews and metadata under the names of photos: macOS archives, Synology, Windows."""


@dataclass(frozen=True, slots=True)
class FoundPhoto:
    """A photo below one of the places that were searched.

    Attributes:
        uri: a plain path for a local file.
        root: the folder that was searched, as the parts of its URI, the protocol first.
        path: from there to the photo, one part or more. Names are in Unicode's composed form, so that macOS
            and Linux call one photo the same; bytes that are not UTF-8 are escaped.
    """

    uri: str
    root: tuple[str, ...]
    path: tuple[str, ...]


def find_photos(places: Sequence[str], file_systems: FileSystems) -> list[FoundPhoto]:
    """Photos of some places.

    Folders are searched to any depth, links to folders are not followed; what is hidden, what by its
    extension is no image, and what an export wrote, is left out there and of globs. A folder or file that is
    named is always taken.

    Args:
        places: folders, files, globs (``*``, ``?``, ``[...]``, ``**``) or URIs of them; HTTP URIs are files.
        file_systems: which stores may be searched.

    Returns:
        Each photo once, as the first place has it, in the order of their URIs.

    Raises:
        NoPhotosError: a place holds no photos; the message names it.
        MissingExtraError: the driver of a store is not installed.
        ConfigurationError: a store needs credentials, and there are none.
        SourceUnavailableError: a store did not answer.
    """
    if not places:
        raise NoPhotosError("expected at least one folder or photo, got none")
    photos: dict[str, FoundPhoto] = {}
    for place in places:
        try:
            found = list(_found_at(place, file_systems))
        except UnreadablePhotoError as error:
            raise NoPhotosError(str(error)) from error
        if not found:
            raise NoPhotosError(f"expected photos at {shown(place)}, {_nothing_at(place)}")
        for photo in found:
            photos.setdefault(photo.uri, photo)
    return [photos[uri] for uri in sorted(photos)]


def _nothing_at(place: str) -> str:
    """Why a place holds no photos, and what to do."""
    remedy = "give a folder, a file, or a quoted pattern such as 'photos/**/*.jpg'"
    if protocol_of(place) != LOCAL or any(mark in place for mark in "*?["):
        return f"found none; {remedy}"
    path = Path(place.removeprefix("file://")).expanduser()
    if not path.exists():
        return f"but there is no such file or folder; {remedy}"
    files = sum(1 for entry in path.rglob("*") if entry.is_file()) if path.is_dir() else 1
    found = f"found {files} files and no photo among them" if files else "found an empty folder"
    return f"{found}; {remedy}"


def _found_at(place: str, file_systems: FileSystems) -> Iterator[FoundPhoto]:
    file_system = file_systems.open(place)
    protocol = protocol_of(place)
    if protocol in HTTP:
        yield _photo(place, protocol, place.partition("?")[0], depth=1)
        return
    with translated_errors(place):
        path = str(file_system._strip_protocol(place))  # noqa: SLF001 - fsspec has no public name for it
        kind = _kind(file_system, path)
        if kind == "directory":
            yield from _below(file_system, protocol, path)
        elif kind == "file":
            yield _photo(_uri(file_system, path), protocol, path, depth=1)
        elif has_magic(path):
            yield from _matching(file_system, protocol, path)


def _kind(file_system: AbstractFileSystem, path: str) -> str | None:
    """Not ``isdir`` or ``isfile``, which take a store that does not answer for a missing file."""
    try:
        return str(file_system.info(path)["type"])
    except FileNotFoundError:
        return None


def _below(file_system: AbstractFileSystem, protocol: str, folder: str) -> Iterator[FoundPhoto]:
    """Photos in a folder, at any depth."""
    fixed = len(folder.rstrip("/").split("/"))
    yield from _photos_of(file_system, protocol, _files_below(file_system, folder), fixed)


def _files_below(file_system: AbstractFileSystem, folder: str) -> Iterable[str]:
    """Object stores list all keys at once; local folders are walked, and hidden ones never entered."""
    if LOCAL not in file_system.protocol:
        yield from file_system.find(folder)
        return
    for parent, folders, names in os.walk(folder, onerror=_warn_of_closed_folder):
        folders[:] = [name for name in folders if _is_open(name)]
        yield from (posixpath.join(parent.replace(os.sep, "/"), name) for name in names)


def _warn_of_closed_folder(error: OSError) -> None:
    _log.warning("folder left out, it can't be read: %s (%s)", shown(str(error.filename)), error.strerror)


def _matching(file_system: AbstractFileSystem, protocol: str, pattern: str) -> Iterator[FoundPhoto]:
    """Photos that match a glob, and those in folders that match it."""
    fixed = next(at for at, part in enumerate(pattern.split("/")) if has_magic(part))
    paths = (
        path
        for match in file_system.glob(pattern)
        for path in (_files_below(file_system, match) if file_system.isdir(match) else [match])
    )
    yield from _photos_of(file_system, protocol, paths, fixed)


def _photos_of(
    file_system: AbstractFileSystem, protocol: str, paths: Iterable[str], fixed: int
) -> Iterator[FoundPhoto]:
    """Those of the files that are photos, and no export's; their first ``fixed`` folders were named."""
    exports: dict[str, bool] = {}
    for path in paths:
        parts = path.split("/")
        if not _is_photo(parts[fixed:]):
            continue
        if LOCAL in file_system.protocol and any(
            _is_export("/".join(parts[:depth]), exports) for depth in range(fixed + 1, len(parts))
        ):
            continue
        yield _photo(_uri(file_system, path), protocol, path, depth=len(parts) - fixed)


def _is_export(folder: str, known: dict[str, bool]) -> bool:
    """Whether an export wrote a folder: copies of photos there would count twice."""
    if folder not in known:
        known[folder] = Path(folder, LEDGER).is_file()
        if known[folder]:
            _log.warning("left out, an export wrote it: %s; name the folder itself to take it", shown(folder))
    return known[folder]


def _is_open(name: str) -> bool:
    return not name.startswith(".") and name not in _SHADOW_FOLDERS


def _is_photo(relative: Sequence[str]) -> bool:
    return all(map(_is_open, relative)) and posixpath.splitext(relative[-1])[1].lower() in IMAGE_EXTENSIONS


def _uri(file_system: AbstractFileSystem, path: str) -> str:
    return path if LOCAL in file_system.protocol else str(file_system.unstrip_protocol(path))


def _photo(uri: str, protocol: str, path: str, *, depth: int) -> FoundPhoto:
    public = shown(path).rpartition("://")[2] if protocol in HTTP else path
    readable = unicodedata.normalize("NFC", as_image_id(public))
    parts = (protocol, *readable.strip("/").split("/"))
    return FoundPhoto(uri, root=parts[:-depth], path=parts[-depth:])
