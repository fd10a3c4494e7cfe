"""What is done around a network that takes floats and gives something to be pooled; see ``Preparation``."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, UInt8

from sploot_media_clustering.errors import ModelPackageError
from sploot_media_clustering.services.manifest import Preparation

_BRIGHTEST = 255
_MATRIX_AXES = 2


def prepared(views: UInt8[np.ndarray, "n s s 3"], recipe: Preparation) -> Float32[np.ndarray, "n a b c"]:
    """Views as the network takes them."""
    scale = 1 / (_BRIGHTEST * np.array(recipe.deviation))
    shift = np.array(recipe.mean) / np.array(recipe.deviation)
    scaled = views.astype(np.float32) * scale.astype(np.float32) - shift.astype(np.float32)
    return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2)) if recipe.layout == "nchw" else scaled


def pooled(found: np.ndarray, recipe: Preparation, *, views: int, file: str) -> Float32[np.ndarray, "n e"]:
    """What the network gives, as one vector a view.

    Args:
        found: [n, e], tokens [n, t, e] or planes [n, e, h, w].
        recipe: how to pool.
        views: n, as they were given to the network.
        file: for messages.

    Raises:
        ModelPackageError: it is none of these, has to be pooled and nothing says how, or is of another number
            of views, as of a network that was traced with a fixed one.
    """
    if found.ndim == 0 or len(found) != views:
        raise ModelPackageError(
            f"{file}: expected an output for each of {views} views, got one of shape {list(found.shape)}; "
            "export it with a free first axis"
        )
    axes = found.ndim
    if axes > _MATRIX_AXES and recipe.pooling == "first":
        found = found[:, 0] if axes == _MATRIX_AXES + 1 else found
    elif axes > _MATRIX_AXES and recipe.pooling == "mean":
        found = found.mean(axis=1 if axes == _MATRIX_AXES + 1 else tuple(range(2, axes)), dtype=np.float32)
    if found.ndim != _MATRIX_AXES:
        raise ModelPackageError(
            f"{file}: expected an output of one vector a view, or of tokens or planes with a pooling, got "
            f"{list(found.shape)} and the pooling {recipe.pooling!r}; name another output, or a pooling"
        )
    vectors = found.astype(np.float32)
    return split_signs(vectors) if recipe.split_signs else vectors


def split_signs(vectors: Float32[np.ndarray, "n e"]) -> Float32[np.ndarray, "n f"]:
    """The positive parts, then the negative ones without their sign."""
    return np.concatenate([np.maximum(vectors, 0), np.maximum(-vectors, 0)], axis=1)
