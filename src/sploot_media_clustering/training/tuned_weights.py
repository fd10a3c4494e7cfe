"""Weights by name, and what lies between those of several networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float32

Weights = Mapping[str, Float32[np.ndarray, "..."]]
"""Tensors by their names; which names is the network's business."""


def averaged(tuned: Sequence[Weights]) -> Weights:
    """The mean of several tunings of one network ("model soup": Wortsman et al. 2022, arXiv:2203.05482)."""
    return {name: np.stack([one[name] for one in tuned]).mean(0, dtype=np.float32) for name in tuned[0]}


def interpolated(original: Weights, tuned: Weights, share: float) -> Weights:
    """From the original weights (0) to the tuned ones (1).

    What lies between keeps more of what the original knew (Wortsman et al. 2022, "Robust fine-tuning of
    zero-shot models", arXiv:2109.01903).
    """
    return {name: np.float32(1 - share) * original[name] + np.float32(share) * tuned[name] for name in tuned}
