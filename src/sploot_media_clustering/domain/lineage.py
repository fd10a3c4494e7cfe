"""Stable ids: clusters keep their ids through settling, and lineage tells what merged and split."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Int64
from scipy.optimize import linear_sum_assignment

_ID_HEX = 12
"""Hex digits of an id: 48 bits, one collision expected in albums of 10 million clusters, and it is mended."""


@dataclass(frozen=True, slots=True)
class LineageEvent:
    """What happened to a cluster at one settling.

    Attributes:
        kind: ``merged`` into ``other``, or ``split`` off from ``other``.
        cluster_id: the id that ended (merged) or began (split).
        other_id: the id that went on.
    """

    kind: Literal["merged", "split"]
    cluster_id: str
    other_id: str


def mint(level: str, first_member: str, taken: AbstractSet[str]) -> str:
    """The id of a new cluster, from its canonical first member; another one only where that id is taken."""
    turn = 0
    while True:
        digest = hashlib.sha256(f"{level}\n{first_member}\n{turn}".encode()).hexdigest()
        cluster_id = f"{level}-{digest[:_ID_HEX]}"
        if cluster_id not in taken:
            return cluster_id
        turn += 1


def inherit(
    level: str,
    old_ids: Sequence[str],
    overlap: Int64[np.ndarray, "new old"],
    first_members: Sequence[str],
) -> tuple[tuple[str, ...], tuple[LineageEvent, ...]]:
    """Ids of new clusters: inherited by maximum total overlap (Kuhn 1955), else minted.

    Args:
        level: ``subject`` or ``look``, part of a minted id.
        old_ids: of the clusters before.
        overlap: members shared by each new and each old cluster.
        first_members: canonical name of each new cluster's first member.

    Returns:
        The ids in the order of the new clusters, and what merged and split.
    """
    rows, columns = linear_sum_assignment(overlap, maximize=True)
    heirs = {int(r): int(c) for r, c in zip(rows, columns, strict=True) if overlap[r, c] > 0}
    taken = set(old_ids)
    ids: list[str] = []
    for new, first in enumerate(first_members):
        cluster_id = old_ids[heirs[new]] if new in heirs else mint(level, first, taken)
        taken.add(cluster_id)
        ids.append(cluster_id)
    return tuple(ids), _events(ids, old_ids, overlap, set(heirs.values()), set(heirs))


def _events(
    ids: Sequence[str],
    old_ids: Sequence[str],
    overlap: Int64[np.ndarray, "new old"],
    inherited: AbstractSet[int],
    heirs: AbstractSet[int],
) -> tuple[LineageEvent, ...]:
    merged = [
        LineageEvent("merged", old_ids[old], ids[int(overlap[:, old].argmax())])
        for old in range(len(old_ids))
        if old not in inherited and overlap[:, old].any()
    ]
    split = [
        LineageEvent("split", ids[new], old_ids[int(overlap[new].argmax())])
        for new in range(len(ids))
        if new not in heirs and overlap[new].any()
    ]
    return (*merged, *split)
