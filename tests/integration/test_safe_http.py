"""Photos from a real web server that tries to lead us elsewhere, or to keep us for ever."""

from __future__ import annotations

import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest

from sploot_media_clustering.adapters.safe_http import Patience, SafeHttpSource
from sploot_media_clustering.errors import (
    ForbiddenUriError,
    ImageTooLargeError,
    SourceUnavailableError,
    UnreadablePhotoError,
)
from sploot_media_clustering.services.uri_policy import UriPolicy, network

PHOTO = bytes(range(256)) * 100
SHORT = Patience(connect_s=0.3, read_s=0.3, total_s=0.6)


class Server(BaseHTTPRequestHandler):
    """Does what its path says."""

    protocol_version = "HTTP/1.1"
    seen: ClassVar[list[tuple[str, str]]] = []

    def do_GET(self) -> None:
        self.seen.append((self.path, self.headers["Host"]))
        path, _, query = self.path.partition("?")
        getattr(self, f"_{path[1:].partition('.')[0]}")(query)

    def _photo(self, _query: str) -> None:
        self._send(200, PHOTO)

    def _to(self, query: str) -> None:
        self._send(302, b"", ("Location", query))

    def _status(self, query: str) -> None:
        self._send(int(query[:3]), b"")

    def _endless(self, _query: str) -> None:
        self._headers(200, ("Transfer-Encoding", "chunked"))
        while True:
            self.wfile.write(b"4000\r\n" + bytes(0x4000) + b"\r\n")

    def _promised(self, _query: str) -> None:
        self._headers(200, ("Content-Length", str(10**12)))

    def _cut(self, _query: str) -> None:
        self._headers(200, ("Content-Length", "100"))
        self.wfile.write(b"half")
        self.close_connection = True

    def _drip(self, _query: str) -> None:
        self._headers(200, ("Content-Length", "1000"))
        for _ in range(1000):
            self.wfile.write(b"x")
            time.sleep(0.05)

    def _drip_headers(self, _query: str) -> None:
        for _ in range(1000):
            self.wfile.write(b"X")
            time.sleep(0.05)

    def _send(self, status: int, body: bytes, *headers: tuple[str, str]) -> None:
        self._headers(status, ("Content-Length", str(len(body))), *headers)
        self.wfile.write(body)

    def _headers(self, status: int, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_args: object) -> None:
        pass


class PatientServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_args: object) -> None:
        """Clients that leave are the point of these tests."""


@dataclass
class Names:
    """A resolver that gives each name its next answer; the last one stays."""

    answers: dict[str, list[Sequence[str]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def __call__(self, host: str, _port: int) -> Sequence[str]:
        self.asked.append(host)
        known = self.answers.get(host)
        if known is None:
            raise OSError("no such name")
        return known.pop(0) if len(known) > 1 else known[0]


@pytest.fixture
def port() -> Iterator[int]:
    Server.seen = []
    with PatientServer(("127.0.0.1", 0), Server) as server:
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.fixture
def names() -> Names:
    return Names({"pets.test": [("127.0.0.1",)], "metadata.test": [("169.254.169.254",)]})


@pytest.fixture
def policy(port: int) -> UriPolicy:
    hosts = tuple(
        f"{name}.test:{port}" for name in ("pets", "metadata", "rebinding", "mixed", "gone", "slow")
    )
    return UriPolicy(schemes=frozenset({"http", "https"}), hosts=hosts, networks=(network("127.0.0.1/32"),))


@pytest.fixture
def source(policy: UriPolicy, names: Names) -> Iterator[SafeHttpSource]:
    source = SafeHttpSource(policy, max_bytes=len(PHOTO), patience=SHORT, resolver=names)
    yield source
    source.close()


def test_a_photo_is_read_from_the_checked_address(source: SafeHttpSource, port: int) -> None:
    """The server still hears the name that was asked for."""
    assert source.read(f"http://pets.test:{port}/photo.jpg?sig=a%2Fb") == PHOTO
    assert Server.seen == [("/photo.jpg?sig=a%2Fb", f"pets.test:{port}")]


def test_the_address_that_was_resolved_is_the_one_connected_to(policy: UriPolicy, names: Names) -> None:
    """And no other of this machine, on which nobody listens there."""
    try:
        server = PatientServer(("127.0.0.2", 0), Server)
    except OSError:
        pytest.skip("needs a second loopback address")
    names.answers["pets.test"] = [("127.0.0.2",)]
    with server:
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        place = f"pets.test:{server.server_port}"
        elsewhere = replace(policy, hosts=(place,), networks=(network("127.0.0.0/8"),))
        source = SafeHttpSource(elsewhere, max_bytes=len(PHOTO), patience=SHORT, resolver=names)
        assert source.read(f"http://{place}/photo.jpg") == PHOTO
        source.close()
        server.shutdown()


def test_a_connection_is_used_again(source: SafeHttpSource, names: Names, port: int) -> None:
    """Its address was checked when it was made."""
    for _ in range(3):
        source.read(f"http://pets.test:{port}/photo.jpg")
    assert names.asked == ["pets.test"]


def test_a_listed_name_of_an_address_inside_is_refused(source: SafeHttpSource, port: int) -> None:
    """The list says which names, the address has the last word."""
    with pytest.raises(ForbiddenUriError, match=r"metadata\.test"):
        source.read(f"http://metadata.test:{port}/photo.jpg")
    assert Server.seen == []


def test_a_name_that_changes_after_the_check_leads_nowhere(
    policy: UriPolicy, names: Names, port: int
) -> None:
    """The address that is checked is the one that is connected to: the name is asked once."""
    names.answers["rebinding.test"] = [("127.0.0.1",), ("169.254.169.254",)]
    source = SafeHttpSource(policy, max_bytes=len(PHOTO), patience=SHORT, resolver=names)
    assert source.read(f"http://rebinding.test:{port}/photo.jpg") == PHOTO
    assert names.asked == ["rebinding.test"]
    source.close()
    again = SafeHttpSource(policy, max_bytes=len(PHOTO), patience=SHORT, resolver=names)
    with pytest.raises(ForbiddenUriError):
        again.read(f"http://rebinding.test:{port}/photo.jpg")
    again.close()


def test_of_several_addresses_only_permitted_ones_are_connected_to(
    source: SafeHttpSource, names: Names, port: int
) -> None:
    """A forbidden address beside a public one is never tried."""
    names.answers["mixed.test"] = [("10.0.0.1", "::1", "127.0.0.1")]
    assert source.read(f"http://mixed.test:{port}/photo.jpg") == PHOTO


def test_loopback_is_refused_unless_it_is_listed(policy: UriPolicy, names: Names, port: int) -> None:
    """Nothing of the machine itself by default."""
    strict = SafeHttpSource(replace(policy, networks=()), max_bytes=9, resolver=names)
    with pytest.raises(ForbiddenUriError):
        strict.read(f"http://pets.test:{port}/photo.jpg")
    strict.close()


def test_a_redirect_inside_the_list_is_followed(source: SafeHttpSource, port: int) -> None:
    """Relative ones too."""
    assert source.read(f"http://pets.test:{port}/to?/photo.jpg") == PHOTO
    assert source.read(f"http://pets.test:{port}/to?http://pets.test:{port}/photo.jpg") == PHOTO


@pytest.mark.parametrize(
    "target",
    [
        "http://evil.test/photo.jpg",
        "http://127.0.0.1/photo.jpg",
        "http://169.254.169.254/latest/meta-data",
        "//evil.test/photo.jpg",
        "file:///etc/passwd",
        "s3://bucket/key",
        "http://pets.test:1/photo.jpg",
        "gopher://pets.test/",
    ],
)
def test_a_redirect_elsewhere_is_refused(source: SafeHttpSource, port: int, target: str) -> None:
    """Each hop is checked like the first, before anything is connected to."""
    with pytest.raises(ForbiddenUriError):
        source.read(f"http://pets.test:{port}/to?{target}")
    assert len(Server.seen) == 1


def test_a_redirect_to_a_name_of_an_address_inside_is_refused(source: SafeHttpSource, port: int) -> None:
    """The list and the address are both checked at every hop."""
    with pytest.raises(ForbiddenUriError):
        source.read(f"http://pets.test:{port}/to?http://metadata.test:{port}/photo.jpg")


def test_redirects_come_to_an_end(source: SafeHttpSource, port: int) -> None:
    """A circle is a photo that is not there."""
    with pytest.raises(UnreadablePhotoError, match="3 redirects"):
        source.read(f"http://pets.test:{port}/to?" + "/to?" * 9)


@pytest.mark.parametrize("path", ["endless", "promised"])
def test_a_stream_is_left_at_the_limit(source: SafeHttpSource, port: int, path: str) -> None:
    """Whether its length is told or not."""
    with pytest.raises(ImageTooLargeError, match="25,600 bytes"):
        source.read(f"http://pets.test:{port}/{path}")


@pytest.mark.parametrize("path", ["drip", "drip_headers"])
def test_a_server_that_drips_is_left_when_time_is_up(source: SafeHttpSource, port: int, path: str) -> None:
    """Each byte comes in time, the photo doesn't."""
    with pytest.raises(SourceUnavailableError, match="ReadTimeout"):
        source.read(f"http://pets.test:{port}/{path}")


def test_a_name_server_that_is_silent_is_left_when_time_is_up(policy: UriPolicy, port: int) -> None:
    """Looking a name up has a limit too."""

    def slow(_host: str, _port: int) -> Sequence[str]:
        time.sleep(0.6)
        return ("127.0.0.1",)

    source = SafeHttpSource(policy, max_bytes=9, patience=SHORT, resolver=slow)
    with pytest.raises(SourceUnavailableError, match="ConnectTimeout"):
        source.read(f"http://slow.test:{port}/photo.jpg")
    source.close()


@pytest.mark.parametrize("status", [500, 502, 503, 429, 408])
def test_what_may_pass_is_worth_trying_again(source: SafeHttpSource, port: int, status: int) -> None:
    """The server's own troubles, and being asked too early."""
    with pytest.raises(SourceUnavailableError, match=str(status)):
        source.read(f"http://pets.test:{port}/status?{status}")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_what_is_not_there_is_not_asked_for_again(source: SafeHttpSource, port: int, status: int) -> None:
    """Such a photo fails at once."""
    with pytest.raises(UnreadablePhotoError, match=str(status)):
        source.read(f"http://pets.test:{port}/status?{status}")


@pytest.mark.parametrize("place", ["http://pets.test:{}/cut", "http://gone.test:{}/photo.jpg"])
def test_a_broken_answer_is_worth_trying_again(source: SafeHttpSource, port: int, place: str) -> None:
    """A photo cut short is no photo, and a name may come back."""
    with pytest.raises(SourceUnavailableError):
        source.read(place.format(port))


def test_messages_keep_signatures_to_themselves(source: SafeHttpSource, port: int) -> None:
    """A query may be a secret."""
    with pytest.raises(UnreadablePhotoError) as raised:
        source.read(f"http://pets.test:{port}/status?404&sig=secret")
    assert "secret" not in str(raised.value)


def test_a_certificate_is_checked_against_the_name(policy: UriPolicy, names: Names, tmp_path: Path) -> None:
    """Not against the address that is connected to: the right name is served, another one isn't."""
    certificate, key = certificate_of("pets.test", tmp_path)
    trusting = ssl.create_default_context(cafile=str(certificate))
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(certificate, key)
    names.answers["mixed.test"] = [("127.0.0.1",)]
    with PatientServer(("127.0.0.1", 0), Server) as server:
        server.socket = serving.wrap_socket(server.socket, server_side=True)
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        hosts = tuple(f"{name}.test:{server.server_port}" for name in ("pets", "mixed"))
        source = SafeHttpSource(
            replace(policy, hosts=hosts), max_bytes=len(PHOTO), resolver=names, ssl_context=trusting
        )
        assert source.read(f"https://pets.test:{server.server_port}/photo.jpg") == PHOTO
        with pytest.raises(SourceUnavailableError, match="ConnectError"):
            source.read(f"https://mixed.test:{server.server_port}/photo.jpg")
        with pytest.raises(ForbiddenUriError, match="another scheme"):
            source.read(f"https://pets.test:{server.server_port}/to?http://pets.test/photo.jpg")
        source.close()
        server.shutdown()


def certificate_of(name: str, folder: Path) -> tuple[Path, Path]:
    """A certificate that vouches for itself, and its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs openssl")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    asked = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    subject = ["-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([openssl, *asked, *subject, *files], check=True, capture_output=True)
    return certificate, key
