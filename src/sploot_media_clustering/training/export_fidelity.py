"""What 8-bit arithmetic changes: the float and the quantised network on the same photos."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import onnxruntime
from jaxtyping import UInt8

from sploot_media_clustering.domain.album import Box

SAME_BOX: Final = 0.9
"""Intersection over union from which on two boxes count as one."""
SAME_SCORE: Final = 0.02


@dataclass(frozen=True, slots=True)
class EmbedderFidelity:
    """Cosines between float and 8-bit embeddings, and the mean change of a species' probability."""

    mean_cosine: float
    least_cosine: float
    species_change: float


@dataclass(frozen=True, slots=True)
class DetectorFidelity:
    """What happens to each photo's best box.

    Attributes:
        moved: share whose best box overlaps the float network's by less than :data:`SAME_BOX`, among photos
            with a float score of at least 0.3.
        rescored: share whose best score differs by more than :data:`SAME_SCORE`.
        score_change: mean absolute difference of the best score.
        score_bias: mean difference of the best score.
    """

    moved: float
    rescored: float
    score_change: float
    score_bias: float


_SURE: Final = 0.3


def embedder_fidelity(exact: Any, quantised: Any, views: UInt8[np.ndarray, "n s s 3"]) -> EmbedderFidelity:  # noqa: ANN401 - onnx is untyped
    """Compare two embedders."""
    (embeddings, species), (embeddings_8, species_8) = (_outputs(net, views) for net in (exact, quantised))
    lengths = np.linalg.norm(embeddings, axis=1) * np.linalg.norm(embeddings_8, axis=1)
    cosines = (embeddings * embeddings_8).sum(axis=1) / lengths
    return EmbedderFidelity(
        float(cosines.mean()), float(cosines.min()), float(np.abs(species - species_8).mean())
    )


def detector_fidelity(exact: Any, quantised: Any, images: UInt8[np.ndarray, "n s s 3"]) -> DetectorFidelity:  # noqa: ANN401 - onnx is untyped
    """Compare two detectors by the best box of each image."""
    (boxes, scores), (boxes_8, scores_8) = (_outputs(net, images) for net in (exact, quantised))
    best, best_8 = scores.max(axis=2)[:, 0], scores_8.max(axis=2)[:, 0]
    overlaps = np.array(
        [Box(*one).overlap(Box(*other)) for one, other in zip(boxes[:, 0], boxes_8[:, 0], strict=True)]
    )
    change = best_8 - best
    return DetectorFidelity(
        moved=float((overlaps[best >= _SURE] < SAME_BOX).mean()),
        rescored=float((np.abs(change) > SAME_SCORE).mean()),
        score_change=float(np.abs(change).mean()),
        score_bias=float(change.mean()),
    )


def _outputs(model: Any, images: UInt8[np.ndarray, "n s s 3"]) -> list[np.ndarray]:  # noqa: ANN401
    session = onnxruntime.InferenceSession(model.SerializeToString())
    name = session.get_inputs()[0].name
    rows = [session.run(None, {name: image[None]}) for image in images]
    return [np.concatenate(arrays) for arrays in zip(*rows, strict=True)]
