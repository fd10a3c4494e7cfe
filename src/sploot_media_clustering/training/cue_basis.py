"""The basis in which heads of cues are fitted: scaled columns, then principal components."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float32, Float64

from sploot_media_clustering.domain.cues import CONTEXT_CUES
from sploot_media_clustering.domain.heads import WHOLE_SHARE
from sploot_media_clustering.training.principal_axes import principal_axes

CONTEXT_SPREAD: Final = 0.05
"""Standard deviation given to each cue of box and pixels, beside feature vectors of length about 1: between
0.02 and 0.1 attributes and appeal are equally good (leave-albums-out)."""

COMPONENTS: Final = 384
"""Principal components kept; 256 lose 0.003 of the ordered pairs, all of them gain nothing more."""

_LEAST_SPREAD: Final = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class CueBasis:
    """An affine map of cues to components.

    Attributes:
        mean: of the cues.
        axes: shape [p, c]: component = axes @ (cues - mean).
    """

    mean: Float64[np.ndarray, " c"]
    axes: Float64[np.ndarray, "p c"]

    def components(self, cues: Float32[np.ndarray, "n c"]) -> Float64[np.ndarray, "n p"]:
        """Cues in this basis."""
        return (cues - self.mean) @ self.axes.T

    def unfolded(
        self, weight: Float64[np.ndarray, "a p"], bias: Float64[np.ndarray, " a"]
    ) -> tuple[Float32[np.ndarray, "a c"], Float32[np.ndarray, " a"]]:
        """A linear map of components, as one of cues."""
        direct = weight @ self.axes
        return direct.astype(np.float32), (bias - direct @ self.mean).astype(np.float32)


def cue_basis(
    cues: Float32[np.ndarray, "n c"], components: int = COMPONENTS, context_spread: float = CONTEXT_SPREAD
) -> CueBasis:
    """The leading components of cues in which both views and each cue of box and pixels count alike.

    Args:
        cues: of each photo.
        components: how many are kept.
        context_spread: standard deviation given to each cue of box and pixels.
    """
    mean = cues.mean(0).astype(np.float64)
    scale = _column_scale(cues, context_spread)
    return CueBasis(mean, principal_axes((cues - mean) * scale, components) * scale)


def _column_scale(cues: Float32[np.ndarray, "n c"], context_spread: float) -> Float64[np.ndarray, " c"]:
    scale = np.ones(cues.shape[1])
    embedded = cues.shape[1] - CONTEXT_CUES
    scale[: embedded // 2] = 1.0 / WHOLE_SHARE
    spread = cues[:, embedded:].astype(np.float64).std(0)
    varies = spread > _LEAST_SPREAD
    scale[embedded:] = np.where(varies, context_spread / np.where(varies, spread, 1.0), 0.0)
    return scale
