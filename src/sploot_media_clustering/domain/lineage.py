"""Stable ids: clusters keep their ids through settling, and lineage tells what merged and split."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from jaxtyping import Int64
from scipy.optimize import linear_sum_assignment
from scipy.sparse import block_array, csr_array
from scipy.sparse.csgraph import connected_components

from sploot_media_clustering.domain.groups import members

_ID_HEX = 12
"""Hex digits of an id: 48 bits, one collision expected in albums of 10 million clusters, and it is mended."""

_TOGETHER: Final = 1 << 20
"""Pairs of a new and an old cluster that are matched together, as those of any ordinary album are."""


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
    overlap: csr_array,
    first_members: Sequence[str],
) -> tuple[tuple[str, ...], tuple[LineageEvent, ...]]:
    """Ids of new clusters: inherited by maximum total overlap (Kuhn 1955), else minted.

    Args:
        level: ``subject`` or ``look``, part of a minted id.
        old_ids: of the clusters before.
        overlap: members shared by each new and each old cluster; shape [new, old].
        first_members: canonical name of each new cluster's first member.

    Returns:
        The ids in the order of the new clusters, and what merged and split.
    """
    heirs = _heirs(overlap)
    taken = set(old_ids)
    ids: list[str] = []
    for new, first in enumerate(first_members):
        cluster_id = old_ids[heirs[new]] if new in heirs else mint(level, first, taken)
        taken.add(cluster_id)
        ids.append(cluster_id)
    return tuple(ids), _events(ids, old_ids, overlap, set(heirs.values()), set(heirs))


def _heirs(overlap: csr_array) -> dict[int, int]:
    """The old cluster that each new one goes on from, where there is one."""
    heirs: dict[int, int] = {}
    for new, old in _islands(overlap):
        table = overlap[new][:, old].toarray() if len(new) * len(old) > 1 else np.ones((1, 1))
        rows, columns = linear_sum_assignment(table, maximize=True)
        shared = table[rows, columns] > 0
        heirs |= zip(new[rows[shared]].tolist(), old[columns[shared]].tolist(), strict=True)
    return heirs


def _islands(overlap: csr_array) -> Iterator[tuple[Int64[np.ndarray, " m"], Int64[np.ndarray, " o"]]]:
    """New and old clusters that have nothing to do with the others; of not so many, all."""
    size, old_size = overlap.shape
    if 1 < size * old_size <= _TOGETHER:
        yield np.arange(size), np.arange(old_size)
        return
    if not overlap.nnz:
        return
    links = block_array([[None, overlap], [overlap.T, None]])
    labels = connected_components(links, directed=False)[1]
    for island in members(labels.astype(np.int64)):
        new, old = island[island < size], island[island >= size] - size
        if len(new) and len(old):
            yield new, old


def _events(
    ids: Sequence[str],
    old_ids: Sequence[str],
    overlap: csr_array,
    inherited: AbstractSet[int],
    heirs: AbstractSet[int],
) -> tuple[LineageEvent, ...]:
    by_new, by_old = overlap.sorted_indices(), overlap.T.tocsr().sorted_indices()
    merged = [
        LineageEvent("merged", old_ids[old], ids[new])
        for old in range(len(old_ids))
        if old not in inherited and (new := _most_shared(by_old, old)) is not None
    ]
    split = [
        LineageEvent("split", ids[new], old_ids[old])
        for new in range(len(ids))
        if new not in heirs and (old := _most_shared(by_new, new)) is not None
    ]
    return (*merged, *split)


def _most_shared(overlap: csr_array, row: int) -> int | None:
    """The column in which a row has most, of equals the first."""
    start, stop = overlap.indptr[row], overlap.indptr[row + 1]
    return None if start == stop else int(overlap.indices[start + overlap.data[start:stop].argmax()])
