"""A copy of a model package with another embedder in it, in 8-bit arithmetic, and without heads."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import onnxruntime
from jaxtyping import UInt8

from sploot_media_clustering.services.canary import canary_picture
from sploot_media_clustering.services.manifest import MANIFEST_NAME, Manifest, PackageFile, write_manifest
from sploot_media_clustering.training.export_graph import Network
from sploot_media_clustering.training.export_quantised import calibrate, quantised_model

_SEED: Final = 0
_DIGITS: Final = 5


def write_with_embedder(
    manifest: Manifest,
    folder: Path,
    network: Network,
    views: Iterable[UInt8[np.ndarray, "s s 3"]],
    *,
    origin: str,
    out: Path,
) -> Manifest:
    """Write the package; its heads are to be fitted next.

    Args:
        manifest: of the package whose detector is kept.
        folder: of that package.
        network: the embedder.
        views: a few hundred that it will be like, at its input size, to measure its tensors' ranges by.
        origin: how the embedder was made, added to what the manifest says of the original.
        out: folder to write; another one than ``folder``.

    Returns:
        What was written as the manifest.
    """
    out.mkdir(parents=True, exist_ok=True)
    detector = manifest.file(manifest.detector.file)
    shutil.copyfile(folder / detector.path, out / detector.path)
    calibration = calibrate(network, views, np.random.default_rng(_SEED))
    data: bytes = quantised_model(network, calibration).SerializeToString(deterministic=True)
    old = manifest.file(manifest.embedder.file)
    (out / old.path).write_bytes(data)
    embedder = PackageFile(
        path=old.path,
        size_bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        licence=old.licence,
        origin=f"{old.origin} {origin}",
    )
    embedding, species = _canary(data, network.input_px)
    written = msgspec.structs.replace(
        manifest,
        name=f"{manifest.name}-tuned",
        files=(embedder, detector),
        embedder=msgspec.structs.replace(manifest.embedder, input_px=network.input_px),
        canary=msgspec.structs.replace(
            manifest.canary,
            embedding=embedding.astype("<f2").tobytes(),
            species=tuple(round(value, _DIGITS) for value in species.tolist()),
        ),
        heads=None,
        reference=None,
        gate=None,
    )
    (out / MANIFEST_NAME).write_bytes(write_manifest(written))
    return written


def _canary(model: bytes, side_px: int) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(model)
    pictures = canary_picture(side_px)[None]
    return [output[0] for output in session.run(None, {session.get_inputs()[0].name: pictures})]
