"""A registry of model packages: a folder here or in an object store, with one folder a version.

A version's entry is written last and deleted first, so what is listed is there whole. Nothing that was pushed
is ever written over by something else.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec
from fsspec.spec import AbstractFileSystem

from sploot_media_clustering.adapters.filesystems import FileSystems, shown, translated_errors
from sploot_media_clustering.adapters.model_package import ModelPackage, load_package
from sploot_media_clustering.adapters.package_heads import read_heads
from sploot_media_clustering.errors import ConflictError, ModelPackageError, UnknownError
from sploot_media_clustering.services.manifest import MANIFEST_NAME, PackageFile, read_manifest

ENTRY_NAME: Final = "entry.json"
_VERSION: Final = re.compile(r"[a-z0-9][a-z0-9._-]*")
_WRITABLE: Final = frozenset({"file", "s3", "gs", "memory"})


class Signature(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An Ed25519 signature of a manifest.

    Attributes:
        key: public, base64 of 32 bytes.
        value: base64 of 64 bytes.
    """

    key: str
    value: str


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A version that was pushed.

    Attributes:
        version: of the model: its networks and its heads.
        pushed_at: when.
        manifest_sha256: of the manifest's bytes, which hold the checksums of all files.
        size_bytes: of all files.
        signatures: of the manifest.
    """

    version: str
    pushed_at: datetime
    manifest_sha256: str
    size_bytes: int
    signatures: tuple[Signature, ...] = ()


Trust = Callable[[bytes, Sequence[Signature]], None]
"""Raises where the signatures of a manifest are not good enough."""


class ModelRegistry:
    """Versions of models at a URI.

    Args:
        uri: a folder, or a prefix in an object store.
        file_systems: that may be used.
    """

    def __init__(self, uri: str, file_systems: FileSystems | None = None) -> None:
        self._uri = uri.rstrip("/")
        opened = file_systems or FileSystems(protocols=_WRITABLE)
        self._files: AbstractFileSystem = opened.open(uri)
        self._root: str = self._files._strip_protocol(self._uri)  # noqa: SLF001 - fsspec's name for it

    def versions(self) -> list[Entry]:
        """All versions, the newest first.

        Raises:
            SourceUnavailableError: the store did not answer.
            ModelPackageError: an entry is damaged.
        """
        with self._errors():
            self._files.invalidate_cache()
            found = self._files.find(self._root, maxdepth=2)  # a glob would take a folder's [ for its own
            entries = [_entry(self._files.cat_file(at), at) for at in found if at.endswith(f"/{ENTRY_NAME}")]
        return sorted(entries, key=lambda entry: (entry.pushed_at, entry.version), reverse=True)

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
                f"{version} is in {shown(self._uri)} with another manifest; "
                "expected one version to be one package"
            )
        if there is None:
            for file in package.manifest.files:
                self._put(version, file.path, package.read(file.path))
            self._put(version, MANIFEST_NAME, manifest)
        entry = Entry(
            version=version,
            pushed_at=datetime.now(UTC) if there is None else there.pushed_at,
            manifest_sha256=digest,
            size_bytes=sum(file.size_bytes for file in package.manifest.files),
            signatures=tuple(dict.fromkeys((*(there.signatures if there else ()), *signatures))),
        )
        self._put(version, ENTRY_NAME, msgspec.json.encode(entry))
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
        entry = self._found(version)
        if entry is None:
            known = ", ".join(one.version for one in self.versions()) or "none"
            raise UnknownError(f"{shown(self._uri)} has no model {version}, it has: {known}")
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

    def prune(self, keep: int, spared: Collection[str] = ()) -> list[Entry]:
        """Delete all versions but the newest ones and those that are spared.

        Returns:
            What was deleted.

        Raises:
            SourceUnavailableError: the store did not answer; what is still listed is still whole.
        """
        gone = [entry for entry in self.versions()[keep:] if entry.version not in spared]
        for entry in gone:
            with self._errors():
                self._files.rm_file(f"{self._at(entry.version)}/{ENTRY_NAME}")
                self._files.rm(self._at(entry.version), recursive=True)
        return gone

    def _found(self, version: str) -> Entry | None:
        if not _VERSION.fullmatch(version):
            raise UnknownError(f"expected a version such as 'model list' prints, got {version!r}")
        path = f"{self._at(version)}/{ENTRY_NAME}"
        with self._errors():
            self._files.invalidate_cache()
            if not self._files.exists(path):
                return None
            return _entry(self._files.cat_file(path), path)

    def _manifest(self, entry: Entry) -> bytes:
        with self._errors():
            data: bytes = self._files.cat_file(f"{self._at(entry.version)}/{MANIFEST_NAME}")
        if hashlib.sha256(data).hexdigest() != entry.manifest_sha256:
            raise ModelPackageError(
                f"{shown(self._uri)}: the manifest of {entry.version} is not what was "
                f"pushed; delete {entry.version} there and push it again"
            )
        return data

    def _get(self, version: str, file: PackageFile, folder: Path) -> None:
        with self._errors():
            # one byte more than there should be shows that there is more, however much that is
            data = self._files.cat_file(f"{self._at(version)}/{file.path}", end=file.size_bytes + 1)
        if hashlib.sha256(data).hexdigest() != file.sha256:
            raise ModelPackageError(
                f"{shown(self._uri)}: {file.path} of {version} is not what its manifest "
                f"says; delete {version} there and push it again"
            )
        target = folder / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)

    def _put(self, version: str, name: str, data: bytes) -> None:
        """A file that is there whole or not at all, in plain folders too."""
        path = f"{self._at(version)}/{name}"
        partial = f"{path}.{uuid.uuid4().hex}.partial"
        with self._errors():
            self._files.makedirs(path.rpartition("/")[0], exist_ok=True)
            self._files.pipe_file(partial, data)
            self._files.mv(partial, path)

    def _at(self, version: str) -> str:
        return f"{self._root}/{version}"

    @contextmanager
    def _errors(self) -> Iterator[None]:
        with translated_errors(self._uri):
            yield


def _entry(data: bytes, path: str) -> Entry:
    try:
        entry = msgspec.json.decode(data, type=Entry)
    except msgspec.MsgspecError as error:
        raise ModelPackageError(
            f"{path}: expected the entry of a version, but {error}; push it again"
        ) from error
    if path.split("/")[-2] != entry.version:
        raise ModelPackageError(f"{path}: expected the entry of that version, got one of {entry.version}")
    return entry


def _is(folder: Path, manifest: bytes) -> bool:
    path = folder / MANIFEST_NAME
    return path.is_file() and path.read_bytes() == manifest
