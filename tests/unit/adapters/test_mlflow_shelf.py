"""What is said where MLflow is not there, does not answer, or refuses us."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from servers import free_port

from sploot_media_clustering.adapters.mlflow_shelf import MlflowShelf
from sploot_media_clustering.errors import ConfigurationError, MissingExtraError, SourceUnavailableError


class Refusing(BaseHTTPRequestHandler):
    """Lets nobody in, and repeats what it was told."""

    def do_GET(self) -> None:
        body = f"{self.headers['Authorization']} is not known".encode()
        self.send_response(401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""


@pytest.fixture
def refusing() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Refusing) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    "uri",
    [
        "mlflow:models",
        "mlflow+http://host:5000",
        "mlflow+ftp://host/models",
        "mlflow+https://somebody:secret@host/models",
        "mlflow+https://host/models?token=secret",
        "mlflow+https://host/ours' OR name LIKE '%",
    ],
)
def test_what_is_no_uri_of_a_registry_is_told(uri: str) -> None:
    """Without what it holds of secrets."""
    with pytest.raises(ConfigurationError, match=r"expected mlflow\+http") as told:
        MlflowShelf(uri)
    assert "secret" not in str(told.value)


def test_without_mlflow_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """And how it is installed."""
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'sploot-media-clustering\[mlflow\]'"):
        MlflowShelf("mlflow+http://127.0.0.1:5000/models")


@pytest.mark.slow
def test_a_server_that_refuses_or_is_not_there(refusing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In bounded time; no token is repeated. MLflow tells its makers nothing of us."""
    pytest.importorskip("mlflow", reason="needs the extra mlflow")
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "s3cret")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    shelf = MlflowShelf(f"mlflow+{refusing}/models")
    for ask in (shelf.entries, shelf.aliases):
        with pytest.raises(ConfigurationError, match="refuses us; set MLFLOW_TRACKING_USERNAME") as told:
            ask()
        assert "s3cret" not in str(told.value)
    with pytest.raises(SourceUnavailableError, match="expected an answer from mlflow"):
        MlflowShelf(f"mlflow+http://127.0.0.1:{free_port()}/models").entries()
    from mlflow.telemetry import get_telemetry_client  # noqa: PLC0415 - of an extra

    assert get_telemetry_client() is None
