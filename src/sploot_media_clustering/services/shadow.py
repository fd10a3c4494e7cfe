"""How two pipelines differ on one album, in figures that need no labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from sploot_media_clustering.domain.agreement import adjusted_rand, contingency
from sploot_media_clustering.services.answer import Answer, Level

LEVELS: Final[tuple[Level, ...]] = ("subject", "look")


@dataclass(frozen=True, slots=True)
class Difference:
    """One level of two answers.

    Attributes:
        cluster_level: that was compared.
        photos: in a cluster of both.
        agreement: of pairs of them, adjusted for chance, see :func:`..domain.agreement.adjusted_rand`.
        clusters: of the first and of the second.
        heroes: photos that stand for a cluster of the first.
        heroes_kept: of these, those that stand for one of the second.
    """

    cluster_level: Level
    photos: int
    agreement: float
    clusters: tuple[int, int]
    heroes: int
    heroes_kept: int


def difference(old: Answer, new: Answer, level: Level) -> Difference:
    """How a new answer differs from an old one."""
    before, after = owners(old, level), owners(new, level)
    both = sorted(before.keys() & after.keys())
    heroes, others = _heroes(old, level), _heroes(new, level)
    return Difference(
        cluster_level=level,
        photos=len(both),
        agreement=_agreement([before[name] for name in both], [after[name] for name in both]),
        clusters=(_count(old, level), _count(new, level)),
        heroes=len(heroes),
        heroes_kept=len(heroes & others),
    )


def owners(answer: Answer, level: Level) -> dict[str, str]:
    """The first cluster of each photo."""
    found: dict[str, str] = {}
    for cluster in answer.clusters:
        if cluster.level == level:
            for member in cluster.members:
                found.setdefault(member.image_id, cluster.id)
    return found


def _heroes(answer: Answer, level: Level) -> set[str]:
    return {part.hero_image_id for part in answer.clusters if part.level == level and part.hero_image_id}


def _count(answer: Answer, level: Level) -> int:
    return sum(part.level == level for part in answer.clusters)


def _agreement(old: list[str], new: list[str]) -> float:
    """Of two partitions, as the cluster of each photo in both; 1 of none."""
    if not old:
        return 1.0
    first, second = (np.unique(part, return_inverse=True)[1].astype(np.int64) for part in (old, new))
    return adjusted_rand(contingency(first, second))
