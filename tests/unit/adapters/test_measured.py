"""Ports that are measured do what they did before, and say how it went."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pytest
from memory_store import MemoryPetEmbeddings
from msgspec.structs import replace
from prometheus_client import CollectorRegistry
from prometheus_client.samples import Sample
from sample_answers import household

from sploot_media_clustering.adapters.measured import (
    MeasuredEmbedder,
    MeasuredEmbeddings,
    MeasuredLetters,
    MeasuredQueue,
    MeasuredSource,
    MeasuredStore,
    MeasuredStream,
)
from sploot_media_clustering.adapters.telemetry import Telemetry
from sploot_media_clustering.domain.album import PhotoEmbedding
from sploot_media_clustering.domain.drift import Finding
from sploot_media_clustering.errors import NotAnImageError, SourceUnavailableError
from sploot_media_clustering.services.desk import JobState
from sploot_media_clustering.services.drift import DriftReport
from sploot_media_clustering.services.embedding import PhotoFailure, PhotoInput
from sploot_media_clustering.services.job_ports import (
    Burial,
    Commit,
    DeadLetters,
    Ended,
    Entry,
    JobQueue,
    JobStream,
    PetStore,
    Queued,
    StoredAlbum,
)
from sploot_media_clustering.services.job_request import JobRequest
from sploot_media_clustering.services.jobs import Position
from sploot_media_clustering.services.lanes import LIVE
from sploot_media_clustering.services.overseeing import Overview, Waiting

ENTRY = Entry("1-0", {b"job": b"{}"}, again=False)
STATE = JobState(job_id="j", pet_id="p", status="done")
QUEUED = Queued(Position(1, 0), STATE, known=False)
STORED = StoredAlbum(version=1, record=None, now_ms=2, done={}, dead=frozenset())
ENDED = Ended(now_ms=2, done={"j": 1}, dead=frozenset())
COMMIT = Commit("p", ("j",), 0, 1, b"r", None, b"s")
BURIAL = Burial(ENTRY, "no", 1)
JOB = JobRequest(job_id="j", pet_id="p", images=())


CALLS: dict[type, dict[str, tuple[tuple[object, ...], object]]] = {
    JobStream: {
        "lanes": ((), (LIVE,)),
        "read": ((LIVE, 3, 0.5), [ENTRY]),
        "claim": ((LIVE, 2), [ENTRY, ENTRY]),
        "attempt": (("1-0",), 2),
        "acknowledge": ((["1-0"],), None),
    },
    JobQueue: {
        "add": ((JOB, Position(1, 0)), QUEUED),
        "state": (("j",), STATE),
        "tell": (([STATE],), None),
        "coming": (("p",), [JOB]),
    },
    DeadLetters: {
        "add": ((BURIAL,), "7-0"),
        "page": ((5, "c"), ((), "next")),
        "opened": (("7-0",), BURIAL),
        "drop": (("7-0",), True),
    },
    PetStore: {
        "read": (("p", ["j"]), STORED),
        "ended": (("p", ["j"]), ENDED),
        "payload": (("p",), b"p"),
        "keep_payload": (("p", 1, b"x"), None),
        "commit": ((COMMIT,), "stale"),
        "relay": (("p",), 3),
        "bury": (("p", "j"), True),
        "revive": (("p", "j"), None),
    },
}
"""Of each port each method: what it is called with, and what it answers."""


def recorded(port: type, calls: list[tuple[object, ...]]) -> object:
    """A port that answers as above, and notes what it was called with."""

    def method(name: str, answer: object) -> object:
        async def called(_self: object, *told: object) -> object:
            calls.append((name, *told))
            return answer

        return called

    return type(
        port.__name__, (), {name: method(name, answer) for name, (_, answer) in CALLS[port].items()}
    )()


MEASURED = {
    JobStream: MeasuredStream,
    JobQueue: MeasuredQueue,
    DeadLetters: MeasuredLetters,
    PetStore: MeasuredStore,
}


def measuring() -> tuple[Telemetry, CollectorRegistry]:
    telemetry = Telemetry()
    return telemetry, telemetry.registry


@pytest.mark.parametrize("port", list(CALLS), ids=lambda port: port.__name__)
def test_everything_is_passed_on_as_it_came(port: type) -> None:
    """Arguments there, answers back; every method of the port."""
    methods = {name for name, _ in inspect.getmembers(port, inspect.isfunction) if not name.startswith("_")}
    assert methods == set(CALLS[port])
    calls: list[tuple[object, ...]] = []
    measured = MEASURED[port](recorded(port, calls), measuring()[0])
    assert isinstance(measured, port)
    for name, (told, answer) in CALLS[port].items():
        assert asyncio.run(getattr(measured, name)(*told)) == answer
        assert calls.pop() == (name, *told)


def test_what_went_through_is_counted() -> None:
    """Messages, claims, jobs by their end, letters, commits by what became of them."""

    async def steps(found: Telemetry) -> None:
        for port, calls in CALLS.items():
            measured = MEASURED[port](recorded(port, []), found)
            for name, (told, _) in calls.items():
                await getattr(measured, name)(*told)

    found, registry = measuring()
    asyncio.run(steps(found))
    counted = {
        "sploot_worker_messages_taken_total": 1,
        "sploot_worker_messages_claimed_total": 2,
        "sploot_worker_attempts_alone_total": 1,
        "sploot_worker_dead_letters_total": 1,
        "sploot_worker_job_seconds_count": 1,
        "sploot_worker_commit_seconds_count": 1,
    }
    lanes = {"sploot_worker_job_seconds_count": {"lane": "live"}}
    assert {name: registry.get_sample_value(name, lanes.get(name)) for name in counted} == counted
    assert registry.get_sample_value("sploot_worker_jobs_total", {"status": "done"}) == 1
    assert registry.get_sample_value("sploot_worker_commits_total", {"result": "stale"}) == 1


@dataclass
class Source:
    error: Exception | None = None

    def read(self, uri: str) -> bytes:
        if self.error is not None:
            raise self.error
        return uri.encode()


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (None, "read"),
        (SourceUnavailableError("later"), "unavailable"),
        (NotAnImageError("never"), "unreadable"),
        (ZeroDivisionError(), "failed"),
    ],
)
def test_photos_are_counted_by_how_they_came(error: Exception | None, outcome: str) -> None:
    """And whoever asked hears of it as before."""
    found, registry = measuring()
    source = MeasuredSource(Source(error), found)
    if error is None:
        assert source.read("uri") == b"uri"
    else:
        with pytest.raises(type(error)):
            source.read("uri")
    assert registry.get_sample_value("sploot_worker_fetches_total", {"outcome": outcome}) == 1
    assert registry.get_sample_value("sploot_worker_fetch_seconds_count") == 1


class Embedder:
    version = "v"

    def embed(self, photos: Iterable[PhotoInput]) -> Iterator[PhotoEmbedding | PhotoFailure]:
        for photo in photos:
            yield PhotoFailure(photo.image_id, NotAnImageError("none"))

    def embed_one(self, photo: PhotoInput) -> PhotoEmbedding:
        raise NotAnImageError(photo.image_id)


def test_batches_are_counted_with_what_came_of_their_photos() -> None:
    """One by one or together."""
    found, registry = measuring()
    embedder = MeasuredEmbedder(Embedder(), found)
    photos = [PhotoInput(name, b"") for name in "ab"]
    assert [part.image_id for part in embedder.embed(photos)] == ["a", "b"]
    with pytest.raises(NotAnImageError):
        embedder.embed_one(photos[0])
    assert embedder.version == "v"
    assert registry.get_sample_value("sploot_worker_batch_photos_count") == 2
    assert registry.get_sample_value("sploot_worker_batch_photos_sum") == 3
    assert registry.get_sample_value("sploot_worker_photos_total", {"outcome": "unreadable"}) == 3


DRIFT = DriftReport(
    model_version="model-2",
    checked_at=datetime(2026, 5, 1, tzinfo=UTC),
    albums=20,
    photos=200,
    other_models=0,
    reference_albums=20,
    reference_photos=200,
    reference_at=datetime(2026, 4, 1, tzinfo=UTC),
    error_rate=0.01,
    findings=(Finding("photos", "vectors", 0.2, 0.001, alarm=True),),
)


def test_no_label_grows_with_albums() -> None:
    """A thousand albums later there are as many time series as before."""
    found, registry = measuring()
    for release in ("1", "2"):
        found.metrics.runs(f"model-{release}", "networks-1")
    for album in range(20):
        found.metrics.answered(replace(household(), pet_id=f"pet-{album}"))
    found.gauges.show(
        Overview(
            paused_at=None,
            waiting=1,
            in_hand=2,
            oldest_s=3.0,
            workers=("a", "b"),
            dead_letters=4,
            dead_letters_most=5,
            drift=DRIFT,
            lanes=(
                Waiting(partition=0, lane="live", waiting=1, in_hand=2, oldest_s=3.0),
                Waiting(partition=0, lane="backfill", waiting=7, in_hand=0, oldest_s=9.0),
            ),
        )
    )
    where = {"partition": "0", "lane": "backfill"}
    assert registry.get_sample_value("sploot_jobs_waiting", where) == 7
    assert registry.get_sample_value("sploot_workers") == 2
    labels = {name for metric in registry.collect() for sample in metric.samples for name in sample.labels}
    assert labels <= {
        "le",
        "status",
        "result",
        "outcome",
        "level",
        "model",
        "networks",
        "what",
        "lane",
        "partition",
    }
    (ringing,) = samples(registry, "sploot_drift_alarm")
    assert (ringing.labels, ringing.value) == ({"model": "model-2", "what": "photos"}, 1)
    models = [sample.labels["model"] for sample in samples(registry, "sploot_worker_model")]
    assert models == ["model-2"]
    levels = {sample.labels["level"] for sample in samples(registry, "sploot_worker_hero_score_count")}
    assert levels <= {"subject", "look"}


def samples(registry: CollectorRegistry, name: str) -> list[Sample]:
    return [sample for metric in registry.collect() for sample in metric.samples if sample.name == name]


def test_what_albums_come_to_is_told() -> None:
    """How many clusters they have, and how good the pictures are that stand for them."""
    found, registry = measuring()
    answer = household()
    found.metrics.answered(answer)
    for level in ("subject", "look"):
        clusters = [cluster for cluster in answer.clusters if cluster.level == level]
        scores = [cluster.heroes[0].score for cluster in clusters if cluster.heroes]
        told = {"level": level}
        assert registry.get_sample_value("sploot_worker_album_clusters_sum", told) == len(clusters)
        counted = registry.get_sample_value("sploot_worker_hero_score_sum", told)
        assert counted == pytest.approx(sum(scores))


def test_embeddings_that_were_kept_are_counted() -> None:
    """Those that were found, and those that were not."""
    found, registry = measuring()
    kept = MeasuredEmbeddings(MemoryPetEmbeddings(), found)
    embedding = PhotoEmbedding("a", None, 4, 3, np.zeros(2, np.float16), (), "v")
    assert kept.load("p", "a", "key") is None
    kept.save("p", "a", "key", embedding)
    assert kept.load("p", "a", "key") is embedding
    kept.erase("p")
    assert kept.load("p", "a", "key") is None
    told = {
        name: registry.get_sample_value("sploot_worker_embeddings_kept_total", {"outcome": name})
        for name in ("found", "missed")
    }
    assert told == {"found": 1, "missed": 2}
