"""What is handed in: photos come, are replaced and go; words said and taken back; albums deleted; poison."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from fake_heads import MODEL
from fake_worker import ANIMALS, NETWORKS, photos_job
from msgspec import structs

from sploot_media_clustering.services.decision_records import Said, Sighted, decision_of
from sploot_media_clustering.services.desk import Change, Decide, DeletePet, Invalidate, RemoveImage, Undo
from sploot_media_clustering.services.job_request import JobRequest
from sploot_media_clustering.services.jobs import ChangeJob, Job

FIRST, SECOND = MODEL.version, "second-model"
NETWORKS_OF = {FIRST: NETWORKS, SECOND: "second-networks"}
"""Of the model that albums begin with, and of one that may take over."""
START = datetime(2026, 5, 1, tzinfo=UTC)
PHOTOS_A_PET = 40
NUMBERS = 50
"""Photos of an animal that can be drawn."""
CHANGES = 0.1
"""Share of the jobs that hold something other than photos."""
UNREADABLE, SLOW = 0.01, 0.01
CRASHES, KILLS = 0.001, 0.0005
"""Shares of the jobs with a photo that raises what nobody expects, or ends the process."""
TOGETHER_MAX = 3
REMOVES, EXPECTS = 0.05, 0.01
"""Shares of the jobs of photos that remove one as well, or tell how many animals there are."""


def jobs_of(rng: random.Random, pets: int, count: int, backfill: float = 0.0) -> list[Job]:
    """Jobs of all pets, mixed; a share of those of photos is back-fill."""
    said: dict[str, list[str]] = {}
    jobs: list[Job] = []
    for number in range(count):
        pet_id, job_id = f"pet-{rng.randrange(pets)}", f"job-{number}"
        if rng.random() < CHANGES:
            at = START + timedelta(seconds=number)
            change = _change(rng, at, said.setdefault(pet_id, []))
            jobs.append(ChangeJob(job_id=job_id, pet_id=pet_id, change=change, at=at))
        else:
            job = _photos(rng, job_id, pet_id)
            is_bulk = backfill and rng.random() < backfill
            jobs.append(structs.replace(job, lane="backfill") if is_bulk else job)
    return jobs


def is_backfill(job: Job) -> bool:
    return isinstance(job, JobRequest) and job.lane == "backfill"


def poison(jobs: Sequence[Job]) -> set[str]:
    """Ids of the jobs that nobody can do."""
    return {
        str(job.job_id)
        for job in jobs
        if not isinstance(job, ChangeJob)
        and any(image.uri in {"sketch:crash", "sketch:kill"} for image in job.images)
    }


def _photos(rng: random.Random, job_id: str, pet_id: str) -> Job:
    kind = rng.random()
    if kind < CRASHES + KILLS:
        texts = ["crash" if kind < CRASHES else "kill"]
    else:
        texts = [_text(rng) for _ in range(rng.randint(1, TOGETHER_MAX))]
    photos = {_image(rng): text for text in texts}
    told: dict[str, object] = {}
    if rng.random() < REMOVES:
        told["remove_image_ids"] = (_image(rng),)
    if rng.random() < EXPECTS:
        told["expected_animals"] = rng.randint(1, len(ANIMALS))
    return photos_job(job_id, pet_id, photos, **told)


def _text(rng: random.Random) -> str:
    kind = rng.random()
    if kind < UNREADABLE:
        return "a cloud"
    drawn = f"{rng.choice(ANIMALS)} {rng.randrange(NUMBERS)}"
    return f"slow {drawn}" if kind < UNREADABLE + SLOW else drawn


def _image(rng: random.Random) -> str:
    return f"photo-{rng.randrange(PHOTOS_A_PET)}"


def _change(rng: random.Random, at: datetime, said: list[str]) -> Change:
    kind = rng.random()
    if kind < 0.4:
        return RemoveImage(image_id=_image(rng))
    if kind < 0.42:
        return DeletePet()
    if kind < 0.5:
        return Invalidate()
    if kind < 0.6 and said:
        return Undo(decision_id=said.pop(rng.randrange(len(said))))
    told = _said(rng)
    said.append(decision_of(told, at).id)
    return Decide(said=told)


def _said(rng: random.Random) -> Said:
    one, other = (
        Sighted(image_id=name) for name in rng.sample([f"photo-{n}" for n in range(PHOTOS_A_PET)], 2)
    )
    kind = rng.choice(("name", "same", "different", "hero", "not_hero"))
    if kind == "name":
        return Said(kind="name", name=rng.choice(ANIMALS), sightings=(one,))
    if kind in {"same", "different"}:
        return Said(kind=kind, sightings=(one,), others=(other,))
    return Said(kind=kind, sightings=(one,))
