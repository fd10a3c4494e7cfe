"""Photos read through fsspec: local paths, S3, Google Cloud Storage, HTTP and memory are the same thing."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from urllib.request import url2pathname

from sploot_media_clustering.adapters.filesystems import (
    HTTP,
    LOCAL,
    FileSystems,
    protocol_of,
    shown,
    translated_errors,
)
from sploot_media_clustering.errors import ImageTooLargeError

_CHUNK_BYTES: Final = 2**20
"""Read at a time: a stream may be longer than it says, so its length is never trusted."""
_OBJECT: Final = {"block_size": 4 * 2**20}
"""Of a store, fetched at a time: most photos come in one request."""
_HTTP_STREAM: Final = {"block_size": 0, "size": 1}
"""One request, read as it comes. Any size will do: it keeps fsspec from asking for it in a request before."""


class FsspecSource:
    """Reads photos; implements :class:`~sploot_media_clustering.services.ports.PhotoSource`.

    Safe to share between threads.

    Args:
        file_systems: which stores may be read, and how long we wait for them.
        max_bytes: of one photo.
    """

    def __init__(self, *, file_systems: FileSystems, max_bytes: int) -> None:
        self._file_systems = file_systems
        self._max_bytes = max_bytes

    def read(self, uri: str) -> bytes:
        """All bytes of one photo; no more than ``max_bytes + 1`` of them are ever kept.

        Args:
            uri: a path, or a URI such as ``s3://bucket/milo/1.jpg``.

        Raises:
            UnreadablePhotoError: it is not there, may not be read, or its protocol may not be used.
            ImageTooLargeError: it is larger than ``max_bytes``.
            MissingExtraError: the driver of its store is not installed.
            ConfigurationError: its store needs credentials, and there are none.
            SourceUnavailableError: its store did not answer.
        """
        file_system = self._file_systems.open(uri)
        options = _HTTP_STREAM if protocol_of(uri) in HTTP else _OBJECT
        data = io.BytesIO()
        with translated_errors(uri), file_system.open(uri, "rb", **options) as stream:
            while chunk := stream.read(min(_CHUNK_BYTES, self._max_bytes + 1 - data.tell())):
                data.write(chunk)
                if data.tell() > self._max_bytes:
                    raise ImageTooLargeError(
                        f"expected at most {self._max_bytes:,} bytes, {shown(uri)} has more; scale it down"
                    )
        return data.getvalue()


def file_digest(uri: str) -> bytes | None:
    """SHA-256 of a file of this machine; None for what lies elsewhere, or can't be read."""
    parts = urlsplit(uri)
    path = Path(url2pathname(parts.path))
    try:
        if parts.scheme != LOCAL or not path.is_file():
            return None
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").digest()
    except (OSError, ValueError):
        return None
