"""From where a service reads photos that others name: an allow-list, checked before anything is opened.

A URI comes from outside, and whoever reads it does so from inside the network, next to services that trust
their neighbours (server-side request forgery, OWASP API7:2023). So a URI has to name a scheme, and then a
host and port, a bucket and prefix, or a folder, that the installation lists; and the address that a host's
name leads to must be public unless the installation lists its network.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Final, TypeAlias
from urllib.parse import SplitResult, quote, unquote, urlsplit

from sploot_media_clustering.errors import ConfigurationError, ForbiddenUriError

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

HTTP_PORTS: Final = {"http": 80, "https": 443}
OBJECT_STORES: Final = {"s3": "s3", "s3a": "s3", "gs": "gs", "gcs": "gs"}
"""Schemes of object stores, and the name each goes by."""

MAX_URI_CHARACTERS: Final = 4096
"""Signed URIs of object stores have up to 2000."""

ANY_HOST: Final = "*"
_NAT64: Final = ip_network("64:ff9b::/96")
"""IPv6 addresses that a translator turns into the IPv4 address in their last 32 bits (RFC 6052)."""
_UNSAFE: Final = re.compile(r"[\x00-\x20\x7f\\]")
"""Characters that parsers of URIs disagree about."""
_HOST: Final = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+")
_GLOBAL_UNICAST: Final = ip_network("2000::/3")
"""Of IPv6, all that is given out to the public (RFC 4291, section 2.4)."""
_OF_A_TARGET: Final = "/?%:@!$&'()*+,;=~-._[]|"
"""Characters that stay as they are in a request: a signature covers them as they were written."""
_DOTS: Final = frozenset({".", ".."})


@dataclass(frozen=True, slots=True)
class HttpPlace:
    """A photo on a web server.

    Attributes:
        scheme: ``http`` or ``https``.
        host: in lower case, without a final dot.
        port: of the server.
        target: path and query, as they stand in the request.
    """

    scheme: str
    host: str
    port: int
    target: str


@dataclass(frozen=True, slots=True)
class ObjectPlace:
    """A photo in an object store; ``uri`` has the store's usual scheme."""

    scheme: str
    uri: str


@dataclass(frozen=True, slots=True)
class FilePlace:
    """A photo in a folder; ``path`` is absolute, and may still lead anywhere through links."""

    path: str


Place: TypeAlias = HttpPlace | ObjectPlace | FilePlace


@dataclass(frozen=True, slots=True, kw_only=True)
class UriPolicy:
    """What may be read. By default nothing.

    Attributes:
        schemes: of web servers: ``https``, perhaps ``http``.
        hosts: ``cdn.example.com``, ``*.example.com`` (what is below it), ``host:port``; ``*`` for every host
            with a public address. Without a port the scheme's own is meant.
        prefixes: of object stores: ``s3://bucket/folder/``.
        file_root: the folder below which files may be read, or None.
        networks: whose addresses may be connected to although they are not public.
    """

    schemes: frozenset[str] = frozenset({"https"})
    hosts: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    file_root: Path | None = None
    networks: tuple[Network, ...] = ()

    def place(self, uri: str) -> Place:
        """Where a photo lies, if it may be read from there.

        Raises:
            ForbiddenUriError: it may not; the message names neither user, path nor query.
        """
        parts = _split(uri)
        if parts.scheme in HTTP_PORTS:
            return self._on_a_server(parts)
        if parts.scheme in OBJECT_STORES:
            return self._in_a_store(parts)
        if parts.scheme == "file":
            return self._in_a_folder(parts)
        raise ForbiddenUriError(
            f"expected a URI of https, http, s3, gs or file, got one of {parts.scheme or 'no scheme'!r}"
        )

    def permits(self, address: str) -> bool:
        """Whether a numeric address may be connected to: it is public, or in a listed network."""
        try:
            numeric = _reached(ip_address(address.partition("%")[0]))
        except ValueError:
            return False
        if numeric.is_multicast or numeric.is_unspecified:
            return False
        if any(numeric in network for network in self.networks if network.version == numeric.version):
            return True
        inside = numeric.is_private or numeric.is_loopback or numeric.is_link_local or numeric.is_reserved
        given_out = numeric.version == 4 or numeric in _GLOBAL_UNICAST  # noqa: PLR2004 - IPv4
        return numeric.is_global and given_out and not inside

    def _on_a_server(self, parts: SplitResult) -> HttpPlace:
        if parts.scheme not in self.schemes:
            allowed = " or ".join(sorted(self.schemes)) or "no web server at all"
            raise ForbiddenUriError(f"expected a URI of {allowed}, got one of {parts.scheme}")
        host, port = _host_and_port(parts)
        if not any(_matches(entry, host, port, HTTP_PORTS[parts.scheme]) for entry in self.hosts):
            raise ForbiddenUriError(
                f"expected a host that this installation reads from, got {host}:{port}; list it in "
                "SPLOOT_URI_HOSTS"
            )
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return HttpPlace(parts.scheme, host, port, quote(target, safe=_OF_A_TARGET))

    def _in_a_store(self, parts: SplitResult) -> ObjectPlace:
        scheme = OBJECT_STORES[parts.scheme]
        bucket_and_key = f"{parts.netloc}{parts.path}"
        odd = parts.query or parts.fragment or "@" in parts.netloc or "::" in parts.path
        if odd or _DOTS & set(parts.path.split("/")):
            raise ForbiddenUriError(f"expected {scheme}://bucket/key without '::', '?', '#', '..'")
        if not any(f"{scheme}://{bucket_and_key}".startswith(entry) for entry in map(_prefix, self.prefixes)):
            raise ForbiddenUriError(
                f"expected a bucket and prefix that this installation reads from, got another of "
                f"{scheme}://{parts.netloc}; list it in SPLOOT_URI_PREFIXES"
            )
        return ObjectPlace(scheme, f"{scheme}://{bucket_and_key}")

    def _in_a_folder(self, parts: SplitResult) -> FilePlace:
        if self.file_root is None:
            raise ForbiddenUriError("this installation reads no files; name their folder in SPLOOT_FILE_ROOT")
        path = unquote(parts.path)
        if parts.netloc not in {"", "localhost"} or not path.startswith("/") or "\0" in path:
            raise ForbiddenUriError("expected file:///absolute/path, got something else")
        return FilePlace(path)


def network(told: str) -> Network:
    """A network as settings name it, e.g. ``10.0.0.0/8``.

    Raises:
        ConfigurationError: it is none.
    """
    try:
        return ip_network(told)
    except ValueError as error:
        raise ConfigurationError(f"expected a network such as 10.0.0.0/8, got {told!r}") from error


def _split(uri: str) -> SplitResult:
    if len(uri) > MAX_URI_CHARACTERS:
        raise ForbiddenUriError(
            f"expected a URI of at most {MAX_URI_CHARACTERS} characters, got one of {len(uri)}"
        )
    if _UNSAFE.search(uri):
        raise ForbiddenUriError("expected a URI without spaces, control characters and backslashes")
    if "::" in uri.partition("://")[0]:
        raise ForbiddenUriError("expected the URI of one place, got a chain of several ('::')")
    try:
        return urlsplit(uri)
    except ValueError as error:
        raise ForbiddenUriError("expected a URI, got something that does not read as one") from error


def _host_and_port(parts: SplitResult) -> tuple[str, int]:
    if parts.username is not None or parts.password is not None:
        raise ForbiddenUriError("expected a URI without user and password; sign it instead")
    host = (parts.hostname or "").rstrip(".")
    if not _HOST.fullmatch(host):
        raise ForbiddenUriError("expected a host name in ASCII letters, digits, dots and hyphens (IDNA)")
    try:
        port = parts.port
    except ValueError:
        raise ForbiddenUriError("expected a port from 0 to 65535") from None
    return host, HTTP_PORTS[parts.scheme] if port is None else port


def _matches(entry: str, host: str, port: int, default_port: int) -> bool:
    if entry == ANY_HOST:
        return port == default_port
    name, _, entry_port = entry.lower().rpartition(":") if _ends_in_port(entry) else (entry.lower(), "", "")
    if port != (int(entry_port) if entry_port else default_port):
        return False
    return host.endswith(name[1:]) if name.startswith("*.") else host == name.strip("[]")


def _ends_in_port(entry: str) -> bool:
    return re.search(r"(?:^[^:]*|\]):\d+$", entry) is not None


def _prefix(entry: str) -> str:
    scheme, _, rest = entry.partition("://")
    return f"{OBJECT_STORES.get(scheme, scheme)}://{rest.rstrip('/')}/"


def _reached(address: Address) -> Address:
    """The IPv4 address that an IPv6 address is a spelling of, or the address itself."""
    if isinstance(address, IPv4Address):
        return address
    inner = address.ipv4_mapped or address.sixtofour
    if address.teredo:
        inner = address.teredo[1]
    if address in _NAT64:
        inner = IPv4Address(int(address) & 0xFFFFFFFF)
    return inner or address
