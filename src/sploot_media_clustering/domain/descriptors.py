"""What a cluster's pictures have in common: descriptors to count, and a label to read.

A label claims only what holds for at least four of five pictures, as far as calibrated probabilities tell. Of
few pictures the mean probability is drawn towards what is usual, so a small look has to be surer.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

import numpy as np
from jaxtyping import Float32, Float64

from sploot_media_clustering.domain.album import SPECIES
from sploot_media_clustering.domain.attributes import (
    ABSENT,
    ATTRIBUTES,
    COAT,
    COATS,
    KIND_GROUPS,
    OTHER_COAT,
    column,
    columns_of,
)
from sploot_media_clustering.domain.wording import COAT_WORDS, DETAILS, WHAT, WHERE, Claim, capitalised

HELD: Final = 0.8
"""Share of the pictures that a claim must hold for: four of five."""

MOSTLY: Final = 0.65
"""Share from which "mostly" is said: on albums left out it is then true of more than half in five of six."""

PRIOR_PHOTOS: Final = 0.5
"""What is usual counts as half a photo: two photos need .88 each for what holds for every second photo."""

COAT_HELD: Final = 0.8
"""Mean probability from which a coat is named."""

_DESCRIBED: Final = 0.5
"""Descriptors tell what holds for at least half of the pictures, with its share."""

_MOST_DETAILS: Final = 2
"""A label longer than that is no label any more."""

_PLAIN: Final = "more pictures"


@dataclass(frozen=True, slots=True)
class Descriptor:
    """One thing that pictures of a cluster have in common.

    Attributes:
        attribute: group, e.g. ``activity``.
        value: of the group, e.g. ``sleeping``.
        share: of the pictures that it is expected to hold for: their mean probability.
    """

    attribute: str
    value: str
    share: float


@dataclass(frozen=True, slots=True)
class Label:
    """A label, and what it says that can be right or wrong.

    Attributes:
        text: as people read it.
        claims: each holds for at least :data:`HELD` of the pictures.
        mostly: each holds for more than half of the pictures, and is said to.
    """

    text: str
    claims: tuple[Claim, ...] = ()
    mostly: tuple[Claim, ...] = ()


@dataclass(frozen=True, slots=True)
class _Said:
    """One thing that can be said of a look, and whether it holds for four of five or just for most."""

    claim: Claim
    mostly: bool = False

    @property
    def words(self) -> str:
        return f"mostly {self.claim.words}" if self.mostly else self.claim.words


@dataclass(frozen=True, slots=True)
class _Growing:
    """A label that may still grow.

    Attributes:
        said: what it says now: at first one or two things, joined without a comma.
        spare: what else could be said, the most telling first.
        period: when the pictures were taken.
        first: how many things it started with.
    """

    said: tuple[_Said, ...]
    spare: tuple[_Said, ...]
    period: str
    first: int

    @property
    def text(self) -> str:
        start = " ".join(part.words for part in self.said[: self.first]) or self.period or _PLAIN
        return capitalised(", ".join((start, *(part.words for part in self.said[self.first :]))))

    def with_detail(self, detail: _Said) -> _Growing:
        spare = tuple(s for s in self.spare if s is not detail and not _implied(s.claim, detail.claim))
        return replace(self, said=(*self.said, detail), spare=spare)

    def label(self, text: str) -> Label:
        return Label(
            text,
            claims=tuple(part.claim for part in self.said if not part.mostly),
            mostly=tuple(part.claim for part in self.said if part.mostly),
        )


def descriptors(attributes: Float32[np.ndarray, "n a"]) -> tuple[Descriptor, ...]:
    """What holds for at least half of the pictures of a cluster, the most common first.

    Args:
        attributes: probabilities of each picture, in the order of ``ATTRIBUTES``; at least one picture.
    """
    found = (
        Descriptor(attribute.group, attribute.value, float(share))
        for attribute, share in zip(ATTRIBUTES, attributes.mean(0), strict=True)
        if attribute.group in KIND_GROUPS and attribute.value != ABSENT and share >= _DESCRIBED
    )
    return tuple(sorted(found, key=lambda descriptor: -descriptor.share))


def share_of(claim: Claim, attributes: Float32[np.ndarray, "n a"]) -> float:
    """Share of the pictures that a claim is expected to hold for, drawn towards what is usual."""
    return float(_shares((claim,), attributes)[0])


def _shares(claims: tuple[Claim, ...], attributes: Float32[np.ndarray, "n a"]) -> Float64[np.ndarray, " c"]:
    usual = np.array([claim.usual for claim in claims])
    likely = _columns(claims) @ attributes.sum(0, dtype=np.float64)
    return np.asarray((likely + PRIOR_PHOTOS * usual) / (len(attributes) + PRIOR_PHOTOS))


@functools.cache
def _columns(claims: tuple[Claim, ...]) -> Float64[np.ndarray, "c a"]:
    """1 where an attribute makes a claim true."""
    table = np.zeros((len(claims), len(ATTRIBUTES)))
    for row, claim in enumerate(claims):
        table[row, [column(claim.group, value) for value in claim.values]] = 1.0
    return table


def distinct_labels(
    clusters: Sequence[Float32[np.ndarray, "_n a"]], periods: Sequence[str] = ()
) -> tuple[str, ...]:
    """Labels of the looks of one subject, no two of them equal; see :func:`look_labels`."""
    return tuple(label.text for label in look_labels(clusters, periods))


def look_labels(
    clusters: Sequence[Float32[np.ndarray, "_n a"]], periods: Sequence[str] = ()
) -> tuple[Label, ...]:
    """Labels of the looks of one subject, no two of them equal.

    Equal labels grow by what one look has and another has not, then by when they were taken; what nothing
    tells apart is numbered.

    Args:
        clusters: attribute probabilities of the pictures of each look, in canonical order.
        periods: when the pictures of each were taken, in words; empty where that is not known.
    """
    places = [next(iter(_held(WHERE, attributes)), None) for attributes in clusters]
    telling = len(clusters) == 1 or len(set(places)) > 1
    growing = [
        _started(attributes, place, period, telling=telling)
        for attributes, place, period in zip(clusters, places, periods or [""] * len(clusters), strict=True)
    ]
    for _ in range(_MOST_DETAILS):
        growing = _told_apart(growing)
    texts = [one.text for one in growing]
    dated = [
        f"{text}, {one.period}" if texts.count(text) > 1 and one.said and one.period else text
        for one, text in zip(growing, texts, strict=True)
    ]
    return tuple(one.label(text) for one, text in zip(growing, numbered(dated), strict=True))


def album_labels(labels: Sequence[Sequence[str]], whose: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Labels of the looks of all subjects, no two of an album equal.

    A label that looks of several subjects share is followed by whose look it is.

    Args:
        labels: of each subject's looks.
        whose: name or description of each subject.
    """
    times = Counter(label for of_subject in labels for label in of_subject)
    told = [
        f"{label} ({owner})" if times[label] > 1 else label
        for of_subject, owner in zip(labels, whose, strict=True)
        for label in of_subject
    ]
    distinct = iter(numbered(told))
    return tuple(tuple(islice(distinct, len(of_subject))) for of_subject in labels)


def subject_labels(
    species: Sequence[Float32[np.ndarray, "_n 3"]],
    attributes: Sequence[Float32[np.ndarray, "_n a"]] = (),
) -> tuple[str, ...]:
    """Labels of an album's subjects: ``Tabby cat``, ``Dog``, ``Dog 2``.

    Args:
        species: species probabilities of the sightings of each subject, in a stable order.
        attributes: attribute probabilities of the same sightings; without them no coat is named.
    """
    kinds = [SPECIES[int(rows.mean(0).argmax())] for rows in species]
    coats = [coat_of(r[:, columns_of(COAT)]) for r in attributes] if attributes else [None] * len(kinds)
    return numbered(
        [capitalised(f"{COAT_WORDS[c]} {kind}" if c else kind) for c, kind in zip(coats, kinds, strict=True)]
    )


def coat_of(coats: Float32[np.ndarray, "n k"]) -> str | None:
    """The coat that a subject's sightings agree on; None where that is not sure, or has no plain word.

    Args:
        coats: probabilities of ``COATS``, of each sighting.
    """
    likely = coats.mean(0)
    coat = COATS[int(likely.argmax())]
    return coat if coat != OTHER_COAT and float(likely.max()) >= COAT_HELD else None


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


def _started(
    attributes: Float32[np.ndarray, "n a"], place: Claim | None, period: str, *, telling: bool
) -> _Growing:
    """The shortest label of a look, and what else could be said."""
    held = [_Said(claim) for claim in _held(WHAT, attributes)]
    likely = [_Said(claim, mostly=True) for claim in _mostly(WHAT, attributes)]
    details = [_Said(claim) for claim in _held(DETAILS, attributes)]
    where = [_Said(place)] if place else []
    what = (held or likely)[:1]
    if what:
        said = [*what, *(where if telling else [])]
    else:
        said = where or details[:1] or [_Said(claim, mostly=True) for claim in _mostly(WHERE, attributes)][:1]
    others = [*held, *where, *likely, *details]
    spare = tuple(s for s in others if not any(_implied(s.claim, one.claim) for one in said))
    return _Growing(tuple(said), spare, period, len(said))


def _told_apart(growing: Sequence[_Growing]) -> list[_Growing]:
    """Each of several equal labels, with the first detail that not all looks of that label share."""
    grown, texts = [], [one.text for one in growing]
    for one, text in zip(growing, texts, strict=True):
        equal = [other for other, its in zip(growing, texts, strict=True) if its == text]
        telling = (said for said in one.spare if not all(said in other.spare for other in equal))
        detail = next(telling, None)
        grown.append(one.with_detail(detail) if detail and len(equal) > 1 else one)
    return grown


def _implied(claim: Claim, said: Claim) -> bool:
    """Whether a claim adds nothing to what is said of its group."""
    return claim.group == said.group and bool(set(claim.values) & set(said.values))


def _held(claims: tuple[Claim, ...], attributes: Float32[np.ndarray, "n a"]) -> list[Claim]:
    """The claims that hold for enough pictures."""
    return [claims[i] for i in np.flatnonzero(_shares(claims, attributes) >= HELD)]


def _mostly(claims: tuple[Claim, ...], attributes: Float32[np.ndarray, "n a"]) -> list[Claim]:
    """The claims that hold for most pictures, but for too few to be plainly made."""
    shares = _shares(claims, attributes)
    return [claims[i] for i in np.flatnonzero((shares >= MOSTLY) & (shares < HELD))]
