"""What people say of an album: said, listed, taken back."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Query, Response

from sploot_media_clustering.domain.decisions import Kind
from sploot_media_clustering.entrypoints.api.examples import (
    CHANGED,
    DECISION,
    DECISION_IN_WORDS,
    DECISIONS,
    LABELS,
    REVIEW,
)
from sploot_media_clustering.entrypoints.api.parts import PREFIX, Body, Parts, PetId, Token, read, told
from sploot_media_clustering.entrypoints.api.routes.pets import CHANGE_ANSWERS, NO_ALBUM, answer_to, change
from sploot_media_clustering.entrypoints.api.schemas import OF_A_BODY, answered, body, problem, reference
from sploot_media_clustering.errors import InputError
from sploot_media_clustering.services.decision_records import Decided, Question, Said, Sighted
from sploot_media_clustering.services.desk import Changed, Decide, Undo
from sploot_media_clustering.services.labels import Labels, labels
from sploot_media_clustering.services.review import said
from sploot_media_clustering.services.review_queue import ITEMS, MOST_ITEMS, ReviewQueue, review_queue

router: Final = APIRouter(prefix=PREFIX, tags=["decisions"])


class DecisionBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person says, about sightings, or in their own words.

    Attributes:
        kind: `name`, `same`, `different`, `not_this`, `confirm`, `split`, `not_animal`, `hero` or `not_hero`.
        sightings: what it is about, photo by photo.
        others: what they are compared with.
        targets: in place of both: names, labels or ids of clusters, and photos, as the command `decide` takes
            them. For `same` two animals; for `confirm`, `not_this` and `split` an animal, then photos of it.
        name: of the animal, for `name`.
    """

    kind: Kind
    sightings: tuple[Sighted, ...] = ()
    others: tuple[Sighted, ...] = ()
    targets: tuple[str, ...] = ()
    name: str | None = None


class Decisions(msgspec.Struct, frozen=True, kw_only=True):
    """What people said of an album.

    Attributes:
        pet_id: the album.
        version: of the album.
        decisions: oldest first, and whether they hold.
        questions: what a person could settle, the most worth first.
    """

    pet_id: str
    version: int
    decisions: tuple[Decided, ...]
    questions: tuple[Question, ...]


@router.get(
    "/pets/{pet_id}/decisions",
    summary="What people said of an album",
    responses={200: answered(Decisions, "All decisions, and open questions.", DECISIONS), 404: NO_ALBUM},
)
async def decisions(parts: Parts, pet_id: PetId) -> Response:
    """Each decision with whether it holds, was superseded, or waits for its photos."""
    answer = await answer_to(parts, pet_id)
    return told(
        Decisions(
            pet_id=answer.pet_id,
            version=answer.version,
            decisions=answer.decisions,
            questions=answer.questions,
        )
    )


@router.get(
    "/pets/{pet_id}/review",
    summary="What is to be looked at in an album",
    responses={200: answered(ReviewQueue, "The least sure first.", REVIEW), 404: NO_ALBUM},
)
async def review(
    parts: Parts,
    pet_id: PetId,
    limit: Annotated[int, Query(ge=1, le=MOST_ITEMS, description="Items, at most.")] = ITEMS,
) -> Response:
    """Doubtful photos, animals and heroes; what may be said of each is a body for `POST decisions`."""
    return told(review_queue(await answer_to(parts, pet_id), limit))


@router.get(
    "/pets/{pet_id}/labels",
    summary="What people said of an album, as labels",
    responses={200: answered(Labels, "For `train heads`.", LABELS), 404: NO_ALBUM},
)
async def told_labels(parts: Parts, pet_id: PetId) -> Response:
    """Photos of which it is known who is on them, and choices between heroes; files are photos' ids."""
    return told(labels(await answer_to(parts, pet_id)))


@router.post(
    "/pets/{pet_id}/decisions",
    summary="Decide",
    responses={**CHANGE_ANSWERS, 200: answered(Changed, "Done.", CHANGED), **OF_A_BODY},
    openapi_extra=body(reference(DecisionBody), {"by sightings": DECISION, "in words": DECISION_IN_WORDS}),
)
async def decide(parts: Parts, pet_id: PetId, document: Body) -> Response:
    """Say something about an album. It outlives every re-clustering, and can be taken back."""
    wanted = read(document, DecisionBody)
    return await change(parts, pet_id, Decide(said=await _meant(parts, pet_id, wanted)))


@router.delete(
    "/pets/{pet_id}/decisions/{decision_id}",
    summary="Take a decision back",
    responses={**CHANGE_ANSWERS, 404: problem("No such album or decision.")},
)
async def undo(parts: Parts, pet_id: PetId, decision_id: Token) -> Response:
    """The album becomes what it would be had this never been said."""
    return await change(parts, pet_id, Undo(decision_id=decision_id))


async def _meant(parts: Parts, pet_id: str, wanted: DecisionBody) -> Said:
    if not wanted.targets:
        return Said(kind=wanted.kind, sightings=wanted.sightings, others=wanted.others, name=wanted.name)
    if wanted.sightings or wanted.others:
        raise InputError("expected sightings or targets, got both")
    answer = await answer_to(parts, pet_id)
    return said(wanted.kind, answer, wanted.targets, wanted.name)
