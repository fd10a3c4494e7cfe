"""Parts of an answer: one level, as much of the members as is asked for, page by page; one photo's place."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, TypeAlias

import msgspec

from sploot_media_clustering.errors import ConflictError, InputError
from sploot_media_clustering.services.answer import (
    Answer,
    Cluster,
    Count,
    Descriptor,
    FailedImage,
    Hero,
    Image,
    Level,
    Member,
    Metrics,
    Unclustered,
)
from sploot_media_clustering.services.decision_records import Question
from sploot_media_clustering.services.shapes import Fraction

LevelAsked: TypeAlias = Literal["look", "subject", "all"]
MembersAsked: TypeAlias = Literal["none", "ids", "full"]

PAGE_CLUSTERS: Final = 100
MAX_PAGE_CLUSTERS: Final = 500
PAGE_MEMBERS: Final = 1000
MAX_PAGE_MEMBERS: Final = 10_000
"""Of one cluster; ``size`` tells how many there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What of an answer is wanted.

    Attributes:
        level: ``look``, ``subject``, or ``all``.
        members: ``none``; ``ids``, their image ids; or ``full``.
        limit: clusters on a page.
        member_limit: members of a cluster, the best ones.
        cursor: where the page before ended.
    """

    level: LevelAsked = "look"
    members: MembersAsked = "full"
    limit: int = PAGE_CLUSTERS
    member_limit: int = PAGE_MEMBERS
    cursor: str | None = None


class PageCluster(msgspec.Struct, frozen=True, kw_only=True):
    """A cluster of an answer, with its members as far as they were asked for.

    Attributes:
        id: stable while the album grows.
        level: ``subject`` or ``look``.
        parent_id: of the subject that a look belongs to; None for a subject.
        label: made from what the pictures show.
        name: given by a person; None until then.
        provisional: founded on too little to be sure.
        descriptors: what its pictures have in common.
        size: number of photos in it.
        cohesion: how alike its pictures are.
        hero_image_id: the first hero's photo; None where every candidate was vetoed.
        heroes: best first, at most one of a moment.
        members: best first, for ``members=full``.
        member_ids: image ids of the members, best first, for ``members=ids``.
    """

    id: str
    level: Level
    parent_id: str | None
    label: str
    name: str | None
    provisional: bool
    descriptors: tuple[Descriptor, ...]
    size: Count
    cohesion: Fraction
    hero_image_id: str | None
    heroes: tuple[Hero, ...]
    members: tuple[Member, ...] | msgspec.UnsetType = msgspec.UNSET
    member_ids: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET


class ClusterPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of an album's clusters.

    Attributes:
        pet_id: the album.
        version: grows with every change of the album.
        updated_at: when the album last changed.
        model_version: name and version of the model package.
        pipeline: which way of clustering answered, e.g. ``mixture``.
        clusters: of the level asked for; both: subjects, each before its looks.
        unclustered: photos with no place at that level; on the first page.
        metrics: how well the album is covered.
        failed_images: photos that could not be read; on the first page.
        questions: what a person could settle, the most worth first; on the first page.
        schema_version: of this shape.
        next_cursor: of the next page; None on the last one.
    """

    pet_id: str
    version: Count
    updated_at: datetime
    model_version: str
    pipeline: str
    clusters: tuple[PageCluster, ...]
    unclustered: tuple[Unclustered, ...]
    metrics: Metrics
    failed_images: tuple[FailedImage, ...]
    questions: tuple[Question, ...]
    schema_version: int
    next_cursor: str | None


class PhotoCluster(msgspec.Struct, frozen=True, kw_only=True):
    """A cluster that a photo is a member of.

    Attributes:
        id: of the cluster.
        level: ``subject`` or ``look``.
        label: of the cluster.
        name: given by a person.
        hero_rank: of the photo as a hero of the cluster; None where it is none.
        member: the photo's place in it.
    """

    id: str
    level: Level
    label: str
    name: str | None
    hero_rank: int | None
    member: Member


class PhotoPlace(msgspec.Struct, frozen=True, kw_only=True):
    """Where one photo is in its album.

    Attributes:
        pet_id: the album.
        version: of the album.
        image: what is known of the photo; None where it could not be read.
        clusters: that it is a member of.
        unclustered: levels at which it has no place, and why.
        failed: why it could not be read.
    """

    pet_id: str
    version: int
    image: Image | None
    clusters: tuple[PhotoCluster, ...]
    unclustered: tuple[Unclustered, ...]
    failed: FailedImage | None


def page(answer: Answer, asked: Asked) -> ClusterPage:
    """One page of an answer. Images and decisions are asked for by themselves.

    Raises:
        ConflictError: the album has changed since the page before.
        InputError: the cursor is none of ours.
    """
    clusters = [part for part in answer.clusters if asked.level in ("all", part.level)]
    start = _start(answer, asked.cursor)
    end = start + asked.limit
    aside = [part for part in answer.unclustered if asked.level in ("all", part.level)]
    return ClusterPage(
        pet_id=answer.pet_id,
        version=answer.version,
        updated_at=answer.updated_at,
        model_version=answer.model_version,
        pipeline=answer.pipeline,
        clusters=tuple(_cluster(part, asked) for part in clusters[start:end]),
        unclustered=() if start else tuple(aside),
        metrics=answer.metrics,
        failed_images=() if start else answer.failed_images,
        questions=() if start else answer.questions,
        schema_version=answer.schema_version,
        next_cursor=f"{answer.version}-{end}" if end < len(clusters) else None,
    )


_SHARED: Final = tuple(name for name in Cluster.__struct_fields__ if name != "members")


def _cluster(part: Cluster, asked: Asked) -> PageCluster:
    told = {name: getattr(part, name) for name in _SHARED}
    members = part.members[: asked.member_limit]
    if asked.members == "full":
        told["members"] = members
    elif asked.members == "ids":
        told["member_ids"] = tuple(member.image_id for member in members)
    return PageCluster(**told)


def _start(answer: Answer, cursor: str | None) -> int:
    if cursor is None:
        return 0
    version, separator, start = cursor.partition("-")
    if not (separator and version.isdecimal() and start.isdecimal()):
        raise InputError("expected the cursor of a page before, got something else")
    if int(version) != answer.version:
        raise ConflictError("the album has changed since the page before; start again without a cursor")
    return int(start)


def place_of(answer: Answer, image_id: str) -> PhotoPlace | None:
    """Where one photo is; None where the album knows no such photo."""
    image = next((part for part in answer.images if part.image_id == image_id), None)
    failed = next((part for part in answer.failed_images if part.image_id == image_id), None)
    if image is None and failed is None:
        return None
    return PhotoPlace(
        pet_id=answer.pet_id,
        version=answer.version,
        image=image,
        clusters=tuple(_clusters_of(answer, image_id)),
        unclustered=tuple(part for part in answer.unclustered if part.image_id == image_id),
        failed=failed,
    )


def _clusters_of(answer: Answer, image_id: str) -> list[PhotoCluster]:
    return [
        PhotoCluster(
            id=part.id,
            level=part.level,
            label=part.label,
            name=part.name,
            hero_rank=next((hero.rank for hero in part.heroes if hero.image_id == image_id), None),
            member=member,
        )
        for part in answer.clusters
        for member in part.members
        if member.image_id == image_id
    ]
