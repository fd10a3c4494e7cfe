"""Does a network see in the canary what the manifest says that it sees?"""

from __future__ import annotations

from typing import Final

import numpy as np
from jaxtyping import Float

from sploot_media_clustering.errors import ModelPackageError
from sploot_media_clustering.services.manifest import MANIFEST_NAME, Canary

_REMEDY: Final = (
    "this machine computes it differently, or the manifest is of another network; use another machine"
)


def check_embedding(file: str, canary: Canary, found: Float[np.ndarray, " e"]) -> str:
    """Compare the canary's embedding with the one stated, and say how close it is.

    Raises:
        ModelPackageError: it is another one.
    """
    expected = np.frombuffer(canary.embedding, "<f2").astype(np.float64)
    if len(expected) != len(found):
        raise ModelPackageError(
            f"{MANIFEST_NAME}: expected a canary of {len(found)} numbers, got {len(expected)}"
        )
    cosine = _cosine(found.astype(np.float64), expected)
    if not cosine >= canary.cosine:
        raise ModelPackageError(
            f"{file}: expected the canary's embedding with a cosine of at least {canary.cosine}, got "
            f"{cosine:.5f}; {_REMEDY}"
        )
    return f"canary's cosine {cosine:.5f}, at least {canary.cosine}"


def check_species(file: str, canary: Canary, found: Float[np.ndarray, " 3"]) -> str:
    """The same of the canary's species probabilities; see :func:`check_embedding`."""
    return check_close(file, "species", canary.species, tuple(found.tolist()), canary.tolerance)


def check_scores(file: str, canary: Canary, found: Float[np.ndarray, "c 3"]) -> str:
    """The same of the scores of the detector's best candidates; see :func:`check_embedding`."""
    scores = sorted(found.max(axis=1).tolist(), reverse=True)
    padded = tuple(scores + [0.0] * len(canary.scores))[: len(canary.scores)]
    return check_close(file, "scores", canary.scores, padded, canary.tolerance)


def check_close(
    file: str, what: str, expected: tuple[float, ...], found: tuple[float, ...], tolerance: float
) -> str:
    """Compare numbers, and say how close they are.

    Raises:
        ModelPackageError: one is further off than the tolerance, or no number.
    """
    furthest = float(np.abs(np.subtract(expected, found)).max(initial=0.0))
    if not furthest <= tolerance:
        raise ModelPackageError(
            f"{file}: expected the canary's {what} {_rounded(expected)} within {tolerance}, got "
            f"{_rounded(found)}; {_REMEDY}"
        )
    return f"canary's {what} within {furthest:.4f}, at most {tolerance}"


def _cosine(one: np.ndarray, other: np.ndarray) -> float:
    lengths = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / lengths if lengths > 0 else 0.0


def _rounded(values: tuple[float, ...]) -> str:
    return "(" + ", ".join(f"{value:.3f}" for value in values) + ")"
