"""What albums looked like, as a file: of its own, or of a model package."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

import msgspec

from sploot_media_clustering.adapters.atomic_file import write_atomically
from sploot_media_clustering.adapters.model_package import ModelPackage, load_package
from sploot_media_clustering.errors import DamagedDataError, InputError, ModelPackageError
from sploot_media_clustering.services import value_codec
from sploot_media_clustering.services.drift import Reference
from sploot_media_clustering.services.manifest import MANIFEST_NAME, PackageFile, write_manifest

ALBUMS_FILE: Final = "albums.msgpack.zst"
"""Of a model package."""


def read_reference(package: ModelPackage, file: Path | None = None) -> Reference:
    """A reference for the albums of a model.

    Args:
        package: of the model.
        file: that holds the reference; by default the package's own.

    Raises:
        InputError: the file is none, is damaged, or was recorded with another model.
        ModelPackageError: the package has none.
    """
    if file is not None:
        try:
            return _unpacked(file.read_bytes(), str(file))
        except OSError as error:
            raise InputError(
                f"expected a reference in {file}, got: {error.strerror}; make it with 'drift --record {file}'"
            ) from error
    told = package.manifest.reference
    if told is None or told.albums is None:
        raise ModelPackageError(
            f"the model package in {package.folder} does not say what albums look like; record that with "
            "'sploot-clustering drift --record FILE', and name it with --reference"
        )
    return _unpacked(package.read(told.albums), told.albums)


def write_reference(reference: Reference, place: Path) -> None:
    """Write a reference.

    Args:
        reference: to be written.
        place: a file; or the folder of a model package, which then has it in place of its own.

    Raises:
        ModelPackageError: the folder is no model package, or one whose heads were not fitted.
    """
    data = value_codec.pack(reference)
    if not place.is_dir():
        write_atomically(place, data)
        return
    manifest = load_package(place).manifest
    if manifest.reference is None:
        raise ModelPackageError(f"the model package in {place} has no heads yet; fit them with 'train heads'")
    entry = PackageFile(
        path=ALBUMS_FILE,
        size_bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        licence="Apache-2.0",
        origin=f"'drift --record' from {len(reference.figures)} albums with {reference.photos} photos",
    )
    kept = tuple(file for file in manifest.files if file.path not in {ALBUMS_FILE, manifest.reference.albums})
    told = msgspec.structs.replace(
        manifest,
        files=(*kept, entry),
        reference=msgspec.structs.replace(manifest.reference, albums=ALBUMS_FILE),
    )
    write_atomically(place / ALBUMS_FILE, data)
    write_atomically(place / MANIFEST_NAME, write_manifest(told))


def _unpacked(data: bytes, name: str) -> Reference:
    try:
        return value_codec.unpack(Reference, data)
    except DamagedDataError as error:
        raise InputError(f"{name} is no reference of 'drift --record': {error}; record it anew") from error
