"""The source of a service: each URI to the reader that its policy sends it to."""

from __future__ import annotations

from typing import Final

from sploot_media_clustering.adapters.filesystems import FileSystems
from sploot_media_clustering.adapters.rooted_files import RootedFileSource
from sploot_media_clustering.adapters.safe_http import Patience, SafeHttpSource
from sploot_media_clustering.adapters.sources import FsspecSource
from sploot_media_clustering.services.uri_policy import HttpPlace, ObjectPlace, UriPolicy

_STORES: Final = frozenset({"s3", "gs"})


class GuardedSource:
    """Reads what a policy allows; implements :class:`~sploot_media_clustering.services.ports.PhotoSource`.

    Args:
        policy: what may be read.
        max_bytes: of one photo.
        patience: how long we wait for web servers.
        file_systems: how object stores are reached; other protocols of it are not used.
        http: reader of web servers, where it shall be another one.
    """

    def __init__(
        self,
        policy: UriPolicy,
        *,
        max_bytes: int,
        patience: Patience | None = None,
        file_systems: FileSystems | None = None,
        http: SafeHttpSource | None = None,
    ) -> None:
        self._policy = policy
        self._http = http or SafeHttpSource(policy, max_bytes=max_bytes, patience=patience)
        self._files = RootedFileSource(policy, max_bytes=max_bytes)
        self._objects = FsspecSource(
            file_systems=file_systems or FileSystems(protocols=_STORES), max_bytes=max_bytes
        )

    def read(self, uri: str) -> bytes:
        """All bytes of one photo.

        Raises:
            ForbiddenUriError: it may not be read.
            UnreadablePhotoError: it is not there.
            ImageTooLargeError: it is larger than ``max_bytes``.
            SourceUnavailableError: its server or store did not answer.
        """
        place = self._policy.place(uri)
        if isinstance(place, HttpPlace):
            return self._http.read(uri)
        if isinstance(place, ObjectPlace):
            return self._objects.read(place.uri)
        return self._files.read(uri)

    def close(self) -> None:
        """Close the connections that are kept open."""
        self._http.close()
