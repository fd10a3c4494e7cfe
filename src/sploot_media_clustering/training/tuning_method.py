"""Which tensors of a network are tuned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

MethodName = Literal["lora", "blocks", "all"]

RATES: Final[dict[MethodName, float]] = {"lora": 1e-3, "blocks": 3e-4, "all": 1e-4}
"""Highest learning rates: the fewer tensors move, the further they may."""


@dataclass(frozen=True, slots=True)
class Method:
    """How a network is tuned.

    Attributes:
        name: ``lora``, ``blocks``: the last blocks and what follows them, or ``all`` weights.
        rank: of what LoRA adds.
        alpha: it is multiplied by alpha / rank.
        blocks: how many are the last.
    """

    name: MethodName = "lora"
    rank: int = 16
    alpha: float = 32.0
    blocks: int = 5
