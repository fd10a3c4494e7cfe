"""The stub: an album by the labels and the quality that publishers tell with their photos, and nothing else.

What it answers has the shape of every answer: one animal, and a look for each label. The networks have no
say in it; the album that they see goes on beside it, so that either may answer from one moment to the next.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from msgspec import structs

from sploot_media_clustering.domain.album import WHOLE
from sploot_media_clustering.services.album_record import Told
from sploot_media_clustering.services.answer import Answer, Cluster, Hero, Level, Member, Metrics, Unclustered
from sploot_media_clustering.services.shadow import LEVELS
from sploot_media_clustering.services.shapes import as_box, as_fraction

PIPELINE: Final = "stub"
LABEL: Final = "Pet"
_UNTOLD: Final = 0.0
"""Quality of a photo of which none is told."""
_DIGITS: Final = 12
_MIDDLE: Final = (0.5, 0.5)


def stub_answer(answer: Answer, told: Mapping[str, Told], *, top: int) -> Answer:
    """What the stub says of an album.

    Args:
        answer: of the mixture: whose photos, decisions and time these are.
        told: of photos, by publishers.
        top: heroes of each cluster.
    """
    shelves: dict[str, list[str]] = {}
    labelled: list[str] = []
    for name in sorted(told, key=lambda name: (-_quality(told[name]), name)):
        label = told[name].label
        if label is not None:
            labelled.append(name)
            shelves.setdefault(label, []).append(name)
    make = _Maker({image.image_id: image.moment or 0 for image in answer.images}, told, top)
    subjects = [make.cluster("subject", LABEL, labelled)] if labelled else []
    looks = [make.cluster("look", label, names, subjects[0].id) for label, names in sorted(shelves.items())]
    photos = len(answer.images) + sum(part.image_id in told for part in answer.failed_images)
    scores = [look.heroes[0].score for look in looks]
    placed = set(labelled)
    aside = [image.image_id for image in answer.images if image.image_id not in placed]
    return structs.replace(
        answer,
        pipeline=PIPELINE,
        clusters=(*subjects, *looks),
        unclustered=tuple(
            Unclustered(image_id=name, level=level, reason="unsure") for name in aside for level in LEVELS
        ),
        metrics=Metrics(
            coverage={part.label: as_fraction(part.size / max(photos, 1)) for part in (*subjects, *looks)},
            quality_score=as_fraction(sum(scores) / max(len(scores), 1)),
            processed_at=answer.metrics.processed_at,
        ),
        questions=(),
    )


@dataclass(frozen=True, slots=True)
class _Maker:
    """Makes clusters of photos, which come best first."""

    moments: Mapping[str, int]
    told: Mapping[str, Told]
    top: int

    def cluster(
        self, level: Level, label: str, names: Sequence[str], parent_id: str | None = None
    ) -> Cluster:
        members = tuple(self._member(name, place) for place, name in enumerate(names, 1))
        return Cluster(
            id=_id(level, label),
            level=level,
            parent_id=parent_id,
            label=label,
            name=None,
            provisional=False,
            descriptors=(),
            size=len(names),
            cohesion=1.0,
            hero_image_id=names[0],
            heroes=tuple(_hero(member) for member in members[: self.top]),
            members=members,
        )

    def _member(self, name: str, place: int) -> Member:
        return Member(
            image_id=name,
            score=_quality(self.told[name]),
            position=place,
            probability=1.0,
            box=as_box(WHOLE),
            species="animal",
            moment=self.moments.get(name, 0),
        )


def _quality(one: Told) -> float:
    return _UNTOLD if one.quality is None else as_fraction(one.quality)


def _hero(member: Member) -> Hero:
    return Hero(
        image_id=member.image_id,
        rank=member.position,
        score=member.score,
        reasons=("The quality that was told with it.",),
        signals={"quality": member.score},
        box=member.box,
        focal_point=_MIDDLE,
    )


def _id(level: Level, label: str) -> str:
    return f"{level}-{hashlib.sha256(f'{PIPELINE} {label}'.encode()).hexdigest()[:_DIGITS]}"
