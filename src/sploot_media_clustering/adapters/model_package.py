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

import numpy as np

from sploot_media_clustering.adapters.onnx_runtime import OnnxDetector, OnnxEmbedder, open_session
from sploot_media_clustering.errors import ModelPackageError
from sploot_media_clustering.services.canary import canary_picture
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
_REMEDY: Final = (
    "this machine computes it differently, or the manifest is of another network; use another machine"
)
_MAX_FILE_BYTES: Final = 2 * 2**30
_MAX_MANIFEST_BYTES: Final = 2**20


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at.

    Attributes:
        name: of what was looked at.
        passed: whether it is as it should be.
        detail: what was found; where it failed, what was expected and what to do.
    """

    name: str
    passed: bool
    detail: str


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

    def open_embedder(self, *, threads: int) -> OnnxEmbedder:
        """The embedder, after it embedded the canary as the manifest says.

        Args:
            threads: that one run may use.

        Raises:
            ModelPackageError: a check fails; the message names file, expectation and finding.
        """
        entry = self.manifest.embedder
        session = open_session(self.read(entry.file), threads=threads)
        embedder = OnnxEmbedder(session, entry=entry, version=self.network_version)
        _check_embedder(self.manifest, embedder)
        return embedder

    def open_detector(self, *, threads: int) -> OnnxDetector:
        """The detector, after it scored the canary as the manifest says; see :meth:`open_embedder`."""
        entry = self.manifest.detector
        detector = OnnxDetector(open_session(self.read(entry.file), threads=threads), entry=entry)
        _check_detector(self.manifest, detector)
        return detector


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


def verify(package: ModelPackage) -> list[Check]:
    """Check everything that can be checked, going on after a failure."""
    checks = [
        _checked(f"file {entry.path}", partial(_describe, package.folder, entry))
        for entry in package.manifest.files
    ]
    checks.append(_checked("embedder", partial(_embedder_detail, package)))
    checks.append(_checked("detector", partial(_detector_detail, package)))
    return checks


def _describe(folder: Path, entry: PackageFile) -> str:
    return f"{len(_read_checked(folder, entry)):,} bytes, SHA-256 {entry.sha256[:12]}"


def _embedder_detail(package: ModelPackage) -> str:
    embedder = package.open_embedder(threads=1)
    return f"{embedder.dimension} dimensions, canary's {_check_embedder(package.manifest, embedder)}"


def _detector_detail(package: ModelPackage) -> str:
    detector = package.open_detector(threads=1)
    return f"{detector.input_px} pixels, canary's {_check_detector(package.manifest, detector)}"


def _checked(name: str, check: Callable[[], str]) -> Check:
    try:
        return Check(name, passed=True, detail=check())
    except ModelPackageError as error:
        return Check(name, passed=False, detail=str(error))


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


def _check_embedder(manifest: Manifest, embedder: OnnxEmbedder) -> str:
    canary, file = manifest.canary, manifest.embedder.file
    found = embedder.embed(canary_picture(embedder.input_px)[None])
    expected = np.frombuffer(canary.embedding, "<f2").astype(np.float64)
    if len(expected) != embedder.dimension:
        raise ModelPackageError(
            f"{MANIFEST_NAME}: expected a canary of {embedder.dimension} numbers, got {len(expected)}"
        )
    cosine = _cosine(found.embeddings[0].astype(np.float64), expected)
    if not cosine >= canary.cosine:
        raise ModelPackageError(
            f"{file}: expected the canary's embedding with a cosine of at least {canary.cosine}, got "
            f"{cosine:.5f}; {_REMEDY}"
        )
    _check_close(file, "species", canary.species, tuple(found.species[0].tolist()), canary.tolerance)
    return f"cosine {cosine:.5f}, at least {canary.cosine}"


def _check_detector(manifest: Manifest, detector: OnnxDetector) -> str:
    canary = manifest.canary
    candidates = detector.detect(canary_picture(detector.input_px)[None])[0]
    scores = sorted((max(candidate.scores) for candidate in candidates), reverse=True)
    padded = tuple(scores + [0.0] * len(canary.scores))[: len(canary.scores)]
    return _check_close(manifest.detector.file, "scores", canary.scores, padded, canary.tolerance)


def _cosine(one: np.ndarray, other: np.ndarray) -> float:
    lengths = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / lengths if lengths > 0 else 0.0


def _check_close(
    file: str, what: str, expected: tuple[float, ...], found: tuple[float, ...], tolerance: float
) -> str:
    furthest = float(np.abs(np.subtract(expected, found)).max(initial=0.0))
    if not furthest <= tolerance:
        raise ModelPackageError(
            f"{file}: expected the canary's {what} {_rounded(expected)} within {tolerance}, got "
            f"{_rounded(found)}; {_REMEDY}"
        )
    return f"{what} within {furthest:.4f}, at most {tolerance}"


def _rounded(values: tuple[float, ...]) -> str:
    return "(" + ", ".join(f"{value:.3f}" for value in values) + ")"
