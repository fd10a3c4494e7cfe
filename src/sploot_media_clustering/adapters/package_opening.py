"""Networks of a model package put where they run, and believed only after they saw the canary there."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import onnxruntime

from sploot_media_clustering.adapters.canary_check import check_embedding, check_scores, check_species
from sploot_media_clustering.adapters.onnx_runtime import Shapes, check_shapes, onnx_rungs
from sploot_media_clustering.adapters.package_networks import NetworkDetector, NetworkEmbedder
from sploot_media_clustering.adapters.placement import Execution, Ladder, Opened, Run
from sploot_media_clustering.domain.album import SPECIES
from sploot_media_clustering.services.canary import canary_picture
from sploot_media_clustering.services.manifest import Canary, DetectorEntry, EmbedderEntry, Manifest

ReadFile = Callable[[str], bytes]
"""The bytes of a file of the package, checked."""


def open_embedder(
    manifest: Manifest, folder: Path, read: ReadFile, *, threads: int, execution: Execution
) -> NetworkEmbedder:
    """The embedder of a package.

    Args:
        manifest: of the package.
        folder: of the package.
        read: its files.
        threads: that one run on the CPU may use.
        execution: where it may run.

    Raises:
        ModelPackageError: it can't run anywhere, or computes something else than the manifest says.
    """
    entry = manifest.embedder
    rungs, absent = onnx_rungs(
        partial(read, entry.file),
        partial(_embedder_opened, entry),
        threads=threads,
        execution=execution,
        folder=folder,
    )
    ladder = Ladder(
        entry.file,
        rungs,
        accept=partial(embedder_detail, entry, manifest.canary),
        side_px=entry.input_px,
        asked=execution.providers,
        absent=absent,
    )
    return NetworkEmbedder(ladder, entry=entry, version=manifest.network_version)


def open_detector(
    manifest: Manifest, folder: Path, read: ReadFile, *, threads: int, execution: Execution
) -> NetworkDetector:
    """The detector of a package; see :func:`open_embedder`."""
    entry = manifest.detector
    rungs, absent = onnx_rungs(
        partial(read, entry.file),
        partial(_detector_opened, entry),
        threads=threads,
        execution=execution,
        folder=folder,
    )
    ladder = Ladder(
        entry.file,
        rungs,
        accept=partial(detector_detail, entry, manifest.canary),
        side_px=entry.input_px,
        asked=execution.providers,
        absent=absent,
    )
    return NetworkDetector(ladder, entry=entry)


def embedder_detail(entry: EmbedderEntry, canary: Canary, run: Run) -> str:
    """How close an embedder comes to its canary.

    Raises:
        ModelPackageError: not close enough.
    """
    embeddings, species = run(canary_picture(entry.input_px)[None])
    detail = check_embedding(entry.file, canary, embeddings[0])
    check_species(entry.file, canary, species[0])
    return detail


def detector_detail(entry: DetectorEntry, canary: Canary, run: Run) -> str:
    """How close a detector comes to its canary; see :func:`embedder_detail`."""
    _, scores = run(canary_picture(entry.input_px)[None])
    return check_scores(entry.file, canary, scores[0])


def _embedder_opened(entry: EmbedderEntry, session: onnxruntime.InferenceSession, batch: int) -> Opened:
    inputs: Shapes = {"views": [entry.input_px, entry.input_px, 3]}
    check_shapes(session, entry.file, inputs, {"embedding": [entry.dimension], "species": [len(SPECIES)]})
    return Opened(partial(_run, session, ["embedding", "species"], "views"), batch)


def _detector_opened(entry: DetectorEntry, session: onnxruntime.InferenceSession, batch: int) -> Opened:
    inputs: Shapes = {"images": [entry.input_px, entry.input_px, 3]}
    outputs: Shapes = {"boxes": [entry.candidates, 4], "scores": [entry.candidates, len(SPECIES)]}
    check_shapes(session, entry.file, inputs, outputs)
    return Opened(partial(_run, session, ["boxes", "scores"], "images"), batch)


def _run(
    session: onnxruntime.InferenceSession, outputs: list[str], name: str, pictures: np.ndarray
) -> list[np.ndarray]:
    found: list[np.ndarray] = session.run(outputs, {name: pictures})
    return found
