"""Photos from one folder and what is below it, wherever their paths and links lead."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from sploot_media_clustering.adapters.filesystems import shown
from sploot_media_clustering.errors import (
    ForbiddenUriError,
    ImageTooLargeError,
    SourceUnavailableError,
    UnreadablePhotoError,
)
from sploot_media_clustering.services.uri_policy import FilePlace, UriPolicy

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
"""Opening a pipe would wait for its other end."""


class RootedFileSource:
    """Reads files below a folder; implements :class:`~sploot_media_clustering.services.ports.PhotoSource`.

    Links are resolved first, and what they lead to has to be below the folder. The resolved path is then
    opened folder by folder without following any link: one that is put there in between leads nowhere.

    Args:
        policy: that names the folder.
        max_bytes: of one photo.
    """

    def __init__(self, policy: UriPolicy, *, max_bytes: int) -> None:
        self._policy = policy
        self._max_bytes = max_bytes

    def read(self, uri: str) -> bytes:
        """All bytes of one photo.

        Raises:
            ForbiddenUriError: it is not below the folder, or is no regular file.
            UnreadablePhotoError: it is not there.
            ImageTooLargeError: it is larger than ``max_bytes``.
            SourceUnavailableError: the disk did not answer.
        """
        place = self._policy.place(uri)
        root = self._policy.file_root
        if not isinstance(place, FilePlace) or root is None:
            raise ForbiddenUriError("expected the URI of a file, got another")
        with (
            _translated(shown(uri)),
            _opened(root.resolve(), _below(root.resolve(), place.path)) as descriptor,
        ):
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise ForbiddenUriError("expected a file, found a folder, a pipe or a device")
            with os.fdopen(os.dup(descriptor), "rb") as stream:
                data = stream.read(self._max_bytes + 1)
        if len(data) > self._max_bytes:
            raise ImageTooLargeError(f"expected at most {self._max_bytes:,} bytes, {shown(uri)} has more")
        return data


def _below(root: Path, path: str) -> tuple[str, ...]:
    """Folders and name of a file, relative to the root, all links resolved."""
    resolved = Path(path).resolve()
    if not resolved.is_relative_to(root) or resolved == root:
        raise ForbiddenUriError(
            "expected a file below the folder of `up --photos` (SPLOOT_FILE_ROOT), got another"
        )
    return resolved.relative_to(root).parts


@contextmanager
def _opened(root: Path, parts: tuple[str, ...]) -> Iterator[int]:
    opened = [os.open(root, _FOLDER)]
    try:
        for folder in parts[:-1]:
            opened.append(os.open(folder, _FOLDER, dir_fd=opened[-1]))
        opened.append(os.open(parts[-1], _FILE, dir_fd=opened[-1]))
        yield opened[-1]
    finally:
        for descriptor in reversed(opened):
            with suppress(OSError):
                os.close(descriptor)


@contextmanager
def _translated(name: str) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
        raise UnreadablePhotoError(
            f"expected a file at {name} that may be read: {error.strerror}; check the path"
        ) from None
    except RuntimeError:
        raise ForbiddenUriError("expected a path, got links that lead round in a circle") from None
    except OSError as error:
        raise SourceUnavailableError(f"expected to read {name}: {error.strerror}; try again later") from None
