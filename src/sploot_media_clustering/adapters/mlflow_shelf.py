"""Models in an MLflow server: a version of a registered model each, its files the artifacts of a run.

Of MLflow's own we use what every release since 2.3 has: runs with artifacts, versions with tags, aliases.
Needs the extra ``mlflow``. Who we are to the server is told by MLflow's own variables
(``MLFLOW_TRACKING_TOKEN`` and so on), and is never part of a message.
"""

from __future__ import annotations

import os
import posixpath
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import msgspec

from sploot_media_clustering.adapters.filesystems import DEFAULT_TIMEOUT_S, shown
from sploot_media_clustering.adapters.registry_shelf import Entry, NamedFile, read_entry
from sploot_media_clustering.errors import (
    ConfigurationError,
    MissingExtraError,
    ModelPackageError,
    SourceUnavailableError,
)

_URI: Final = re.compile(r"mlflow\+(?P<server>https?://[^/@?#]+(?:/[^@?#]*)?)/(?P<name>[A-Za-z0-9][\w.-]*)/?")
_MANNERS: Final = {
    "MLFLOW_DISABLE_TELEMETRY": "true",  # else it tells its makers how it is used
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": f"{DEFAULT_TIMEOUT_S:.0f}",  # of each try; 120 s by default
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # some six seconds of waiting; 7 by default, which is minutes
}
"""How MLflow's client behaves where its variables don't say otherwise; it knows no other way to be told."""
_FOLDER: Final = "package"
"""Of the run's artifacts."""
_ENTRY_TAG: Final = "sploot.entry"
_VERSION_TAG: Final = "sploot.version"
_DIGEST_TAG: Final = "sploot.manifest_sha256"
_PAGE: Final = 200
_REFUSED: Final = frozenset({"PERMISSION_DENIED", "UNAUTHENTICATED", "CUSTOMER_UNAUTHORIZED"})
_REFUSED_STATUS: Final = frozenset({401, 403})
_AWAY: Final = "RESOURCE_DOES_NOT_EXIST"
_THERE: Final = "RESOURCE_ALREADY_EXISTS"


class MlflowShelf:
    """Implements :class:`~.registry_shelf.RegistryPlace`; the version is made last and deleted first.

    Versions of the registered model that others made are left alone.

    Args:
        uri: ``mlflow+http://HOST:PORT/NAME`` or ``mlflow+https://...``, with the name of the registered
            model; what stands between host and name is the server's own path.

    Raises:
        ConfigurationError: it is none.
        MissingExtraError: MLflow is not installed.
    """

    def __init__(self, uri: str) -> None:
        told = _URI.fullmatch(uri)
        if told is None:
            raise ConfigurationError(
                f"expected mlflow+http://HOST:PORT/NAME or mlflow+https://HOST/NAME, got {shown(uri)}; "
                "credentials belong in MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or in "
                "MLFLOW_TRACKING_TOKEN"
            )
        self._server, self._name = told["server"], told["name"]
        self._uri = shown(uri)
        self._mlflow = _mlflow()
        self._client = self._mlflow.MlflowClient(self._server, self._server)

    def entries(self, version: str | None = None) -> list[Entry]:
        """Of all versions, or of one that may not be there."""
        return [
            read_entry(
                one.tags[_ENTRY_TAG].encode(), one.tags[_VERSION_TAG], f"{self._uri}, version {one.version}"
            )
            for one in self._versions(version)
        ]

    def write(self, entry: Entry, files: Iterable[NamedFile]) -> None:
        """Keep files of a version as artifacts, then make the version; or renew its entry."""
        told = msgspec.json.encode(entry).decode()
        there = self._versions(entry.version)
        with self._errors():
            if there:
                self._client.set_model_version_tag(self._name, there[0].version, _ENTRY_TAG, told)
                return
            run = self._run(entry)
            with tempfile.TemporaryDirectory() as folder:
                for name, data in files:
                    self._upload(run.info.run_id, Path(folder), name, data)
            self._client.set_terminated(run.info.run_id)
            self._make_name()
            self._client.create_model_version(
                self._name,
                source=f"{run.info.artifact_uri}/{_FOLDER}",
                run_id=run.info.run_id,
                tags={_ENTRY_TAG: told, _VERSION_TAG: entry.version},
                description=f"{entry.version}, {entry.size_bytes / 1e6:.1f} MB",
            )

    def read(self, version: str, name: str, most_bytes: int) -> bytes:
        """A file of a version; one that the server says is larger is not fetched."""
        run_id = self._whole(version).run_id
        path = f"{_FOLDER}/{name}"
        with self._errors():
            self._require_remote(self._client.get_run(run_id))
            found = {file.path: file for file in self._client.list_artifacts(run_id, posixpath.dirname(path))}
            if path not in found or (found[path].file_size or 0) > most_bytes:
                raise ModelPackageError(
                    f"{self._uri}: {name} of {version} is not what its manifest says; "
                    f"delete {version} there and push it again"
                )
            with tempfile.TemporaryDirectory() as folder:
                at = Path(self._client.download_artifacts(run_id, path, folder))
                with at.open("rb") as file:
                    return file.read(most_bytes + 1)

    def delete(self, version: str) -> None:
        """Let go of a version, then of its files, then of the run, which MLflow's ``gc`` removes."""
        run_id = self._whole(version).run_id
        with self._errors():
            run = self._client.get_run(run_id)
            self._require_remote(run)
            while left := self._versions(version):  # two, where two pushed it at once
                self._client.delete_model_version(self._name, left[0].version)
            self._artifacts(run).delete_artifacts()
            self._client.delete_run(run_id)

    def aliases(self) -> dict[str, str]:
        """The version that each alias stands for; those of versions that others made are left out."""
        ours = {str(one.version): one.tags[_VERSION_TAG] for one in self._versions()}
        with self._errors():
            try:
                told: Mapping[str, Any] = self._client.get_registered_model(self._name).aliases
            except self._mlflow.exceptions.MlflowException as error:
                if error.error_code != _AWAY:
                    raise
                return {}
        return {alias: ours[str(number)] for alias, number in told.items() if str(number) in ours}

    def point(self, alias: str, version: str | None) -> None:
        """Have an alias stand for a version, or for none."""
        if version is not None:
            number = self._whole(version).version
            with self._errors():
                self._client.set_registered_model_alias(self._name, alias, number)
        elif alias in self.aliases():
            with self._errors():
                self._client.delete_registered_model_alias(self._name, alias)

    def _versions(self, version: str | None = None) -> list[Any]:
        """As MLflow tells them, the oldest first: of two that were pushed at once, the first is the one."""
        asked = f"name = '{self._name}'"
        if version is not None:
            asked += f" AND tags.`{_VERSION_TAG}` = '{version}'"
        found: list[Any] = []
        token: str | None = None
        with self._errors():
            while True:
                page = self._client.search_model_versions(asked, max_results=_PAGE, page_token=token)
                found += [one for one in page if {_ENTRY_TAG, _VERSION_TAG} <= one.tags.keys()]
                token = page.token
                if not token:
                    break
        found.sort(key=lambda one: int(one.version))
        return list({one.tags[_VERSION_TAG]: one for one in reversed(found)}.values())[::-1]

    def _whole(self, version: str) -> Any:  # noqa: ANN401 - MLflow's
        found = self._versions(version)
        if not found:
            raise ModelPackageError(f"{self._uri}: {version} went away meanwhile; push it again")
        return found[0]

    def _run(self, entry: Entry) -> Any:  # noqa: ANN401 - MLflow's
        """The run for a version; one of a push that ended halfway is gone on with."""
        experiment = self._client.get_experiment_by_name(self._name)
        experiment_id = experiment.experiment_id if experiment else self._client.create_experiment(self._name)
        asked = f"tags.`{_DIGEST_TAG}` = '{entry.manifest_sha256}'"
        found = self._client.search_runs([experiment_id], asked, max_results=1)
        tags = {_VERSION_TAG: entry.version, _DIGEST_TAG: entry.manifest_sha256}
        run = found[0] if found else self._client.create_run(experiment_id, tags=tags, run_name=entry.version)
        self._require_remote(run)
        return run

    def _artifacts(self, run: Any) -> Any:  # noqa: ANN401 - MLflow's
        found = import_module("mlflow.store.artifact.artifact_repository_registry")
        return found.get_artifact_repository(run.info.artifact_uri, self._server)

    def _upload(self, run_id: str, folder: Path, name: str, data: bytes) -> None:
        at = folder / posixpath.basename(name)
        at.write_bytes(data)
        self._client.log_artifact(
            run_id, str(at), posixpath.join(_FOLDER, posixpath.dirname(name)).rstrip("/")
        )
        at.unlink()

    def _make_name(self) -> None:
        try:
            self._client.create_registered_model(self._name)
        except self._mlflow.exceptions.MlflowException as error:
            if error.error_code != _THERE:
                raise

    def _require_remote(self, run: Any) -> None:  # noqa: ANN401 - MLflow's
        """A path that a server tells is a path on this machine, of which it knows nothing."""
        scheme, separator, _ = run.info.artifact_uri.partition(":/")
        if not separator or scheme == "file":
            raise ConfigurationError(
                f"expected {self._uri} to serve artifacts, it keeps them in a folder; "
                "start it with --artifacts-destination, or with an object store as --default-artifact-root"
            )

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """MLflow's errors as ours; not chained, since what servers say may hold what is secret."""
        try:
            yield
        except self._mlflow.exceptions.MlflowException as error:
            raise self._translated(error.error_code) from None
        except OSError as error:  # those of requests are such, and have a response, or None
            if not hasattr(error, "response"):
                raise
            status = getattr(error.response, "status_code", None)
            raise self._translated(type(error).__name__, status) from None

    def _translated(self, what: str, status: int | None = None) -> Exception:
        if what in _REFUSED or status in _REFUSED_STATUS:
            return ConfigurationError(
                f"{self._uri} refuses us; set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or "
                "MLFLOW_TRACKING_TOKEN"
            )
        told = what if status is None else f"{what} {status}"
        return SourceUnavailableError(f"expected an answer from {self._uri}, got {told}; try again later")


def _mlflow() -> Any:  # noqa: ANN401 - a module
    for name, value in _MANNERS.items():
        os.environ.setdefault(name, value)
    try:
        return import_module("mlflow")
    except ImportError as error:
        raise MissingExtraError(
            "a registry in MLflow needs the extra mlflow; run: pip install 'sploot-media-clustering[mlflow]'"
        ) from error
