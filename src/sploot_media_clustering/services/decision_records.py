"""Decisions as files and answers carry them: JSON Lines, one decision a line.

A line says what was said, when, and under which id, so that a file can be imported twice without harm::

    {"id": "5e0c…", "at": "2026-05-01T10:00:00Z", "kind": "name", "name": "Milo",
     "sightings": [{"image_id": "2026/IMG_1.jpg", "box": [0.1, 0.2, 0.6, 0.9]}]}
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Annotated, Final, Literal

import msgspec

from sploot_media_clustering.domain.album import Box
from sploot_media_clustering.domain.decisions import Decision, Kind, SightingRef, decide
from sploot_media_clustering.errors import InputError
from sploot_media_clustering.services.shapes import BoxFractions, Fraction, as_box

MAX_FILE_BYTES: Final = 64 << 20
"""Of a file of decisions: far above what a person says in a lifetime."""

_MAX_ID_CHARACTERS: Final = 64


class Sighted(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One animal in one photo; without a box, the photo's best sighting."""

    image_id: str
    box: BoxFractions | None = None


class Said(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a decision says; :class:`~.decisions.Decision` tells what each kind means.

    Attributes:
        kind: ``same``, ``different``, ``not_this``, ``confirm``, ``split``, ``not_animal``, ``name``,
            ``hero``, ``not_hero``.
        sightings: what it is about.
        others: what they are compared with.
        name: of the animal, for ``name``.
    """

    kind: Kind
    sightings: tuple[Sighted, ...]
    others: tuple[Sighted, ...] = ()
    name: str | None = None


class DecisionRecord(Said, frozen=True, kw_only=True, omit_defaults=True):
    """A decision as a line of a file.

    Attributes:
        id: unique in the album.
        at: when it was said.
    """

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=_MAX_ID_CHARACTERS)]
    at: datetime


class Decided(DecisionRecord, frozen=True, kw_only=True, omit_defaults=True):
    """A decision, and whether it holds.

    Attributes:
        status: ``holds``; ``superseded`` by a newer one; ``waiting`` for photos that are not there.
        superseded_by: id of the newer decision that contradicts it.
    """

    status: Literal["holds", "superseded", "waiting"] = "holds"
    superseded_by: str | None = None


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a person could settle with one answer.

    Attributes:
        id: of the question, the same while nothing about it changes.
        kind: ``confirm`` (is this Milo too?), ``same`` (are these two one animal?) or ``check`` (may these
            photos of one animal be of two?).
        text: the question, for people.
        cluster_ids: the subjects in question: one, or two for ``same``.
        sightings: the photos to look at: the one in question for ``confirm``; examples of the first subject,
            or of the first half, for ``same`` and ``check``.
        others: examples to compare them with.
        probability: that the answer is yes (``confirm``, ``same``), or that there are two (``check``).
        worth: photos whose place an answer is expected to settle; questions come in this order.
        yes: what is said by a yes.
        no: what is said by a no.
    """

    id: str
    kind: Literal["confirm", "same", "check"]
    text: str
    cluster_ids: tuple[str, ...]
    sightings: tuple[Sighted, ...]
    others: tuple[Sighted, ...]
    probability: Fraction
    worth: Annotated[float, msgspec.Meta(ge=0.0)]
    yes: Said
    no: Said


def sighted(ref: SightingRef) -> Sighted:
    """A sighting as files carry it."""
    return Sighted(image_id=ref.image_id, box=None if ref.box is None else as_box(ref.box))


def referred(part: Sighted) -> SightingRef:
    """The sighting that a file means."""
    return SightingRef(part.image_id, None if part.box is None else Box(*part.box))


def record(decision: Decision) -> DecisionRecord:
    """A decision as a line of a file carries it."""
    return DecisionRecord(
        id=decision.id,
        at=decision.at,
        kind=decision.kind,
        sightings=tuple(map(sighted, decision.sightings)),
        others=tuple(map(sighted, decision.others)),
        name=decision.name,
    )


def decision_of(said: Said, at: datetime, decision_id: str | None = None) -> Decision:
    """A decision, with an id of its own where it has none yet.

    Raises:
        InputError: it says nothing that could be meant.
    """
    sides = tuple(map(referred, said.sightings)), tuple(map(referred, said.others))
    return decide(said.kind, at, *sides, name=said.name, decision_id=decision_id)


def encode_lines(decisions: Iterable[Decision]) -> bytes:
    """Decisions as JSON Lines, in the order given."""
    return b"".join(msgspec.json.encode(record(decision)) + b"\n" for decision in decisions)


def decode_lines(data: bytes) -> tuple[Decision, ...]:
    """The decisions in a file of JSON Lines, in its order; empty lines are skipped.

    Raises:
        InputError: a line is no decision; the message names its number.
    """
    if len(data) > MAX_FILE_BYTES:
        raise InputError(f"expected a file of decisions of at most {MAX_FILE_BYTES} bytes, got {len(data)}")
    return tuple(_decoded(data))


def _decoded(data: bytes) -> Iterator[Decision]:
    for number, line in enumerate(data.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            told = msgspec.json.decode(line, type=DecisionRecord)
            yield decision_of(told, told.at if told.at.tzinfo else told.at.replace(tzinfo=UTC), told.id)
        except (msgspec.DecodeError, InputError) as error:
            raise InputError(
                f"line {number}: expected a decision as JSON, got something else: {error}"
            ) from error
