"""Folders and object stores behind one door: which are open, how long we wait, and what their errors mean."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import fsspec
from fsspec.core import split_protocol
from fsspec.spec import AbstractFileSystem

from sploot_media_clustering.errors import (
    ConfigurationError,
    MissingExtraError,
    SourceUnavailableError,
    SplootError,
    UnreadablePhotoError,
)

_QUERY: Final = re.compile(r"[?#]")

LOCAL: Final = "file"
HTTP: Final = frozenset({"http", "https"})
PROTOCOLS: Final = frozenset({LOCAL, "s3", "gs", "memory"}) | HTTP
"""Protocols that we read; a chain of fsspec's ("zip::https://...") is none of them."""

_ALIASES: Final = {"local": LOCAL, "s3a": "s3", "gcs": "gs"}
_EXTRAS: Final = {"s3": "s3", "gs": "gcs", "http": "http", "https": "http"}
_HTTP_ASKING_TOO_EARLY: Final = frozenset({408, 425, 429})
"""Statuses from 400 to 499 that pass with time: time-out, too early, too many requests."""
_CREDENTIAL_ERRORS: Final = frozenset(
    {"NoCredentialsError", "PartialCredentialsError", "DefaultCredentialsError"}
)
"""Of botocore and google-auth, known by name, since neither needs to be installed."""

_IMPOSSIBLE_NAME: Final = frozenset({errno.ENAMETOOLONG, errno.EINVAL, errno.ELOOP})
"""Too long, forbidden characters (Windows), links in a circle; a NUL byte is a ``ValueError``."""

DEFAULT_TIMEOUT_S: Final = 30.0
"""For one photo over a network: 10 MB take this long at 2.7 Mbit/s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSystems:
    """Opens fsspec's file systems.

    Attributes:
        protocols: which may be used; a service that takes URIs from outside leaves the local ones out.
        timeout_s: longest wait for one answer of a server or an object store.
        options: passed to fsspec, by protocol: endpoints, regions, credentials; never part of a message.
    """

    protocols: frozenset[str] = PROTOCOLS
    timeout_s: float = DEFAULT_TIMEOUT_S
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)

    def open(self, uri: str) -> AbstractFileSystem:
        """The file system that holds ``uri``; nothing is asked of it yet.

        Raises:
            UnreadablePhotoError: the protocol is not among those that may be used.
            MissingExtraError: its driver is not installed.
        """
        protocol = protocol_of(uri)
        if protocol not in self.protocols:
            raise UnreadablePhotoError(
                f"expected a path or a URI of {', '.join(sorted(self.protocols))}, got {shown(uri)}"
            )
        try:
            return fsspec.filesystem(
                protocol, **{**self._timeouts(protocol), **self.options.get(protocol, {})}
            )
        except ImportError as error:
            extra = _EXTRAS.get(protocol, protocol)
            raise MissingExtraError(
                f"reading {protocol}:// needs a driver that is not installed; "
                f"run: pip install 'sploot-media-clustering[{extra}]'"
            ) from error

    def _timeouts(self, protocol: str) -> dict[str, Any]:
        if protocol in HTTP:
            import aiohttp  # noqa: PLC0415 - of the extra "http"; only needed here

            return {"client_kwargs": {"timeout": aiohttp.ClientTimeout(total=self.timeout_s)}}
        s3 = {"connect_timeout": self.timeout_s, "read_timeout": self.timeout_s}
        told: dict[str, dict[str, Any]] = {
            "gs": {"requests_timeout": self.timeout_s},
            "s3": {"config_kwargs": s3},
        }
        return told.get(protocol, {})


def protocol_of(uri: str) -> str:
    """The part before ``://`` under its usual name ("gs" for "gcs"); "file" for a plain path."""
    protocol = (split_protocol(uri)[0] or LOCAL).lower()
    return _ALIASES.get(protocol, protocol)


def shown(uri: str) -> str:
    """A URI fit for messages and logs: without user, password, query and fragment, which may be secrets."""
    scheme, separator, rest = uri.partition("://")
    if separator:
        host, slash, path = _QUERY.split(rest, maxsplit=1)[0].partition("/")
        uri = f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"
    return uri.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


@contextmanager
def translated_errors(uri: str) -> Iterator[None]:
    """Turns what a file system raises for ``uri`` into our errors.

    The original error is not chained to the new one, because HTTP and S3 drivers put whole URIs, signatures
    included, into theirs; its type and status are named instead.

    Raises:
        UnreadablePhotoError: it is not there, or may not be read.
        ConfigurationError: no credentials were found.
        SourceUnavailableError: anything else, which may pass.
    """
    try:
        yield
    except SplootError:
        raise
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        raise UnreadablePhotoError(f"expected a file at {shown(uri)}, found none; check the path") from None
    except PermissionError:
        raise UnreadablePhotoError(
            f"expected to be allowed to read {shown(uri)}, was refused; check its permissions"
        ) from None
    except Exception as error:  # noqa: BLE001 - each driver has an exception tree of its own
        raise _translated(error, uri) from None


def _translated(error: Exception, uri: str) -> SplootError:
    kind = type(error).__name__
    nameless = isinstance(error, ValueError) or getattr(error, "errno", None) in _IMPOSSIBLE_NAME
    if nameless and protocol_of(uri) == LOCAL:
        return UnreadablePhotoError(
            f"expected a file at {shown(uri)}, no file can be called so; check the path"
        )
    if kind in _CREDENTIAL_ERRORS:
        return ConfigurationError(
            f"no credentials found for {shown(uri)} ({kind}); set them up for this store"
        )
    status = getattr(error, "status", None)
    if isinstance(status, int) and 400 <= status < 500 and status not in _HTTP_ASKING_TOO_EARLY:  # noqa: PLR2004 - HTTP's own numbers
        return UnreadablePhotoError(
            f"expected a file at {shown(uri)}, the server answered {status}; check the URI"
        )
    reason = f"{kind} {status}" if isinstance(status, int) else kind
    return SourceUnavailableError(f"expected an answer from {shown(uri)}, got {reason}; try again later")
