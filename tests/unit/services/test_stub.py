"""The stub answers by what publishers told, and gives way to the mixture from one moment to the next."""

from __future__ import annotations

import asyncio
import logging

import jsonschema
import msgspec
import pytest
from fake_worker import SketchEmbedder, photos_job, sketch_clustering
from memory_store import MemoryJobQueue, MemoryPetStore, MemoryServer
from msgspec import structs

from sploot_media_clustering.adapters.measured import MeasuredApplier
from sploot_media_clustering.adapters.telemetry import Telemetry
from sploot_media_clustering.services.album_record import AlbumRecord
from sploot_media_clustering.services.answer import Answer, encode, json_schema
from sploot_media_clustering.services.applying import AlbumApplier, Applied, Prepared, ReadyPhoto, Source
from sploot_media_clustering.services.committing import Committer
from sploot_media_clustering.services.desk import RemoveImage
from sploot_media_clustering.services.embedding import PhotoInput
from sploot_media_clustering.services.jobs import ChangeJob, Position
from sploot_media_clustering.services.rollout import Pipeline
from sploot_media_clustering.services.shadow import difference
from sploot_media_clustering.services.store_desk import StoreAlbums

CLUSTERING = sketch_clustering()
PHOTOS = {f"{name}{number}": f"{name} {number}" for name in ("milo", "bella") for number in range(4)}
TOLD = {
    "milo0": ("asleep", 0.4),
    "milo1": ("asleep", 0.9),
    "milo2": ("outside", 0.5),
    "bella0": ("asleep", None),
    "bella1": (None, 0.8),
}


class Flag:
    """A pipeline for all albums, which may change."""

    def __init__(self, now: Pipeline) -> None:
        self.now = now

    def of(self, pet_id: str) -> Pipeline:
        del pet_id
        return self.now


def job(number: int = 1) -> Prepared:
    told = photos_job(f"job-{number}", "milo", PHOTOS)
    images = tuple(
        structs.replace(
            image,
            label=TOLD.get(image.image_id, (None, None))[0],
            quality=TOLD.get(image.image_id, (None, None))[1],
        )
        for image in told.images
    )
    ready = {
        name: ReadyPhoto(SketchEmbedder().embed_one(PhotoInput(name, text.encode())), Source(text, b""))
        for name, text in PHOTOS.items()
    }
    return Prepared(structs.replace(told, images=images), Position(number, 0), ready)


def applied(flag: Flag, record: AlbumRecord | None = None, *jobs: Prepared) -> Applied:
    applier = AlbumApplier(CLUSTERING, pipelines=flag)
    return applier.apply(record or AlbumRecord(), jobs or [job()], pet_id="milo", version=1000, settle=True)


def answered(found: Applied) -> Answer:
    assert found.answer is not None
    return found.answer


def test_labels_become_looks_and_quality_makes_heroes() -> None:
    """Best first; a photo without a label stands aside; the answer keeps to the schema of all answers."""
    answer = answered(applied(Flag("stub")))
    subject, asleep, outside = answer.clusters
    assert answer.pipeline == "stub"
    assert (subject.level, subject.size) == ("subject", 4)
    assert (asleep.label, asleep.parent_id, asleep.hero_image_id) == ("asleep", subject.id, "milo1")
    assert [member.image_id for member in asleep.members] == ["milo1", "milo0", "bella0"]
    assert [member.score for member in asleep.members] == [0.9, 0.4, 0.0]
    assert (outside.label, outside.size) == ("outside", 1)
    assert {part.image_id for part in answer.unclustered} == {"bella1", "bella2", "bella3", "milo3"}
    assert answer.metrics.coverage["asleep"] == 3 / 8
    assert answer.metrics.quality_score == pytest.approx(0.7)
    jsonschema.validate(msgspec.json.decode(encode(answer)), msgspec.json.decode(json_schema()))


def test_both_pipelines_keep_the_same_album() -> None:
    """So either may answer at any time: the flag changes what is told and nothing of what is kept."""
    stub, mixture = (applied(Flag(name)) for name in ("stub", "mixture"))
    assert stub.record == mixture.record
    assert answered(mixture).pipeline == "mixture"
    assert len([part for part in answered(mixture).clusters if part.level == "subject"]) == 2
    again = AlbumApplier(CLUSTERING, pipelines=Flag("mixture")).answer(stub.record, "milo")
    assert again == answered(mixture)


def test_a_photo_that_goes_takes_its_label_along() -> None:
    """And one that is told anew has the new one."""
    record = applied(Flag("stub")).record
    gone = ChangeJob(
        job_id="gone",
        pet_id="milo",
        change=RemoveImage(image_id="milo1"),
        at=answered(applied(Flag("stub"))).updated_at,
    )
    renewed = photos_job("renewed", "milo", {"milo2": PHOTOS["milo2"]})
    images = (structs.replace(renewed.images[0], label="eating"),)
    found = applied(
        Flag("stub"),
        record,
        Prepared(gone, Position(2, 0)),
        Prepared(structs.replace(renewed, images=images), Position(3, 0), {"milo2": job().photos["milo2"]}),
    )
    assert "milo1" not in found.record.told
    looks = {part.label: part.size for part in answered(found).clusters if part.level == "look"}
    assert looks == {"asleep": 2, "eating": 1}


def test_a_shadow_is_noted_and_does_not_answer(caplog: pytest.LogCaptureFixture) -> None:
    """In the log, a line for each level, and in figures without the album's name."""
    telemetry = Telemetry()
    applier = MeasuredApplier(CLUSTERING, telemetry, pipelines=Flag("shadow"))
    with caplog.at_level(logging.INFO):
        found = applier.apply(AlbumRecord(), [job()], pet_id="milo", version=1000, settle=True)
    assert answered(found) == answered(applied(Flag("stub")))
    levels = [record.facts["cluster_level"] for record in caplog.records if record.getMessage() == "shadow"]
    assert levels == ["subject", "look"]
    value = telemetry.registry.get_sample_value
    assert value("sploot_worker_shadow_agreement_count", {"level": "look"}) == 1
    outcomes = [
        value("sploot_worker_shadow_heroes_total", {"level": "look", "outcome": name})
        for name in ("kept", "changed")
    ]
    assert sum(outcomes) == 2


def test_answers_of_the_same_clusters_do_not_differ() -> None:
    """And those that have nothing in common agree by chance alone."""
    stub, mixture = (answered(applied(Flag(name))) for name in ("stub", "mixture"))
    same = difference(mixture, mixture, "subject")
    assert (same.agreement, same.clusters, same.heroes, same.heroes_kept) == (1.0, (2, 2), 2, 2)
    other = difference(stub, mixture, "subject")
    assert (other.photos, other.clusters) == (4, (1, 2))
    assert other.agreement == pytest.approx(0.0)


def test_the_desk_answers_by_the_flag_of_the_moment() -> None:
    """Not by the answer that was kept ready under the flag before."""
    flag, server = Flag("stub"), MemoryServer()
    pets = MemoryPetStore(server)
    work = Committer(pets, AlbumApplier(CLUSTERING, pipelines=flag))

    async def well() -> None:
        """It is."""

    albums = StoreAlbums(MemoryJobQueue(server), pets, work, well, pipelines=flag)

    async def told() -> list[str]:
        await work.commit("milo", [job()], settle=True)
        found = []
        for pipeline in ("stub", "mixture", "shadow", "mixture"):
            flag.now = pipeline
            answer = await albums.answer("milo")
            found.append("nothing" if answer is None else answer.pipeline)
        return found

    assert asyncio.run(told()) == ["stub", "mixture", "stub", "mixture"]
