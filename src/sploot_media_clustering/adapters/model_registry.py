"""A registry of model packages: versions pushed, listed, pulled and pruned, wherever they are kept.

Nothing that was pushed is ever written over by something else, and what is pulled is what was pushed.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sploot_media_clustering.adapters.model_package import ModelPackage, load_package
from sploot_media_clustering.adapters.package_heads import read_heads
from sploot_media_clustering.adapters.registry_shelf import Entry, NamedFile, RegistryPlace, Signature
from sploot_media_clustering.errors import ConflictError, InputError, ModelPackageError, UnknownError
from sploot_media_clustering.services.manifest import MANIFEST_NAME, PackageFile, read_manifest

_VERSION: Final = re.compile(r"[a-z0-9][a-z0-9._-]*")
_ALIAS: Final = re.compile(r"(?!(?:latest|v[0-9]+)$)[a-z][a-z0-9_-]{0,63}")
"""What MLflow takes as an alias, in small letters; "latest" and "v2" mean something else to it."""
_LARGEST_MANIFEST_BYTES: Final = 1 << 24
"""Of a manifest; the built-in one has 7 kB."""
ACTIVE: Final = "active"
"""The alias of the model that was last put in charge by a person."""

Trust = Callable[[bytes, Sequence[Signature]], None]
"""Raises where the signatures of a manifest are not good enough."""


class ModelRegistry:
    """Versions of models somewhere.

    Args:
        place: where they are kept.
        name: of that place, for messages; without secrets.
    """

    def __init__(self, place: RegistryPlace, name: str) -> None:
        self._place = place
        self._name = name

    def versions(self) -> list[Entry]:
        """All versions, the newest first.

        Raises:
            SourceUnavailableError: the store did not answer.
            ModelPackageError: an entry is damaged.
        """
        return sorted(self._place.entries(), key=lambda entry: (entry.pushed_at, entry.version), reverse=True)

    def aliases(self) -> dict[str, str]:
        """The version that each alias stands for, by alias.

        Raises:
            SourceUnavailableError: the store did not answer.
        """
        return dict(sorted(self._place.aliases().items()))

    def point(self, alias: str, version: str | None) -> None:
        """Have an alias stand for a version, or for none.

        Raises:
            InputError: it can be no alias.
            UnknownError: there is no such version.
            SourceUnavailableError: the store did not answer.
        """
        if not _ALIAS.fullmatch(alias):
            raise InputError(
                f"expected an alias such as {ACTIVE}, in small letters, digits, - and _, got {alias!r}; "
                "latest and v1, v2, ... are MLflow's own"
            )
        if version is not None:
            self._require(version)
        self._place.point(alias, version)

    def push(self, package: ModelPackage, signatures: Sequence[Signature] = ()) -> Entry:
        """Add a version; one that is there already has signatures added.

        Raises:
            ModelPackageError: the package has no heads, or a file is not what its manifest says.
            ConflictError: the version is there with another manifest.
            SourceUnavailableError: the store did not answer.
        """
        version = read_heads(package).tree.version
        manifest = (package.folder / MANIFEST_NAME).read_bytes()
        digest = hashlib.sha256(manifest).hexdigest()
        there = self._found(version)
        if there is not None and there.manifest_sha256 != digest:
            raise ConflictError(
                f"{version} is in {self._name} with another manifest; expected one version to be one package"
            )
        entry = Entry(
            version=version,
            pushed_at=datetime.now(UTC) if there is None else there.pushed_at,
            manifest_sha256=digest,
            size_bytes=sum(file.size_bytes for file in package.manifest.files),
            signatures=tuple(dict.fromkeys((*(there.signatures if there else ()), *signatures))),
        )
        if entry != there:
            self._place.write(entry, _files(package, manifest) if there is None else ())
        return entry

    def pull(self, version: str, folder: Path, trust: Trust | None = None) -> ModelPackage:
        """Fetch a version into a folder, which is there whole or not at all.

        Args:
            version: of the model.
            folder: that it becomes; where it is that version already, it is checked and left as it is.
            trust: asked before anything but manifest and entry is read.

        Raises:
            UnknownError: there is no such version.
            ModelPackageError: a signature or a checksum does not hold, or it is another version.
            ConflictError: the folder holds something else.
            SourceUnavailableError: the store did not answer.
        """
        entry = self._require(version)
        manifest = self._manifest(entry)
        if trust is not None:
            trust(manifest, entry.signatures)
        if folder.exists():
            if not _is(folder, manifest):
                raise ConflictError(f"expected no {folder}, or {version} in it; name another folder")
            return load_package(folder)
        partial = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}.partial")
        try:
            partial.mkdir(parents=True)
            for file in read_manifest(manifest).files:
                self._get(version, file, partial)
            (partial / MANIFEST_NAME).write_bytes(manifest)
            found = read_heads(load_package(partial)).tree.version
            if found != version:
                raise ModelPackageError(f"expected the model {version} under that name, got {found}")
            partial.rename(folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        return load_package(folder)

    def resolved(self, name: str) -> str:
        """A version as it is told: itself, or what stands behind ``@alias``.

        Raises:
            UnknownError: there is no such alias.
            SourceUnavailableError: the store did not answer.
        """
        if not name.startswith("@"):
            return name
        known = self.aliases()
        if name[1:] not in known:
            told = ", ".join(f"@{alias}" for alias in known) or "none"
            raise UnknownError(f"{self._name} has no alias {name}, it has: {told}")
        return known[name[1:]]

    def prune(self, keep: int, spared: Collection[str] = ()) -> list[Entry]:
        """Delete all versions but the newest ones, those that an alias stands for and those that are spared.

        Returns:
            What was deleted.

        Raises:
            SourceUnavailableError: the store did not answer; what is still listed is still whole.
        """
        stay = {*spared, *self._place.aliases().values()}
        gone = [entry for entry in self.versions()[keep:] if entry.version not in stay]
        for entry in gone:
            self._place.delete(entry.version)
        return gone

    def _require(self, version: str) -> Entry:
        entry = self._found(version)
        if entry is None:
            known = ", ".join(one.version for one in self.versions()) or "none"
            raise UnknownError(f"{self._name} has no model {version}, it has: {known}")
        return entry

    def _found(self, version: str) -> Entry | None:
        if not _VERSION.fullmatch(version):
            raise UnknownError(f"expected a version such as 'model list' prints, got {version!r}")
        return next(iter(self._place.entries(version)), None)

    def _manifest(self, entry: Entry) -> bytes:
        data = self._place.read(entry.version, MANIFEST_NAME, _LARGEST_MANIFEST_BYTES)
        if hashlib.sha256(data).hexdigest() != entry.manifest_sha256:
            raise ModelPackageError(
                f"{self._name}: the manifest of {entry.version} is not what was "
                f"pushed; delete {entry.version} there and push it again"
            )
        return data

    def _get(self, version: str, file: PackageFile, folder: Path) -> None:
        data = self._place.read(version, file.path, file.size_bytes)
        if hashlib.sha256(data).hexdigest() != file.sha256:
            raise ModelPackageError(
                f"{self._name}: {file.path} of {version} is not what its manifest "
                f"says; delete {version} there and push it again"
            )
        target = folder / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


def _files(package: ModelPackage, manifest: bytes) -> Iterator[NamedFile]:
    for file in package.manifest.files:
        yield file.path, package.read(file.path)
    yield MANIFEST_NAME, manifest


def _is(folder: Path, manifest: bytes) -> bool:
    path = folder / MANIFEST_NAME
    return path.is_file() and path.read_bytes() == manifest
