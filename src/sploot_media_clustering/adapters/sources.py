"""Photos read through fsspec: local paths, S3, Google Cloud Storage, HTTP and memory are the same thing."""

from __future__ import annotations

import io
from typing import Final

from sploot_media_clustering.adapters.filesystems import FileSystems, shown, translated_errors
from sploot_media_clustering.errors import ImageTooLargeError

_CHUNK_BYTES: Final = 2**20
"""Read at a time: a stream may be longer than it says, so its length is never trusted."""


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
        """All bytes of one photo; no more than ``max_bytes + 1`` of them are ever held.

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
        data = io.BytesIO()
        with translated_errors(uri), file_system.open(uri, "rb") as stream:
            while chunk := stream.read(min(_CHUNK_BYTES, self._max_bytes + 1 - data.tell())):
                data.write(chunk)
                if data.tell() > self._max_bytes:
                    raise ImageTooLargeError(
                        f"expected at most {self._max_bytes:,} bytes, {shown(uri)} has more; scale it down"
                    )
        return data.getvalue()
