"""The answer: what an album's clusters look like from outside, in ``clusters.json`` and over HTTP.

``schemas/clusters.schema.json`` describes the same shape in JSON Schema, ``docs/reference/clusters-json.md``
in words. Members are only ever added; a change of meaning raises :data:`SCHEMA_VERSION`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from importlib.resources import files
from typing import Annotated, Final, Literal, TypeAlias

import msgspec

from sploot_media_clustering.errors import InputError
from sploot_media_clustering.services.decision_records import Decided, Question
from sploot_media_clustering.services.shapes import BoxFractions, Fraction

SCHEMA_VERSION: Final = 1

Level: TypeAlias = Literal["subject", "look"]
Species: TypeAlias = Literal["cat", "dog", "animal"]
Reason: TypeAlias = Literal["no_animal", "unsure", "alone", "unreadable"]
Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0)]
Position: TypeAlias = Annotated[int, msgspec.Meta(ge=1)]
PointFractions: TypeAlias = tuple[Fraction, Fraction]
"""From the left, from the top, in fractions of the upright photo."""


class Descriptor(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that most pictures of a cluster have in common.

    Attributes:
        attribute: what is described, e.g. ``activity``.
        value: what it is, e.g. ``sleeping``.
        share: of the cluster's members that it holds for.
    """

    attribute: str
    value: str
    share: Fraction


class Hero(msgspec.Struct, frozen=True, kw_only=True):
    """A ranked candidate to stand for a cluster.

    Attributes:
        image_id: the photo.
        rank: 1 is the best.
        score: comparable inside the album only.
        reasons: why this picture, each a short sentence for people, the weightiest first.
        signals: what the score was made of, by name; higher is better.
        box: the animal in this photo.
        focal_point: what a crop should keep in view.
        pinned: a person chose it.
    """

    image_id: str
    rank: Position
    score: Fraction
    reasons: tuple[str, ...]
    signals: dict[str, Fraction]
    box: BoxFractions
    focal_point: PointFractions
    pinned: bool = False


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A photo's place in a cluster.

    Attributes:
        image_id: the photo.
        score: how good a picture it is of this cluster; comparable inside the album only.
        position: in the cluster, ordered by score, from 1.
        probability: that it belongs here.
        box: the animal that makes it a member.
        species: ``cat``, ``dog`` or ``animal``.
        moment: number of the occasion; photos of one occasion share it, inside one answer.
        confirmed: a person said that it belongs here.
    """

    image_id: str
    score: Fraction
    position: Position
    probability: Fraction
    box: BoxFractions
    species: Species
    moment: Count
    confirmed: bool = False


class Cluster(msgspec.Struct, frozen=True, kw_only=True):
    """An animal (level ``subject``), or a kind of picture of one animal (level ``look``).

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
        members: best first.
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
    members: tuple[Member, ...]


class BestGuess(msgspec.Struct, frozen=True, kw_only=True):
    """The cluster that an unclustered photo fits best, and how likely it belongs there."""

    id: str
    probability: Fraction


class Unclustered(msgspec.Struct, frozen=True, kw_only=True):
    """A photo with no place yet at one level.

    Attributes:
        image_id: the photo.
        level: where it has no place.
        reason: ``no_animal``, ``unsure``, ``alone`` or ``unreadable``.
        best: the nearest cluster, None where there is none.
        box: the animal in question, None where no animal was found.
    """

    image_id: str
    level: Level
    reason: Reason
    best: BestGuess | None = None
    box: BoxFractions | None = None


class SeenAnimal(msgspec.Struct, frozen=True, kw_only=True):
    """An animal that was found in a photo, placed or not.

    Attributes:
        box: where it is.
        species: what it is, most likely.
        score: of the detector.
        rejected: a person said that it is none.
    """

    box: BoxFractions
    species: Species
    score: Fraction
    rejected: bool = False


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a photo itself.

    Attributes:
        image_id: the photo.
        captured_at: capture time, without an offset where the camera told none.
        width_px: of the upright original.
        height_px: of the upright original.
        moment: as in :class:`Member`; None for a photo that stands outside every occasion.
        sightings: every animal found, best first.
    """

    image_id: str
    captured_at: datetime | None
    width_px: Position
    height_px: Position
    moment: Count | None = None
    sightings: tuple[SeenAnimal, ...] = ()


class FailedImage(msgspec.Struct, frozen=True, kw_only=True):
    """A photo that could not be read.

    Attributes:
        image_id: the photo.
        error: the error's class name, e.g. ``TruncatedImageError``.
        message: what was expected, what came, what to do.
    """

    image_id: str
    error: str
    message: str


def failed_image(image_id: str, error: Exception) -> FailedImage:
    """A photo that an error kept from being read."""
    return FailedImage(image_id=image_id, error=type(error).__name__, message=str(error))


class Metrics(msgspec.Struct, frozen=True, kw_only=True):
    """How well the album is covered.

    Attributes:
        coverage: share of the album's readable photos in the clusters of each label.
        quality_score: mean score of the first heroes.
        processed_at: when this answer was worked out.
    """

    coverage: dict[str, Fraction]
    quality_score: Fraction
    processed_at: datetime


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One album's clusters.

    Attributes:
        pet_id: the album.
        version: grows with every change of the album.
        updated_at: when the album last changed.
        model_version: name and version of the model package.
        pipeline: which way of clustering answered, e.g. ``mixture``.
        clusters: subjects and looks, each subject before its looks.
        unclustered: photos with no place at a level.
        metrics: how well the album is covered.
        failed_images: photos that could not be read.
        images: every photo that was read.
        decisions: what people said, oldest first.
        questions: what a person could settle, the most worth first.
        schema_version: of this shape.
    """

    pet_id: str
    version: Count
    updated_at: datetime
    model_version: str
    pipeline: str
    clusters: tuple[Cluster, ...]
    unclustered: tuple[Unclustered, ...]
    metrics: Metrics
    failed_images: tuple[FailedImage, ...] = ()
    images: tuple[Image, ...] = ()
    decisions: tuple[Decided, ...] = ()
    questions: tuple[Question, ...] = ()
    schema_version: int = SCHEMA_VERSION


class Albums(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Several albums, by name."""

    albums: dict[str, Answer]


def as_image_id(path: str) -> str:
    r"""A relative path as answers carry it: forward slashes, and text that every encoding can hold.

    Bytes of a file name that are not UTF-8, which Python hands on as lone surrogates, become ``\xNN``.
    """
    portable = path.replace(os.sep, "/")
    return os.fsencode(portable).decode("utf-8", errors="backslashreplace")


def encode(answer: Answer | Albums) -> bytes:
    """An answer as indented JSON, UTF-8, with a final newline; the same answer gives the same bytes."""
    return msgspec.json.format(msgspec.json.encode(answer, order="deterministic"), indent=2) + b"\n"


def decode(data: bytes) -> dict[str, Answer]:
    """The albums in a ``clusters.json``, by name; a single one stands under its ``pet_id``.

    Raises:
        InputError: it is no such file, or one of a later schema version.
    """
    try:
        holder = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
        if "albums" in holder:
            albums: Mapping[str, Answer] = msgspec.json.decode(data, type=Albums).albums
        else:
            answer = msgspec.json.decode(data, type=Answer)
            albums = {answer.pet_id: answer}
    except msgspec.DecodeError as error:
        raise InputError(f"expected the JSON of clusters.json, got something else: {error}") from error
    for name, answer in albums.items():
        if answer.schema_version > SCHEMA_VERSION:
            raise InputError(
                f"album {name!r} has schema version {answer.schema_version}, this release reads up to "
                f"{SCHEMA_VERSION}: upgrade sploot-media-clustering"
            )
    return dict(albums)


def json_schema() -> bytes:
    """The JSON Schema (2020-12) of what :func:`encode` writes."""
    return (files("sploot_media_clustering") / "schemas" / "clusters.schema.json").read_bytes()
