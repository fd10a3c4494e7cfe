"""Networks run by ONNX Runtime on the CPU: the embedder and the animal detector."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import onnxruntime
from jaxtyping import Float32, UInt8

from sploot_media_clustering.domain.album import SPECIES, Box
from sploot_media_clustering.errors import ModelPackageError
from sploot_media_clustering.services.manifest import DetectorEntry, EmbedderEntry
from sploot_media_clustering.services.ports import Detection, EmbeddedViews

MAX_BATCH: Final = 8
"""Pictures run at once: more gain nothing on a CPU and take memory."""

LEAST_SCORE: Final = 0.05
"""Candidates below it are never believed, so they are not handed on."""

_ERRORS_ONLY: Final = 3


def open_session(data: bytes, *, threads: int) -> onnxruntime.InferenceSession:
    """Load a network.

    Two things make inference on a shared machine steady: threads that don't spin while they wait (the decoder
    wants the core), and no memory arena, which would keep what the largest batch ever needed.

    Args:
        data: of an ONNX file.
        threads: that one run may use.

    Raises:
        ModelPackageError: it is no network that ONNX Runtime can run.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.log_severity_level = _ERRORS_ONLY
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime raises a class of its own for each of a dozen reasons
        raise ModelPackageError(
            f"expected a network that ONNX Runtime {onnxruntime.__version__} can run, got: {error}"
        ) from error


class OnnxEmbedder:
    """Implements :class:`~sploot_media_clustering.services.ports.Embedder`; safe to share between threads.

    Args:
        session: of the network.
        entry: its description in the manifest.
        version: of the networks of the package.

    Raises:
        ModelPackageError: the network's inputs or outputs are not those of the manifest.
    """

    def __init__(self, session: onnxruntime.InferenceSession, *, entry: EmbedderEntry, version: str) -> None:
        _check_shapes(
            session,
            entry.file,
            {"views": [entry.input_px, entry.input_px, 3]},
            {"embedding": [entry.dimension], "species": [len(SPECIES)]},
        )
        self._session = session
        self._entry = entry
        self._version = version

    @property
    def input_px(self) -> int:
        """Side of the square input."""
        return self._entry.input_px

    @property
    def dimension(self) -> int:
        """Length of an embedding."""
        return self._entry.dimension

    @property
    def version(self) -> str:
        """Name and checksum of the networks; vectors of two versions never meet."""
        return self._version

    def embed(self, views: UInt8[np.ndarray, "n s s 3"]) -> EmbeddedViews:
        """Embed n views; a view's result does not depend on the views beside it."""
        embeddings, species = _run(self._session, ("embedding", "species"), "views", views)
        return EmbeddedViews(embeddings, species)


class OnnxDetector:
    """Implements :class:`~sploot_media_clustering.services.ports.AnimalDetector`; safe to share.

    Args:
        session: of the network.
        entry: its description in the manifest.

    Raises:
        ModelPackageError: the network's inputs or outputs are not those of the manifest.
    """

    def __init__(self, session: onnxruntime.InferenceSession, *, entry: DetectorEntry) -> None:
        _check_shapes(
            session,
            entry.file,
            {"images": [entry.input_px, entry.input_px, 3]},
            {"boxes": [entry.candidates, 4], "scores": [entry.candidates, len(SPECIES)]},
        )
        self._session = session
        self._entry = entry

    @property
    def input_px(self) -> int:
        """Side of the square input."""
        return self._entry.input_px

    def detect(self, images: UInt8[np.ndarray, "n s s 3"]) -> list[tuple[Detection, ...]]:
        """Candidate boxes of each image, best first; suppression is the caller's."""
        boxes, scores = _run(self._session, ("boxes", "scores"), "images", images)
        return [_detections(*one) for one in zip(boxes, scores, strict=True)]


def _detections(
    boxes: Float32[np.ndarray, "c 4"], scores: Float32[np.ndarray, "c 3"]
) -> tuple[Detection, ...]:
    likely = scores.max(axis=1) >= LEAST_SCORE
    return tuple(
        Detection(Box(*box), (cat, dog, animal))
        for box, (cat, dog, animal) in zip(boxes[likely].tolist(), scores[likely].tolist(), strict=True)
    )


def _run(
    session: onnxruntime.InferenceSession,
    outputs: Sequence[str],
    name: str,
    images: UInt8[np.ndarray, "n s s 3"],
) -> list[np.ndarray]:
    """Run in batches of :data:`MAX_BATCH`; no images give empty outputs of the right shapes."""
    if len(images) == 0:
        shapes = _shapes(session.get_outputs())
        return [np.zeros((0, *shapes[output]), np.float32) for output in outputs]
    starts = range(0, len(images), MAX_BATCH)
    parts = [session.run(list(outputs), {name: images[start : start + MAX_BATCH]}) for start in starts]
    return [np.concatenate(arrays) for arrays in zip(*parts, strict=True)]


def _check_shapes(
    session: onnxruntime.InferenceSession,
    file: str,
    inputs: dict[str, list[int]],
    outputs: dict[str, list[int]],
) -> None:
    for kind, expected, found in (
        ("inputs", inputs, _shapes(session.get_inputs())),
        ("outputs", outputs, _shapes(session.get_outputs())),
    ):
        if found != expected:
            raise ModelPackageError(
                f"{file}: expected {kind} {expected} behind the batch, got {found}; correct the manifest, or "
                "make the package again"
            )


def _shapes(arguments: Sequence[Any]) -> dict[str, list[int]]:
    return {argument.name: list(argument.shape[1:]) for argument in arguments}
