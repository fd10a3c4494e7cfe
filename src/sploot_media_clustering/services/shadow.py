"""How two pipelines differ on one album, in figures that need no labels."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import comb
from typing import Final

from sploot_media_clustering.services.answer import Answer, Level

LEVELS: Final[tuple[Level, ...]] = ("subject", "look")


@dataclass(frozen=True, slots=True)
class Difference:
    """One level of two answers.

    Attributes:
        cluster_level: that was compared.
        photos: in a cluster of both.
        agreement: of pairs of them, adjusted for chance (Hubert & Arabie 1985, "Comparing partitions"): 1
            where both are the same, around 0 where they have nothing in common.
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
    before, after = _owners(old, level), _owners(new, level)
    both = sorted(before.keys() & after.keys())
    heroes, others = _heroes(old, level), _heroes(new, level)
    return Difference(
        cluster_level=level,
        photos=len(both),
        agreement=_adjusted_rand([(before[name], after[name]) for name in both]),
        clusters=(_count(old, level), _count(new, level)),
        heroes=len(heroes),
        heroes_kept=len(heroes & others),
    )


def _owners(answer: Answer, level: Level) -> dict[str, str]:
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


def _adjusted_rand(pairs: list[tuple[str, str]]) -> float:
    """Of two partitions, as the cluster of each photo in both."""
    together = _pairs(Counter(pairs))
    first, second = _pairs(Counter(one for one, _ in pairs)), _pairs(Counter(two for _, two in pairs))
    every = comb(len(pairs), 2)
    if every == 0 or first == second == together:
        return 1.0
    expected = first * second / every
    return (together - expected) / ((first + second) / 2 - expected)


def _pairs(counts: Counter[str] | Counter[tuple[str, str]]) -> int:
    return sum(comb(count, 2) for count in counts.values())
