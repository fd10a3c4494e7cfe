"""What each route does."""

from __future__ import annotations

import msgspec
import pytest
from api_service import METRICS_TOKEN, Service
from asgi_client import Client
from memory_desk import MemoryOverseer
from sample_answers import household

from sploot_media_clustering.entrypoints.api import examples
from sploot_media_clustering.entrypoints.api.routes.dead_letters import DeadLetters
from sploot_media_clustering.entrypoints.api.routes.decisions import DecisionBody, Decisions
from sploot_media_clustering.entrypoints.api.routes.pets import ModelsOfAlbum
from sploot_media_clustering.errors import StoreUnavailableError
from sploot_media_clustering.services.answer_pages import ClusterPage, PhotoPlace
from sploot_media_clustering.services.desk import (
    Changed,
    DeadLetter,
    Decide,
    DeletePet,
    Invalidate,
    JobState,
    RemoveImage,
    Submitted,
)
from sploot_media_clustering.services.job_request import JobRequest
from sploot_media_clustering.services.labels import Labels
from sploot_media_clustering.services.review_queue import ReviewQueue

CLUSTERS = "/internal/pets/milo/clusters"
JOBS = "/internal/cluster-jobs"


def test_a_job_is_stored_and_can_be_followed(service: Service, client: Client) -> None:
    """202 means stored; Location leads to its state."""
    response = client.post(JOBS, json=examples.JOB)
    assert response.status_code == 202
    assert response.json() == examples.SUBMITTED
    assert service.intake.jobs["upload-7f3a"].images[1].uri == examples.JOB["images"][1]["uri"]
    state = client.get(response.headers["location"])
    assert (state.status_code, state.json()["status"]) == (200, "queued")


def test_the_same_job_again_changes_nothing_and_another_one_is_a_conflict(
    service: Service, client: Client
) -> None:
    """By its job_id."""
    client.post(JOBS, json=examples.JOB)
    assert client.post(JOBS, json=examples.JOB).json()["duplicate"] is True
    response = client.post(JOBS, json={**examples.JOB, "reason": "another"})
    assert (response.status_code, response.json()["type"]) == (409, "urn:sploot:problem:conflict")
    assert len(service.intake.jobs) == 1


def test_a_key_stands_for_a_missing_id(client: Client) -> None:
    """And a job's own id goes first; without either, one is made."""
    job = {name: value for name, value in examples.JOB.items() if name != "job_id"}
    key = {"Idempotency-Key": "key-1"}
    assert client.post(JOBS, json=job, headers=key).json()["job_id"] == "key-1"
    assert client.post(JOBS, json=job, headers=key).json()["duplicate"] is True
    assert client.post(JOBS, json=examples.JOB, headers=key).json()["job_id"] == "upload-7f3a"
    first, second = (client.post(JOBS, json=job).json()["job_id"] for _ in range(2))
    assert first != second


def test_a_job_carries_its_callers_trace(client: Client, service: Service) -> None:
    """Out of the header, where the body tells none; a header that is none is ignored."""
    told, other = (f"00-{digit * 32}-{digit * 16}-01" for digit in "12")
    jobs = [
        ({"job_id": "a"}, {"traceparent": told}),
        ({"job_id": "b", "traceparent": other}, {"traceparent": told}),
        ({"job_id": "c"}, {"traceparent": f"{told} and more"}),
    ]
    for job, headers in jobs:
        assert client.post(JOBS, json={**examples.JOB, **job}, headers=headers).status_code == 202
    assert [service.intake.jobs[name].traceparent for name in "abc"] == [told, other, None]


@pytest.mark.parametrize(
    "path",
    [
        f"{JOBS}/unknown",
        "/internal/pets/unknown/clusters",
        "/internal/pets/unknown/decisions",
        "/internal/pets/unknown/review",
        "/internal/pets/unknown/labels",
        "/internal/pets/milo/images/unknown.jpg",
        "/internal/pets/unknown/images/milo/1.jpg",
        "/internal/dead-letters/9-9",
    ],
)
def test_what_is_not_there_is_a_404(client: Client, path: str) -> None:
    """Told as unknown."""
    response = client.get(path)
    assert (response.status_code, response.json()["type"]) == (404, "urn:sploot:problem:unknown")


def test_looks_with_all_members_are_the_default(client: Client) -> None:
    """As the answer's schema has it, with what stands aside at that level."""
    told = client.get(CLUSTERS).json()
    assert [part["id"] for part in told["clusters"]] == ["milo-sofa", "milo-garden"]
    assert told["clusters"][0]["members"][0]["image_id"] == "milo/1.jpg"
    assert [part["image_id"] for part in told["unclustered"]] == ["milo/6.jpg"]
    assert told["failed_images"][0]["error"] == "TruncatedImageError"


@pytest.mark.parametrize(
    ("level", "ids"),
    [
        ("look", ["milo-sofa", "milo-garden"]),
        ("subject", ["milo", "luna"]),
        ("all", ["milo", "milo-sofa", "milo-garden", "luna"]),
    ],
)
def test_a_level_can_be_chosen(client: Client, level: str, ids: list[str]) -> None:
    """Or both."""
    told = client.get(f"{CLUSTERS}?level={level}").json()
    assert [part["id"] for part in told["clusters"]] == ids


def test_members_come_as_far_as_they_are_asked_for(client: Client) -> None:
    """Not at all, by id, or in full, and cut at a limit; size stays the size."""
    none, ids, cut = (
        client.get(f"{CLUSTERS}?{query}").json()["clusters"][0]
        for query in ("members=none", "members=ids", "members=ids&member_limit=1")
    )
    assert "members" not in none
    assert "member_ids" not in none
    assert ids["member_ids"] == ["milo/1.jpg", "milo/2.jpg", "milo/3.jpg", "milo/4.jpg"]
    assert (cut["member_ids"], cut["size"]) == (["milo/1.jpg"], 4)


def test_pages_follow_each_other(client: Client) -> None:
    """By cursor or by link; what stands aside comes once."""
    first = client.get(f"{CLUSTERS}?level=all&limit=3&members=none")
    assert first.json()["next_cursor"] == "1-3"
    link = first.headers["link"]
    assert link.endswith('; rel="next"')
    second = client.get(link[1 : link.index(">")])
    assert [part["id"] for part in second.json()["clusters"]] == ["luna"]
    assert second.json()["next_cursor"] is None
    assert (second.json()["unclustered"], second.json()["failed_images"]) == ([], [])
    assert "link" not in second.headers


def test_a_page_of_an_older_version_is_a_conflict(client: Client) -> None:
    """Pages of two versions would not fit together."""
    response = client.get(f"{CLUSTERS}?cursor=7-1")
    assert (response.status_code, response.json()["type"]) == (409, "urn:sploot:problem:conflict")


def test_an_answer_at_hand_is_not_sent_again(client: Client) -> None:
    """Until the album changes, or something else is asked for."""
    first = client.get(CLUSTERS)
    etag = first.headers["etag"]
    assert first.headers["last-modified"] == "Sun, 01 Mar 2026 12:00:00 GMT"
    assert first.headers["cache-control"] == "private, no-cache"
    for told in (etag, f'"other", {etag}', "*", etag.removeprefix("W/")):
        again = client.get(CLUSTERS, headers={"If-None-Match": told})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    other = client.get(f"{CLUSTERS}?members=none", headers={"If-None-Match": etag})
    assert other.status_code == 200
    client.post("/internal/pets/milo/invalidate")
    assert client.get(CLUSTERS, headers={"If-None-Match": etag}).status_code == 200


def test_an_answer_can_wait_for_a_job(service: Service, client: Client) -> None:
    """X-Fresh tells whether it is in it."""
    client.post(JOBS, json=examples.JOB)
    waiting = client.get(f"{CLUSTERS}?after_job=upload-7f3a&wait_ms=30")
    assert (waiting.status_code, waiting.headers["x-fresh"]) == (200, "false")
    state = service.intake.states["upload-7f3a"]
    service.intake.states["upload-7f3a"] = msgspec.structs.replace(state, status="done", version=2)
    arrived = client.get(f"{CLUSTERS}?after_job=upload-7f3a&wait_ms=5000")
    assert (arrived.status_code, arrived.headers["x-fresh"]) == (200, "true")


def test_an_album_tells_which_models_answered_for_it(client: Client) -> None:
    """And until when."""
    told = client.get("/internal/pets/milo/models").json()
    assert told["pet_id"] == "milo"
    assert [(term["model_version"], term["until"]) for term in told["models"]] == [("test-1", None)]
    assert client.get("/internal/pets/nobody/models").status_code == 404


def test_a_photo_tells_its_place(client: Client) -> None:
    """Slashes and all: its clusters, its rank as a hero, or why it has none."""
    told = client.get("/internal/pets/milo/images/milo/3.jpg").json()
    assert [(part["id"], part["hero_rank"]) for part in told["clusters"]] == [("milo", 1), ("milo-sofa", 1)]
    aside = client.get("/internal/pets/milo/images/x/who.jpg").json()
    assert (aside["clusters"], aside["unclustered"][0]["reason"]) == ([], "unsure")
    broken = client.get("/internal/pets/milo/images/broken.jpg").json()
    assert (broken["image"], broken["failed"]["error"]) == (None, "TruncatedImageError")


def test_a_decision_is_made_listed_and_taken_back(client: Client) -> None:
    """By sightings."""
    made = client.post("/internal/pets/milo/decisions", json=examples.DECISION)
    assert made.status_code == 200
    listed = client.get("/internal/pets/milo/decisions").json()["decisions"]
    assert [(part["id"], part["name"]) for part in listed] == [(made.json()["decision_id"], "Milo")]
    path = f"/internal/pets/milo/decisions/{made.json()['decision_id']}"
    assert client.delete(path).status_code == 200
    assert client.get("/internal/pets/milo/decisions").json()["decisions"] == []
    assert client.delete(path).status_code == 404


def test_an_album_tells_what_is_in_doubt_and_what_is_sure(client: Client) -> None:
    """A queue whose verdicts are bodies, as many items as are asked for; labels by photos' ids."""
    queue = client.get("/internal/pets/milo/review?limit=1").json()
    assert (len(queue["items"]), queue["version"]) == (1, 1)
    assert queue["total"] > 1
    said = queue["items"][0]["verdicts"][0]["said"]
    assert client.post("/internal/pets/milo/decisions", json=said).status_code == 200
    assert client.get("/internal/pets/milo/review?limit=0").status_code == 422
    assert client.get("/internal/pets/milo/labels").json()["photos"] == []


def test_a_decision_can_be_made_in_words(service: Service, client: Client) -> None:
    """Names and photos stand for the sightings in them."""
    body = {"kind": "same", "targets": ["Milo", "cat 2"]}
    assert client.post("/internal/pets/milo/decisions", json=body).status_code == 200
    (_, change) = service.albums.changes[0]
    assert isinstance(change, Decide)
    assert {part.image_id for part in change.said.others} == {"luna/1.jpg"}


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "same", "targets": ["Milo", "Nobody"]},
        {"kind": "name", "targets": ["Milo"], "name": ""},
        {"kind": "name", "sightings": [{"image_id": "milo/1.jpg"}]},
        {"kind": "same", "targets": ["Milo", "cat 2"], "sightings": [{"image_id": "milo/1.jpg"}]},
        {"kind": "marry", "targets": ["Milo", "cat 2"]},
        {"kind": "hero"},
        {"kind": "hero", "sightings": [{"image_id": "milo/1.jpg", "box": [0, 0, 2, 1]}]},
    ],
)
def test_a_decision_that_says_nothing_is_refused(client: Client, body: dict) -> None:
    """With what is missing."""
    response = client.post("/internal/pets/milo/decisions", json=body)
    assert (response.status_code, response.json()["type"]) == (422, "urn:sploot:problem:invalid")


@pytest.mark.parametrize(
    ("method", "path", "change"),
    [
        ("POST", "/internal/pets/milo/invalidate", Invalidate()),
        ("DELETE", "/internal/pets/milo/images/milo/1.jpg", RemoveImage(image_id="milo/1.jpg")),
        ("DELETE", "/internal/pets/milo", DeletePet()),
    ],
)
def test_a_change_is_asked_for(
    service: Service, client: Client, method: str, path: str, change: object
) -> None:
    """Settling needs an album; a deletion holds for jobs on their way as well."""
    response = client(method, path)
    told = (202, "queued") if isinstance(change, DeletePet | RemoveImage) else (200, "done")
    assert (response.status_code, response.json()["status"]) == told
    assert service.albums.changes == [("milo", change)]
    unknown = client(method, path.replace("milo", "unknown"))
    assert unknown.status_code == (202 if method == "DELETE" else 404)


def test_dead_letters_are_listed_inspected_requeued_and_dropped(client: Client) -> None:
    """The newest first; messages only one by one."""
    first = client.get("/internal/dead-letters?limit=2").json()
    assert [part["id"] for part in first["dead_letters"]] == ["3-0", "2-0"]
    assert first["dead_letters"][0]["message"] is None
    second = client.get(f"/internal/dead-letters?cursor={first['next_cursor']}").json()
    assert ([part["id"] for part in second["dead_letters"]], second["next_cursor"]) == (["1-0"], None)
    assert client.get("/internal/dead-letters/3-0").json()["message"] == {"payload": "{"}
    assert client.post("/internal/dead-letters/3-0/requeue").status_code == 202
    assert client.post("/internal/dead-letters/3-0/requeue").status_code == 404
    assert client.delete("/internal/dead-letters/2-0").status_code == 204
    assert client.delete("/internal/dead-letters/2-0").status_code == 404


def test_requests_are_counted_by_route(client: Client) -> None:
    """Not by path: names of pets are not figures."""
    client.get(CLUSTERS)
    client.get("/nowhere")
    told = client.get("/metrics").text
    assert (
        'sploot_api_requests_total{method="GET",route="/internal/pets/{pet_id}/clusters",status="200"} 1.0'
        in told
    )
    assert 'route="(none)",status="404"} 1.0' in told
    assert "milo" not in told


@pytest.mark.parametrize(
    ("example", "kind"),
    [
        (examples.JOB, JobRequest),
        (examples.SUBMITTED, Submitted),
        (examples.JOB_STATE, JobState),
        (examples.CHANGED, Changed),
        (examples.DECISION, DecisionBody),
        (examples.DECISION_IN_WORDS, DecisionBody),
        (examples.DECISIONS, Decisions),
        (examples.REVIEW, ReviewQueue),
        (examples.LABELS, Labels),
        (examples.CLUSTERS, ClusterPage),
        (examples.PLACE, PhotoPlace),
        (examples.MODELS, ModelsOfAlbum),
        (examples.LETTER, DeadLetter),
        (examples.LETTERS, DeadLetters),
    ],
)
def test_documented_examples_are_what_they_say(example: dict, kind: type[msgspec.Struct]) -> None:
    """Each reads as its struct, and has no member that the struct has not."""
    read = msgspec.convert(example, kind)
    assert set(example) <= set(kind.__struct_fields__)
    assert read is not None


def test_the_page_of_the_default_level_holds_what_the_answer_holds(client: Client) -> None:
    """Every cluster as clusters.json has it."""
    told = client.get(f"{CLUSTERS}?level=all").json()["clusters"]
    assert told == msgspec.json.decode(msgspec.json.encode(household().clusters))


def test_figures_tell_what_is_in_the_store(service: Service) -> None:
    """Where the API knows of it; a store that does not answer takes no figures of requests away."""
    overseer = MemoryOverseer()
    client = service.client(METRICS_TOKEN, overseer=overseer)
    assert 'sploot_jobs_waiting{lane="live",partition="0"} 3.0' in client.get("/metrics").text
    overseer.error = StoreUnavailableError("no route")
    assert "sploot_api_requests_total" in client.get("/metrics").text
