"""Does an exported network still give the vectors of the one that it was made from?"""

from __future__ import annotations

from typing import Final

import numpy as np
from jaxtyping import Float32, Int64, UInt8
from scipy.stats import rankdata

from sploot_media_clustering.errors import ModelPackageError
from sploot_media_clustering.services.canary import canary_picture
from sploot_media_clustering.services.manifest import Parity, Precision

NEEDED: Final[dict[Precision, float]] = {"fp32": 0.9999, "fp16": 0.999, "int8": 0.99}
"""Least cosine between the vectors of a picture."""
_TURNS: Final = 4
_DIGITS: Final = 6
_LEAST: Final = 1e-12


def drawn_pictures(side_px: int) -> UInt8[np.ndarray, "n s s 3"]:
    """The canary turned, mirrored and as a negative: sixteen pictures that need no files."""
    drawn = canary_picture(side_px)
    turned = [np.rot90(drawn, turns) for turns in range(_TURNS)]
    both = [*turned, *(picture[:, ::-1] for picture in turned)]
    return np.ascontiguousarray(np.stack([*both, *(255 - picture for picture in both)]))


def compared(
    source: Float32[np.ndarray, "n e"],
    exported: Float32[np.ndarray, "n e"],
    *,
    precision: Precision,
    random_weights: bool,
    animals: Int64[np.ndarray, " n"] | None = None,
) -> Parity:
    """Compare the vectors of the same pictures.

    Args:
        source: of the network as it was published.
        exported: of what became of it.
        precision: of what became of it.
        random_weights: the network was never trained.
        animals: which animal each picture shows, where they are labelled photos.

    Raises:
        ModelPackageError: they differ by more than that precision may.
    """
    if source.shape != exported.shape:
        raise ModelPackageError(f"expected vectors {source.shape} of the export, got {exported.shape}")
    cosines, mean = _cosines(source, exported), source.mean(axis=0)
    least = float(cosines.min())
    if not least >= NEEDED[precision]:
        raise ModelPackageError(
            f"expected a cosine of at least {NEEDED[precision]} between source and {precision} export, got "
            f"{least:.5f}; nothing was written: try another --precision or --format"
        )
    return Parity(
        precision=precision,
        pictures=len(source),
        drawn=animals is None,
        random_weights=random_weights,
        least_cosine=round(least, _DIGITS),
        mean_cosine=round(float(cosines.mean()), _DIGITS),
        centred_cosine=round(float(_cosines(source - mean, exported - mean).min()), _DIGITS),
        source_auc=None if animals is None else same_animal_auc(source, animals),
        exported_auc=None if animals is None else same_animal_auc(exported, animals),
    )


def same_animal_auc(vectors: Float32[np.ndarray, "n e"], animals: Int64[np.ndarray, " n"]) -> float | None:
    """How often two pictures of one animal are closer, by cosine, than two of different ones.

    Args:
        vectors: of the pictures.
        animals: on them.

    Returns:
        The area under the curve of all pairs; None where there are no pairs of both kinds.
    """
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), _LEAST)
    first, second = np.triu_indices(len(vectors), k=1)
    same = animals[first] == animals[second]
    pairs, others = int(same.sum()), int((~same).sum())
    if not pairs or not others:
        return None
    ranks = rankdata((unit @ unit.T)[first, second])
    return round(float((ranks[same].sum() - pairs * (pairs + 1) / 2) / (pairs * others)), _DIGITS)


def _cosines(one: Float32[np.ndarray, "n e"], other: Float32[np.ndarray, "n e"]) -> Float32[np.ndarray, " n"]:
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    cosines: Float32[np.ndarray, " n"] = (one * other).sum(axis=1) / np.maximum(lengths, _LEAST)
    return cosines
