"""An album of another model is brought to the one that runs, with all that people said and know of it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from fake_worker import BLIND, SketchEmbedder, SketchSource, photos_job, sketch_clustering
from memory_store import MemoryPetEmbeddings, MemoryPetStore, MemoryServer
from msgspec import structs

from sploot_media_clustering.errors import SourceUnavailableError, StateError
from sploot_media_clustering.services import album_record
from sploot_media_clustering.services.album_record import AlbumRecord
from sploot_media_clustering.services.answer import Answer
from sploot_media_clustering.services.applying import AlbumApplier, Prepared
from sploot_media_clustering.services.batching import Batcher
from sploot_media_clustering.services.carrying import Carrier
from sploot_media_clustering.services.committing import Committed, Committer
from sploot_media_clustering.services.decision_records import Said, Sighted
from sploot_media_clustering.services.desk import Change, Decide, DeletePet, Invalidate, RemoveImage, Undo
from sploot_media_clustering.services.jobs import ChangeJob, Position
from sploot_media_clustering.services.preparing import Patience, PhotoPreparer

PHOTOS = {f"milo-{number}": f"milo {number}" for number in range(4)} | {
    f"bella-{number}": f"bella {number}" for number in range(3)
}
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
MILO = Decide(said=Said(kind="name", name="Milo", sightings=(Sighted(image_id="milo-0"),)))


class World:
    """A store, and photos that may go from where they were."""

    def __init__(self, threads: ThreadPoolExecutor) -> None:
        self.pets = MemoryPetStore(MemoryServer())
        self.kept = MemoryPetEmbeddings()
        self.source = SketchSource()
        self.gone: set[str] = set()
        self._threads = threads
        self._jobs = 0

    async def done(self, what: Mapping[str, str] | Change, model: str, networks: str) -> Committed:
        """A job done by a worker of some model."""
        self._jobs += 1
        name, position = f"job-{self._jobs}", Position(self._jobs, 0)
        clustering = sketch_clustering(model, networks)
        async with self.preparer(networks) as preparer:
            committer = Committer(self.pets, AlbumApplier(clustering), Carrier(clustering, preparer))
            if isinstance(what, Mapping):
                job = photos_job(name, "pet-1", dict(what))
                ready = Prepared(job, position, await preparer.prepare(job))
            else:
                at = datetime(2026, 5, 1, tzinfo=UTC)
                ready = Prepared(ChangeJob(job_id=name, pet_id="pet-1", change=what, at=at), position)
            return await committer.commit("pet-1", [ready], settle=True)

    @asynccontextmanager
    async def preparer(self, networks: str) -> AsyncIterator[PhotoPreparer]:
        batcher = Batcher(SketchEmbedder(networks))
        patience = Patience(tries=2, first_wait_s=0.001)
        async with batcher.running():
            yield PhotoPreparer(self, batcher, self.kept, self._threads, patience)

    def read(self, uri: str) -> bytes:
        return self.source.read("sketch:gone" if uri in self.gone else uri)

    async def record(self) -> AlbumRecord:
        return album_record.unpack((await self.pets.read("pet-1")).record)

    async def answer(self, model: str, networks: str) -> Answer:
        answer = AlbumApplier(sketch_clustering(model, networks)).answer(await self.record(), "pet-1")
        assert answer is not None
        return answer


@pytest.fixture
def world() -> Iterator[World]:
    with ThreadPoolExecutor(4) as threads:
        yield World(threads)


def run(steps: Callable[[], Coroutine[None, None, None]]) -> None:
    asyncio.run(steps())


def shown(answer: Answer) -> dict[str, tuple[str | None, str, frozenset[str]]]:
    return {
        part.id: (part.name, part.level, frozenset(found.image_id for found in part.members))
        for part in answer.clusters
    }


@pytest.mark.parametrize(
    ("networks", "fetches"),
    [pytest.param("networks-1", 0, id="other heads"), pytest.param("networks-2", 7, id="other networks")],
)
def test_an_album_of_another_model_is_carried_over(world: World, networks: str, fetches: int) -> None:
    """Ids, names and members stay; photos are read again only where other networks have to see them."""

    async def steps() -> None:
        await world.done(PHOTOS, "model-1", "networks-1")
        await world.done(MILO, "model-1", "networks-1")
        before = await world.answer("model-1", "networks-1")
        world.source.reads.clear()
        await world.done(Invalidate(), "model-2", networks)
        after = await world.answer("model-2", networks)
        assert shown(after) == shown(before)
        assert "Milo" in {part.name for part in after.clusters}
        assert after.model_version != before.model_version
        assert sum(world.source.reads.values()) == fetches

    run(steps)


def test_a_model_that_is_taken_back_reads_nothing(world: World) -> None:
    """What the former networks saw is still kept."""

    async def steps() -> None:
        await world.done(PHOTOS, "model-1", "networks-1")
        before = await world.answer("model-1", "networks-1")
        await world.done(Invalidate(), "model-2", "networks-2")
        world.source.reads.clear()
        await world.done(Invalidate(), "model-1", "networks-1")
        assert shown(await world.answer("model-1", "networks-1")) == shown(before)
        assert not world.source.reads

    run(steps)


def told(answer: Answer) -> Answer:
    """An answer but for its version and its time."""
    processed = structs.replace(answer.metrics, processed_at=NOON)
    return structs.replace(answer, version=0, updated_at=NOON, metrics=processed)


OLD, NEW = ("model-1", "networks-1"), (BLIND, "networks-2")


def test_an_album_is_taken_back_to_exactly_what_it_was(world: World) -> None:
    """Ids, heroes and labels too, though the other model took all animals for one; and forward again."""

    async def steps() -> None:
        await world.done(PHOTOS, *OLD)
        await world.done({"bella-9": "bella 9"}, *OLD)
        await world.done(MILO, *OLD)
        before = await world.answer(*OLD)
        await world.done(Invalidate(), *NEW)
        merged = await world.answer(*NEW)
        assert [part.level for part in merged.clusters].count("subject") == 1
        world.source.reads.clear()
        await world.done(Invalidate(), *OLD)
        assert told(await world.answer(*OLD)) == told(before)
        await world.done(Invalidate(), *NEW)
        assert told(await world.answer(*NEW)) == told(merged)
        assert not world.source.reads

    run(steps)


def test_what_came_meanwhile_is_in_the_album_that_is_taken_back(world: World) -> None:
    """New photos, one that was replaced, a decision and one undone: as if the other model had never been."""

    async def steps() -> None:
        name = Decide(said=Said(kind="name", name="Bella", sightings=(Sighted(image_id="bella-0"),)))
        came = {"bella-9": "bella 9", "milo-0": "milo 8"}
        other = World(world._threads)
        for where, models in ((world, (OLD, NEW, OLD)), (other, (OLD, OLD, OLD))):
            await where.done(PHOTOS, *models[0])
            await where.done(MILO, *models[0])
            decision = (await where.answer(*OLD)).decisions[0].id
            await where.done(came, *models[1])
            await where.done(name, *models[1])
            await where.done(Undo(decision_id=decision), *models[1])
            await where.done(Invalidate(), *models[2])
        assert shown(await world.answer(*OLD)) == shown(await other.answer(*OLD))
        assert {"Bella", None} == {part.name for part in (await world.answer(*OLD)).clusters}

    run(steps)


def test_which_model_answered_when_is_remembered(world: World) -> None:
    """From its first version on; the time without an album as well, and nothing of one that was deleted."""

    async def steps() -> None:
        began = []
        for models, what in ((OLD, PHOTOS), (OLD, MILO), (NEW, Invalidate()), (OLD, Invalidate())):
            await world.done(what, *models)
            began.append((models[0], (await world.record()).version))
        told = [(term.model_version, term.since) for term in (await world.record()).answered]
        assert told == [began[0], *began[2:]]
        await world.done(DeletePet(), *OLD)
        assert (await world.record()).answered == ()
        await world.done(PHOTOS, *NEW)
        assert [term.model_version for term in (await world.record()).answered] == [NEW[0]]
        for name in PHOTOS:
            await world.done(RemoveImage(image_id=name), *NEW)
        assert [term.model_version for term in (await world.record()).answered] == [NEW[0], ""]

    run(steps)


def test_what_came_meanwhile_is_added_in_order_of_arrival(world: World) -> None:
    """Whatever order the record's table of places has: the same bytes for whoever takes the album back."""

    async def steps() -> None:
        await world.done(dict(list(PHOTOS.items())[:3]), "old", "networks")
        await world.done(dict(list(PHOTOS.items())[3:4]), "new", "better networks")
        for name in ("milo-9", "bella-8", "milo-7", "bella-6", "bella-5"):
            await world.done({name: name.replace("-", " ")}, "new", "better networks")
        record = await world.record()
        clustering = sketch_clustering("old", "networks")
        brought = set()
        async with world.preparer("networks") as preparer:
            carrier = Carrier(clustering, preparer)
            for order in itertools.permutations(sorted(record.sources.items())[:4]):
                shuffled = structs.replace(record, sources=dict(order) | record.sources)
                brought.add(album_record.pack(await carrier.carried(shuffled, [], "pet-1")))
        assert len(brought) == 1

    run(steps)


@pytest.mark.parametrize(
    "change",
    [RemoveImage(image_id="milo-0"), DeletePet(), Invalidate(let_go=True)],
    ids=lambda change: type(change).__name__,
)
def test_what_the_former_model_left_is_let_go_of(world: World, change: Change) -> None:
    """When it is asked for, and with a photo that is removed, of which no vector stays behind."""

    async def steps() -> None:
        await world.done(PHOTOS, *OLD)
        await world.done(Invalidate(), *NEW)
        kept = (await world.record()).former
        assert kept is not None
        assert kept.model_version == OLD[0]
        await world.done(RemoveImage(image_id="never-there"), *NEW)
        assert (await world.record()).former == kept
        await world.done(change, *NEW)
        assert (await world.record()).former is None
        await world.done(PHOTOS, *OLD)
        assert len(shown(await world.answer(*OLD))) >= 2

    run(steps)


def test_a_new_photo_meets_an_album_that_was_carried_over(world: World) -> None:
    """It joins its animal, in the same commit."""

    async def steps() -> None:
        await world.done(PHOTOS, "model-1", "networks-1")
        await world.done({"milo-9": "milo 9"}, "model-2", "networks-2")
        answer = await world.answer("model-2", "networks-2")
        subjects = [members for _, level, members in shown(answer).values() if level == "subject"]
        assert {frozenset([*filter(lambda name: "milo" in name, PHOTOS), "milo-9"])} < set(subjects)

    run(steps)


def test_a_photo_out_of_reach_fails_and_comes_back_with_its_model(world: World) -> None:
    """It is told among the failed ones; the model that had seen it has it again."""

    async def steps() -> None:
        await world.done(PHOTOS, "model-1", "networks-1")
        before = await world.answer("model-1", "networks-1")
        world.kept.kept = {key: value for key, value in world.kept.kept.items() if key[1] != "milo-3"}
        world.source = Broken({"sketch:milo 3"})
        await world.done(Invalidate(), "model-2", "networks-2")
        away = await world.answer("model-2", "networks-2")
        assert [part.image_id for part in away.failed_images] == ["milo-3"]
        assert "milo-3" not in {part.image_id for part in away.images}
        world.source = SketchSource()
        await world.done(Invalidate(), "model-1", "networks-1")
        after = await world.answer("model-1", "networks-1")
        assert shown(after) == shown(before)
        assert not after.failed_images

    run(steps)


class Broken(SketchSource):
    """Some photos are no photos any more."""

    def __init__(self, uris: set[str]) -> None:
        super().__init__()
        self._uris = uris

    def read(self, uri: str) -> bytes:
        return b"a cloud" if uri in self._uris else super().read(uri)


def test_an_album_is_not_emptied_by_a_wrong_setting(world: World) -> None:
    """Too many photos that can't be seen again: refused, and nothing was changed."""

    async def steps() -> None:
        await world.done(PHOTOS, "model-1", "networks-1")
        stored = await world.pets.read("pet-1")
        world.source = Broken({"sketch:milo 1", "sketch:milo 2"})
        with pytest.raises(StateError, match="2 of its 7 photos"):
            await world.done(Invalidate(), "model-2", "networks-2")
        assert (await world.pets.read("pet-1")).record == stored.record

    run(steps)


def test_an_outage_is_waited_for(world: World) -> None:
    """A photo that can't be had for the moment is no failed one."""

    async def steps() -> None:
        await world.done(PHOTOS, "model-1", "networks-1")
        world.gone = {"sketch:milo 1"}
        with pytest.raises(SourceUnavailableError):
            await world.done(Invalidate(), "model-2", "networks-2")
        world.gone = set()
        await world.done(Invalidate(), "model-2", "networks-2")
        assert len((await world.answer("model-2", "networks-2")).images) == len(PHOTOS)

    run(steps)


def test_an_album_that_is_deleted_needs_no_model(world: World) -> None:
    """Whatever made it, and wherever its photos are."""

    async def steps() -> None:
        await world.done(PHOTOS, "model-1", "networks-1")
        world.source = Broken({f"sketch:{text}" for text in PHOTOS.values()})
        await world.done(DeletePet(), "model-2", "networks-2")
        record = album_record.unpack((await world.pets.read("pet-1")).record)
        assert (record.state, record.sources, record.images) == (None, {}, {})

    run(steps)


def test_photos_of_nowhere_are_told_so(world: World) -> None:
    """A record of an older release knows no sources."""

    async def steps() -> None:
        await world.done(PHOTOS, "model-1", "networks-1")
        record = album_record.unpack((await world.pets.read("pet-1")).record)
        older = structs.replace(record, sources={}, model_version="")
        async with world.preparer("networks-1") as preparer:
            same = Carrier(sketch_clustering("model-1"), preparer)
            assert await same.carried(older, [], "pet-1") is older
            with pytest.raises(StateError, match="is not known"):
                await Carrier(sketch_clustering("model-2"), preparer).carried(older, [], "pet-1")

    run(steps)


def test_an_album_is_rebuilt_from_what_is_kept_of_its_photos(world: World) -> None:
    """Settling anew trusts the album's own copy; a rebuild looks at the embeddings, and reads no photo."""

    async def steps() -> None:
        await world.done(PHOTOS, "model-1", "networks-1")
        await world.done(MILO, "model-1", "networks-1")
        (key,) = (name for name in world.kept.kept if name[1] == "milo-3")
        is_bella = replace(world.kept.kept[key], embedding=np.array([1, 9], np.float16))
        world.kept.kept[key] = is_bella
        world.source.reads.clear()
        await world.done(Invalidate(), "model-1", "networks-1")
        assert "milo-3" in await milos(world)
        await world.done(Invalidate(rebuild=True), "model-1", "networks-1")
        assert await milos(world) == {"milo-0", "milo-1", "milo-2"}
        assert not world.source.reads

    run(steps)


async def milos(world: World) -> frozenset[str]:
    """What is shown as Milo."""
    answer = await world.answer("model-1", "networks-1")
    (found,) = (members for name, level, members in shown(answer).values() if name == "Milo")
    return found
