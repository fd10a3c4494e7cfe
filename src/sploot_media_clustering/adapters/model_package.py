"""Model packages: opened, checked against their manifest and their canary, or refused with the reason.

What a package says is not trusted: the bytes that are parsed are those that were hashed, paths stay in the
folder, and nothing in it is ever executed but the operators of a network.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Final

from sploot_media_clustering.adapters.package_networks import NetworkDetector, NetworkEmbedder
from sploot_media_clustering.adapters.package_opening import Opening, open_detector, open_embedder
from sploot_media_clustering.adapters.placement import Execution, Placement
from sploot_media_clustering.errors import ModelPackageError
from sploot_media_clustering.services.manifest import (
    MANIFEST_NAME,
    Manifest,
    PackageFile,
    read_manifest,
)

DEFAULT_PACKAGE: Final = "lite0-ssdlite-1"
"""Folder of the package that is used when none is named."""

_MODELS: Final = "models"
_AGAIN: Final = "copy the package again"
_MAX_FILE_BYTES: Final = 4 * 2**30
"""ViT-H-14 in fp32 has 2.5 billion."""
_MAX_MANIFEST_BYTES: Final = 2**20


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at.

    Attributes:
        name: of what was looked at.
        passed: whether it is as it should be.
        detail: what was found; where it failed, what was expected and what to do.
        placement: of a network, where it runs.
    """

    name: str
    passed: bool
    detail: str
    placement: Placement | None = None


@dataclass(frozen=True, slots=True)
class ModelPackage:
    """A folder whose manifest was read and whose files are what it says.

    Attributes:
        folder: of the package.
        manifest: as read.
    """

    folder: Path
    manifest: Manifest

    @property
    def network_version(self) -> str:
        """Of all embeddings that the package makes."""
        return self.manifest.network_version

    def read(self, path: str) -> bytes:
        """The bytes of a file, checked against the manifest.

        Raises:
            ModelPackageError: it is missing, unreadable, or not what the manifest says.
        """
        return _read_checked(self.folder, self.manifest.file(path))

    def open_embedder(self, *, threads: int, execution: Execution | None = None) -> NetworkEmbedder:
        """The embedder, after it embedded the canary as the manifest says.

        Args:
            threads: that one run may use on the CPU.
            execution: where it may run; by default on the CPU.

        Raises:
            ModelPackageError: a check fails; the message names file, expectation and finding.
        """
        return open_embedder(self.manifest, self._opening(threads, execution))

    def open_detector(self, *, threads: int, execution: Execution | None = None) -> NetworkDetector:
        """The detector, after it scored the canary as the manifest says; see :meth:`open_embedder`."""
        return open_detector(self.manifest, self._opening(threads, execution))

    def _opening(self, threads: int, execution: Execution | None) -> Opening:
        return Opening(self.read, threads, execution or Execution())


def load_package(folder: Path) -> ModelPackage:
    """Open a package and check every file's size and checksum.

    Raises:
        ModelPackageError: there is no manifest, it does not read as one, or a file is not what it says.
    """
    package = ModelPackage(folder, read_manifest(_manifest_bytes(folder)))
    for entry in package.manifest.files:
        _read_checked(folder, entry)
    return package


def built_in_packages() -> dict[str, Path]:
    """Folders of the packages that came with the installation, by folder name."""
    models = Path(str(files("sploot_media_clustering").joinpath(_MODELS)))
    return {path.parent.name: path.parent for path in sorted(models.glob(f"*/{MANIFEST_NAME}"))}


def default_package() -> ModelPackage:
    """The built-in package.

    Raises:
        ModelPackageError: the installation lacks it, or it is damaged.
    """
    folders = built_in_packages()
    if DEFAULT_PACKAGE not in folders:
        raise ModelPackageError(
            f"expected the built-in model package {DEFAULT_PACKAGE}, found {sorted(folders) or 'none'}; "
            "install sploot-media-clustering again"
        )
    return load_package(folders[DEFAULT_PACKAGE])


def verify(package: ModelPackage, execution: Execution | None = None) -> list[Check]:
    """Check everything that can be checked, going on after a failure.

    Args:
        package: to be checked.
        execution: where its networks may run; by default on the CPU.
    """
    checks = [
        _checked(f"file {entry.path}", partial(_describe, package.folder, entry))
        for entry in package.manifest.files
    ]
    checks.append(_checked("embedder", partial(_embedder_detail, package, execution)))
    checks.append(_checked("detector", partial(_detector_detail, package, execution)))
    return checks


def _describe(folder: Path, entry: PackageFile) -> tuple[str, None]:
    return f"{len(_read_checked(folder, entry)):,} bytes, SHA-256 {entry.sha256[:12]}", None


def _embedder_detail(package: ModelPackage, execution: Execution | None) -> tuple[str, Placement]:
    embedder = package.open_embedder(threads=1, execution=execution)
    return f"{embedder.dimension} dimensions, {_placed(embedder.placement)}", embedder.placement


def _detector_detail(package: ModelPackage, execution: Execution | None) -> tuple[str, Placement]:
    detector = package.open_detector(threads=1, execution=execution)
    return f"{detector.input_px} pixels, {_placed(detector.placement)}", detector.placement


def _placed(placement: Placement) -> str:
    reasons = f" ({'; '.join(placement.why)})" if placement.why else ""
    return f"{placement.check}, on {placement.provider}{reasons}"


def _checked(name: str, check: Callable[[], tuple[str, Placement | None]]) -> Check:
    try:
        detail, placement = check()
    except ModelPackageError as error:
        return Check(name, passed=False, detail=str(error))
    return Check(name, passed=True, detail=detail, placement=placement)


def _manifest_bytes(folder: Path) -> bytes:
    path = folder / MANIFEST_NAME
    try:
        if path.stat().st_size > _MAX_MANIFEST_BYTES:
            raise ModelPackageError(
                f"expected a manifest of at most {_MAX_MANIFEST_BYTES:,} bytes in {folder}"
            )
        return path.read_bytes()
    except OSError as error:
        raise ModelPackageError(
            f"expected a model package with a {MANIFEST_NAME} in {folder}, got: {error.strerror}; "
            "name the folder that holds it"
        ) from error


def _read_checked(folder: Path, entry: PackageFile) -> bytes:
    path = (folder / entry.path).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise ModelPackageError(f"{entry.path}: expected a file inside {folder}, got a link to {path}")
    try:
        size_bytes = path.stat().st_size
        if size_bytes != entry.size_bytes or size_bytes > _MAX_FILE_BYTES:
            raise ModelPackageError(
                f"{entry.path}: expected {entry.size_bytes:,} bytes, got {size_bytes:,}; {_AGAIN}"
            )
        data = path.read_bytes()
    except OSError as error:
        raise ModelPackageError(
            f"{entry.path}: expected a file in {folder}, got: {error.strerror}; {_AGAIN}"
        ) from error
    digest = hashlib.sha256(data).hexdigest()
    if digest != entry.sha256:
        raise ModelPackageError(f"{entry.path}: expected SHA-256 {entry.sha256}, got {digest}; {_AGAIN}")
    return data
