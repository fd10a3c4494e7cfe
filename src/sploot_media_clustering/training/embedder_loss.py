"""What a tuned embedder is to do: draw photos of one animal together, and stay what it was otherwise."""

from __future__ import annotations

from typing import Any, Final

import torch
from torch.nn import functional

_BARRED: Final = -1e4
"""Similarity of a view with itself, which is no answer."""
_LEAST_FEATURE: Final = 1e-6
"""Under the root, whose slope is infinite at 0."""


def contrastive_loss(vectors: Any, animals: Any, temperature: float) -> Any:  # noqa: ANN401 - torch is untyped
    """Supervised contrastive loss of unit vectors [n, d] of animals [n]; a lone photo has no part in it."""
    alike = vectors @ vectors.T / temperature
    itself = torch.eye(len(animals), dtype=torch.bool, device=animals.device)
    log_share = functional.log_softmax(alike.masked_fill(itself, _BARRED), dim=1)
    own = (animals[:, None] == animals[None]) & ~itself
    count = own.sum(1)
    return -((log_share * own).sum(1) / count.clamp_min(1))[count > 0].mean()


def rooted(embeddings: Any, *, signed: bool = False) -> Any:  # noqa: ANN401 - torch is untyped
    """As :func:`~sploot_media_clustering.domain.heads.root`, with a slope everywhere.

    Args:
        embeddings: [n, e].
        signed: put positive and negative parts side by side, as packages of such networks do.
    """
    parts = torch.cat([embeddings, -embeddings], 1) if signed else embeddings
    return functional.normalize(torch.sqrt(parts.clamp_min(0) + _LEAST_FEATURE), dim=1)
