"""Heads in a model package: read, and written into a copy of it."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Final

import msgspec

from sploot_media_clustering.adapters.atomic_file import write_atomically
from sploot_media_clustering.adapters.model_package import ModelPackage, load_package
from sploot_media_clustering.domain.projection import Heads
from sploot_media_clustering.errors import DamagedDataError, ModelPackageError
from sploot_media_clustering.services import value_codec
from sploot_media_clustering.services.manifest import (
    MANIFEST_NAME,
    GateEntry,
    HeadsEntry,
    PackageFile,
    Reference,
    write_manifest,
)

HEADS_FILE: Final = "heads.msgpack.zst"


def write_gate(package: ModelPackage, gate: GateEntry) -> None:
    """Write into the manifest that the heads passed.

    Raises:
        ModelPackageError: other heads were judged.
    """
    version = read_heads(package).tree.version
    if gate.model != version:
        raise ModelPackageError(
            f"expected results of {version}, the model in {package.folder}, got results of {gate.model}; run "
            f"'eval all' with SPLOOT_MODEL={package.folder}"
        )
    manifest = msgspec.structs.replace(package.manifest, gate=gate)
    write_atomically(package.folder / MANIFEST_NAME, write_manifest(manifest))


def read_heads(package: ModelPackage) -> Heads:
    """The heads of a package.

    Raises:
        ModelPackageError: it has none, or they are damaged or were fitted on other networks.
    """
    if package.manifest.heads is None:
        raise ModelPackageError(
            f"the model package in {package.folder} has no heads yet; fit them with "
            "'sploot-clustering train heads PHOTOS --model FOLDER --out NEW'"
        )
    file = package.manifest.heads.file
    try:
        heads = value_codec.unpack(Heads, package.read(file))
    except DamagedDataError as error:
        raise ModelPackageError(f"{file}: {error}; fit the heads again") from error
    if heads.network_version != package.network_version:
        raise ModelPackageError(
            f"{file}: expected heads of the networks {package.network_version}, got heads of "
            f"{heads.network_version}; fit them again"
        )
    return heads


def write_with_heads(
    package: ModelPackage, heads: Heads, *, origin: str, reference: Reference, out: Path
) -> ModelPackage:
    """Write a copy of a package with these heads in place of its own.

    Args:
        package: whose networks are used.
        heads: fitted on its embeddings.
        origin: what they were fitted on.
        reference: statistics of the photos that they were fitted on; what albums look like to these heads is
            to be recorded anew.
        out: folder of the new package; the manifest comes last, so that a half-written folder is no package.

    Returns:
        The new package, checked.
    """
    manifest = package.manifest
    replaced = {
        manifest.heads and manifest.heads.file,
        manifest.reference and manifest.reference.albums,  # seen by the heads before
    }
    kept = tuple(file for file in manifest.files if file.path not in replaced)
    out.mkdir(parents=True, exist_ok=True)
    for file in kept:
        if (out / file.path).resolve() != (package.folder / file.path).resolve():
            shutil.copyfile(package.folder / file.path, out / file.path)
    data = value_codec.pack(heads)
    write_atomically(out / HEADS_FILE, data)
    entry = PackageFile(
        path=HEADS_FILE,
        size_bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        licence="Apache-2.0",
        origin=origin,
    )
    fitted = msgspec.structs.replace(
        manifest,
        files=(*kept, entry),
        heads=HeadsEntry(HEADS_FILE),
        reference=msgspec.structs.replace(reference, albums=None),
        gate=None,
    )
    write_atomically(out / MANIFEST_NAME, write_manifest(fitted))
    return load_package(out)
