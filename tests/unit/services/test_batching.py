"""One queue in front of the networks."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable, Iterator, Sequence

import pytest
from fake_worker import SketchEmbedder
from hypothesis import given, settings
from hypothesis import strategies as st

from sploot_media_clustering.domain.album import PhotoEmbedding
from sploot_media_clustering.errors import NotAnImageError, TemporaryError
from sploot_media_clustering.services.batching import Batcher, Batching
from sploot_media_clustering.services.embedding import PhotoFailure, PhotoInput


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class HeldEmbedder(SketchEmbedder):
    """Waits with every batch until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()

    def embed(self, photos: Iterable[PhotoInput]) -> Iterator[PhotoEmbedding | PhotoFailure]:
        assert self.go.wait(10)
        return super().embed(photos)

    def embed_one(self, photo: PhotoInput) -> PhotoEmbedding:
        assert self.go.wait(10)
        return super().embed_one(photo)


def photo(text: str) -> PhotoInput:
    return PhotoInput(text, text.encode())


@pytest.mark.anyio
async def test_what_waits_goes_together_and_a_first_photo_does_not_wait() -> None:
    """The first is alone in its batch; those that came meanwhile share the next ones, two at once."""
    embedder = HeldEmbedder()
    batcher = Batcher(embedder, batch=4)
    async with batcher.running():
        tasks = [asyncio.create_task(batcher.embed(photo(f"milo {n}"))) for n in range(1)]
        await asyncio.sleep(0.05)
        tasks += [asyncio.create_task(batcher.embed(photo(f"milo {n}"))) for n in range(1, 7)]
        await asyncio.sleep(0.05)
        embedder.go.set()
        found = await asyncio.gather(*tasks)
    assert [part.image_id for part in found] == [f"milo {n}" for n in range(7)]
    assert sorted(embedder.batches) == [1, 2, 4]


@pytest.mark.anyio
async def test_a_photo_that_breaks_the_networks_harms_no_other() -> None:
    """Those in its batch are embedded one by one; it alone gets the error."""
    embedder = HeldEmbedder()
    batcher = Batcher(embedder)
    async with batcher.running():
        texts = ["milo 0", "milo 1", "crash", "a cloud", "bella 2"]
        tasks = [asyncio.create_task(batcher.embed(photo(text))) for text in texts]
        await asyncio.sleep(0.05)
        embedder.go.set()
        found = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(part) for part in found] == [
        PhotoEmbedding,
        PhotoEmbedding,
        ZeroDivisionError,
        PhotoFailure,
        PhotoEmbedding,
    ]
    assert isinstance(found[3].error, NotAnImageError)


@pytest.mark.anyio
async def test_nobody_waits_for_a_queue_that_has_ended() -> None:
    """Whoever is in the batch, or still waits for one, is told to try again."""
    embedder = HeldEmbedder()
    batcher = Batcher(embedder, batch=1)
    async with batcher.running():
        tasks = [asyncio.create_task(batcher.embed(photo(f"milo {n}"))) for n in range(3)]
        await asyncio.sleep(0.05)
    embedder.go.set()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(part) for part in found] == [TemporaryError] * 3


class Counted:
    """Remembers its batches, and waits with each until it is let go."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.go = threading.Event()

    def __call__(self, items: Sequence[int]) -> list[int]:
        self.batches.append(list(items))
        assert self.go.wait(60)
        return list(items)

    async def begun(self, count: int) -> None:
        while len(self.batches) < count:  # noqa: ASYNC110 - a thread appends
            await asyncio.sleep(0.001)


FOREVER_S = 1e6


async def one_then_two(run: Counted, batching: Batching[int, int]) -> None:
    """One item is answered, and the two that came meanwhile are after it, together."""
    first = asyncio.create_task(batching.ask(0))
    await run.begun(1)
    pair = [asyncio.create_task(batching.ask(number)) for number in (1, 2)]
    await asyncio.sleep(0)
    run.go.set()
    await asyncio.gather(first, *pair)


@pytest.mark.anyio
async def test_a_lone_item_never_waits_for_others() -> None:
    """Neither the first, nor one after another, however long a batch may wait."""
    run = Counted()
    run.go.set()
    batching = Batching(run, delay_s=FOREVER_S)
    async with batching.running(), asyncio.timeout(60):
        for number in range(3):
            assert await batching.ask(number) == number
    assert run.batches == [[0], [1], [2]]


@pytest.mark.anyio
async def test_those_who_were_answered_together_ask_again_together() -> None:
    """The first of them to ask again waits for the other one, and nobody for a third."""
    run = Counted()
    batching = Batching(run, delay_s=FOREVER_S)
    async with batching.running(), asyncio.timeout(60):
        await one_then_two(run, batching)
        late = asyncio.create_task(batching.ask(3))
        await asyncio.sleep(0.05)
        assert len(run.batches) == 2
        assert await batching.ask(4) == 4
        assert await late == 3
    assert run.batches == [[0], [1, 2], [3, 4]]


@pytest.mark.anyio
async def test_who_waits_for_others_in_vain_waits_so_long_and_no_longer() -> None:
    """And the next one, after it was alone, does not wait."""
    run = Counted()
    batching = Batching(run, delay_s=0.01)
    async with batching.running(), asyncio.timeout(60):
        await one_then_two(run, batching)
        assert await batching.ask(3) == 3
        assert await batching.ask(4) == 4
    assert run.batches == [[0], [1, 2], [3], [4]]


@pytest.mark.anyio
async def test_who_waits_for_others_is_told_when_it_ends() -> None:
    """To try again."""
    run = Counted()
    batching = Batching(run, delay_s=FOREVER_S)
    async with batching.running(), asyncio.timeout(60):
        await one_then_two(run, batching)
        late = asyncio.create_task(batching.ask(3))
        await asyncio.sleep(0.05)
    with pytest.raises(TemporaryError):
        await late


@pytest.mark.anyio
async def test_what_passes_for_all_is_told_to_all_at_once() -> None:
    """A server that does not answer is not asked for each item again."""
    batches: list[int] = []

    def run(items: Sequence[int]) -> list[int]:
        batches.append(len(items))
        raise TemporaryError("not now")

    batching = Batching(run, batch=4)
    async with batching.running():
        tasks = [asyncio.create_task(batching.ask(number)) for number in range(4)]
        told = await asyncio.gather(*tasks, return_exceptions=True)
    assert [str(error) for error in told] == ["not now"] * 4
    assert sum(batches) == 4


@pytest.mark.anyio
async def test_results_that_are_too_few_are_nobodys() -> None:
    """Who would know whose they are?"""
    batching = Batching(lambda items: [0] * (len(items) - 1), batch=2)
    async with batching.running():
        tasks = [asyncio.create_task(batching.ask(number)) for number in range(3)]
        told = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(error) for error in told] == [ValueError] * 3


@given(
    texts=st.lists(
        st.sampled_from(["crash", "a cloud"]) | st.integers(0, 99).map(lambda n: f"bella {n}"),
        min_size=1,
        max_size=200,
    ),
    batch=st.integers(1, 16),
    data=st.data(),
)
@settings(max_examples=15)
def test_everybody_gets_their_own_photo_or_their_own_error(
    texts: list[str], batch: int, data: st.DataObject
) -> None:
    """Two hundred at once, some broken, some no longer waited for: none gets another's, none waits on."""
    given_up = data.draw(st.sets(st.integers(0, len(texts) - 1)))

    async def steps() -> tuple[list[object], SketchEmbedder]:
        embedder = SketchEmbedder()
        batcher = Batcher(embedder, batch=batch)
        async with batcher.running():
            photos = [PhotoInput(f"{n}.jpg", text.encode()) for n, text in enumerate(texts)]
            tasks = [asyncio.create_task(batcher.embed(one)) for one in photos]
            await asyncio.sleep(0)
            for n in given_up:
                tasks[n].cancel()
            return await asyncio.gather(*tasks, return_exceptions=True), embedder

    found, embedder = asyncio.run(steps())
    for n, (text, told) in enumerate(zip(texts, found, strict=True)):
        if isinstance(told, asyncio.CancelledError):
            assert n in given_up
        elif text == "crash":
            assert isinstance(told, ZeroDivisionError)
        elif text == "a cloud":
            assert isinstance(told, PhotoFailure)
            assert told.image_id == f"{n}.jpg"
        else:
            assert isinstance(told, PhotoEmbedding)
            assert told.image_id == f"{n}.jpg"
            assert told.embedding.tolist() == [1.0, int(text.split()[1])]
    assert max(embedder.batches, default=0) <= batch
