"""What a cluster's pictures have in common: descriptors to count, and a label to read.

A label claims only what holds for at least four of five pictures, as far as the attribute head can tell.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float32

from sploot_media_clustering.domain.album import SPECIES
from sploot_media_clustering.domain.attributes import ABSENT, ATTRIBUTES, KIND_GROUPS, PRESENT, column

HELD: Final = 0.8
"""Share of the pictures that a claim must hold for: four of five."""

_LIKELY: Final = 0.5
"""A claim holds for a picture when it is more likely than not."""

_DESCRIBED: Final = 0.5
"""Descriptors tell what holds for at least half of the pictures, with its share."""

_MIXED: Final = "Mixed pictures"
_PLAIN: Final = "Pictures"


@dataclass(frozen=True, slots=True)
class Descriptor:
    """One thing that pictures of a cluster have in common.

    Attributes:
        attribute: group, e.g. ``activity``.
        value: of the group, e.g. ``sleeping``.
        share: of the pictures for which it is more likely than not.
    """

    attribute: str
    value: str
    share: float


@dataclass(frozen=True, slots=True)
class _Claim:
    """Words for a picture that has one of some values of a group."""

    words: str
    group: str
    values: tuple[str, ...]


_FRAMINGS: Final = (
    _Claim("Close-ups", "framing", ("face",)),
    _Claim("Portraits", "framing", ("face", "half")),
    _Claim("From afar", "framing", ("far",)),
)
_ACTIVITIES: Final = (
    _Claim("Asleep", "activity", ("sleeping",)),
    _Claim("Lying down", "activity", ("lying",)),
    _Claim("Sitting", "activity", ("sitting",)),
    _Claim("Standing", "activity", ("standing",)),
    _Claim("On the move", "activity", ("moving",)),
    _Claim("Playing", "activity", ("playing",)),
    _Claim("Eating", "activity", ("eating",)),
    _Claim("Being held", "activity", ("held",)),
    _Claim("Resting", "activity", ("sleeping", "lying")),
    _Claim("On its feet", "activity", ("standing", "moving", "playing")),
    _Claim("Sitting or lying", "activity", ("sleeping", "lying", "sitting")),
)
_WHOLE_BODY: Final = (_Claim("whole body", "framing", ("full",)),)
_SETTINGS: Final = (
    _Claim("indoors", "setting", ("indoors",)),
    _Claim("outdoors", "setting", ("outdoors",)),
    _Claim("in a studio", "setting", ("studio",)),
)
_VIEWS: Final = (
    _Claim("facing the camera", "view", ("front",)),
    _Claim("from the side", "view", ("side",)),
    _Claim("from behind", "view", ("back",)),
    _Claim("from above", "view", ("top",)),
)
_COMPANY: Final = (
    _Claim("with people", "person", (PRESENT,)),
    _Claim("with another animal", "animal", (PRESENT,)),
)
_EYES: Final = (_Claim("eyes closed", "eyes", ("closed",)),)


def descriptors(attributes: Float32[np.ndarray, "n a"]) -> tuple[Descriptor, ...]:
    """What holds for at least half of the pictures of a cluster, the most common first.

    Args:
        attributes: probabilities of each picture, in the order of ``ATTRIBUTES``; at least one picture.
    """
    shares = (attributes > _LIKELY).mean(0)
    found = (
        Descriptor(attribute.group, attribute.value, float(share))
        for attribute, share in zip(ATTRIBUTES, shares, strict=True)
        if attribute.group in KIND_GROUPS and attribute.value != ABSENT and share >= _DESCRIBED
    )
    return tuple(sorted(found, key=lambda descriptor: -descriptor.share))


def distinct_labels(clusters: Sequence[Float32[np.ndarray, "_n a"]]) -> tuple[str, ...]:
    """Labels of the looks of one subject, no two of them equal.

    A label grows by further claims while another cluster has the same one; clusters that nothing tells
    apart are numbered.

    Args:
        clusters: attribute probabilities of the pictures of each look, in canonical order.
    """
    parts = [_parts(attributes) for attributes in clusters]
    used = [1] * len(parts)
    while True:
        labels = [_joined(p[:n]) for p, n in zip(parts, used, strict=True)]
        times = Counter(labels)
        growing = [i for i, label in enumerate(labels) if times[label] > 1 and used[i] < len(parts[i])]
        if not growing:
            return numbered(labels)
        for i in growing:
            used[i] += 1


def subject_labels(species: Sequence[Float32[np.ndarray, "_n 3"]]) -> tuple[str, ...]:
    """Labels of an album's subjects: ``Cat``, ``Dog``, ``Dog 2``.

    Args:
        species: species probabilities of the sightings of each subject, in a stable order.
    """
    return numbered([SPECIES[int(rows.mean(0).argmax())].capitalize() for rows in species])


def numbered(labels: Sequence[str]) -> tuple[str, ...]:
    """Equal labels told apart by a number, from the second on."""
    seen: Counter[str] = Counter()
    taken = set(labels)
    distinct = []
    for label in labels:
        seen[label] += 1
        while (candidate := label if seen[label] == 1 else f"{label} {seen[label]}") in taken - {label}:
            seen[label] += 1
        distinct.append(candidate)
    return tuple(distinct)


def _parts(attributes: Float32[np.ndarray, "n a"]) -> list[str]:
    """What can be said of a cluster: the start of its label, then claims that may be added."""
    framing = _first_held(_FRAMINGS, attributes)
    activity = _first_held(_ACTIVITIES, attributes)
    setting, view = _first_held(_SETTINGS, attributes), _first_held(_VIEWS, attributes)
    head = framing or activity
    place = setting or view
    start = " ".join(part for part in (head or _PLAIN, place) if part) if head or place else _MIXED
    others = (
        activity.lower() if framing else "",
        view if setting else "",
        _first_held(_COMPANY, attributes),
        _first_held(_WHOLE_BODY, attributes),
        _first_held(_EYES, attributes),
    )
    return [start, *(part for part in others if part)]


def _first_held(claims: Sequence[_Claim], attributes: Float32[np.ndarray, "n a"]) -> str:
    """Words of the first claim that holds for enough pictures; nothing where none does."""
    for claim in claims:
        columns = [column(claim.group, value) for value in claim.values]
        if (attributes[:, columns].sum(1) > _LIKELY).mean() >= HELD:
            return claim.words
    return ""


def _joined(parts: Sequence[str]) -> str:
    return ", ".join(parts)
