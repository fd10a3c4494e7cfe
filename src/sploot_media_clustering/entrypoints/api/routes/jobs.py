"""Jobs: handed in, and how far they are."""

from __future__ import annotations

import re
import uuid
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Header, Response
from msgspec import structs

from sploot_media_clustering.entrypoints.api.examples import JOB, JOB_STATE, SUBMITTED
from sploot_media_clustering.entrypoints.api.parts import PREFIX, Body, Parts, Token, read, told
from sploot_media_clustering.entrypoints.api.schemas import OF_A_BODY, answered, body, problem, reference
from sploot_media_clustering.errors import UnknownError
from sploot_media_clustering.services.desk import JobState, Submitted
from sploot_media_clustering.services.job_request import NAME_PATTERN, JobRequest

router: Final = APIRouter(prefix=PREFIX, tags=["jobs"])

IdempotencyKey = Annotated[
    str | None,
    Header(
        pattern=NAME_PATTERN,
        description="Stands for `job_id` where the body has none.",
    ),
]
Traceparent = Annotated[
    str | None,
    Header(description="Of the caller's trace (W3C Trace Context), where the body has none."),
]
_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


@router.post(
    "/cluster-jobs",
    status_code=HTTPStatus.ACCEPTED,
    summary="Hand in photos of an album",
    responses={
        202: answered(Submitted, "Stored: it will not be lost.", SUBMITTED, Location="Where to follow it."),
        409: problem("A job of this id said something else."),
        **OF_A_BODY,
    },
    openapi_extra=body(reference(JobRequest), {"two photos": JOB}),
)
async def submit(
    parts: Parts, job: Body, idempotency_key: IdempotencyKey = None, traceparent: Traceparent = None
) -> Response:
    """Store a job. Handing in the same job again, under the same `job_id`, changes nothing."""
    told_trace = traceparent if traceparent and _TRACEPARENT.fullmatch(traceparent) else None
    wanted = read(job, JobRequest)
    wanted = structs.replace(wanted, job_id=wanted.job_id or idempotency_key or str(uuid.uuid4()))
    carried = parts.spans.publish(wanted, wanted.traceparent or told_trace)
    submitted = await parts.intake.submit(structs.replace(wanted, traceparent=carried))
    return told(submitted, HTTPStatus.ACCEPTED, Location=f"{PREFIX}/cluster-jobs/{submitted.job_id}")


@router.get(
    "/cluster-jobs/{job_id}",
    summary="How far a job is",
    responses={
        200: answered(JobState, "Its state.", JOB_STATE),
        404: problem("No such job, or it was done long ago."),
    },
)
async def state(parts: Parts, job_id: Token) -> Response:
    """How far a job is; remembered for some days after it is done."""
    found = await parts.intake.state(job_id)
    if found is None:
        raise UnknownError("there is no such job, or it was done long ago")
    return told(found)
