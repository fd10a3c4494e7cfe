"""One queue in front of the networks."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable, Iterator

import pytest
from fake_worker import SketchEmbedder
from hypothesis import given, settings
from hypothesis import strategies as st

from sploot_media_clustering.domain.album import PhotoEmbedding
from sploot_media_clustering.errors import NotAnImageError, TemporaryError
from sploot_media_clustering.services.batching import Batcher
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
    """The first is alone in its batch; those that came meanwhile share the next ones."""
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
    assert embedder.batches == [1, 4, 2]


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
