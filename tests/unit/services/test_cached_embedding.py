"""Embedding with a memory, over fakes of the networks and of the source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from mutations import encoded
from PIL import Image

from sploot_media_clustering.adapters.albums import PhotoLocation
from sploot_media_clustering.adapters.images import ImageLimits, PillowDecoder
from sploot_media_clustering.domain.album import PhotoEmbedding
from sploot_media_clustering.domain.detection import DetectionThresholds
from sploot_media_clustering.errors import EmptyFileError, NotAnImageError, SourceUnavailableError
from sploot_media_clustering.services import cached_embedding
from sploot_media_clustering.services.cached_embedding import CachedEmbedding
from sploot_media_clustering.services.embedding import EmbeddingService, PhotoFailure, PhotoInput
from sploot_media_clustering.services.fakes import FakeDetector, FakeEmbedder, MemoryEmbeddingStore
from sploot_media_clustering.services.ports import EmbeddedViews, Picture

MANY = 60
"""More than two blocks."""


def photo(number: int) -> bytes:
    """A red rectangle, a cat to the fakes, on a grey that tells photos apart."""
    picture = Image.new("RGB", (64, 64), (number, number, number))
    picture.paste((230, 20, 20), (8, 8, 40, 40))
    return encoded(picture, "png")


@dataclass
class Shelf:
    """A source of photos by name; what it does not hold does not answer."""

    photos: dict[str, bytes]

    def read(self, uri: str) -> bytes:
        if uri not in self.photos:
            raise SourceUnavailableError(f"no answer within 30 s from {uri}")
        return self.photos[uri]


@dataclass
class CountingDecoder:
    """A real decoder that remembers how many photos it saw."""

    inner: PillowDecoder = field(default_factory=lambda: PillowDecoder(ImageLimits()))
    seen: list[bytes] = field(default_factory=list)

    @property
    def count(self) -> int:
        return len(self.seen)

    def decode(self, data: bytes) -> Picture:
        self.seen.append(data)  # from several threads, which appending bears
        return self.inner.decode(data)


@dataclass
class Bench:
    """A cached embedding and what can be seen of its parts."""

    cached: CachedEmbedding
    shelf: Shelf
    decoder: CountingDecoder

    def embed(self, *names: str) -> list[PhotoEmbedding | PhotoFailure]:
        return list(self.cached.embed(located(*names)))


def located(*names: str) -> Sequence[PhotoLocation]:
    return [PhotoLocation(name, name) for name in names]


@pytest.fixture
def store() -> MemoryEmbeddingStore:
    return MemoryEmbeddingStore()


def bench_of(service: EmbeddingService, store: MemoryEmbeddingStore, decoder: CountingDecoder) -> Bench:
    shelf = Shelf({f"{number:03d}.png": photo(number) for number in range(MANY)})
    return Bench(CachedEmbedding(shelf, store, service), shelf, decoder)


def service_of(decoder: CountingDecoder, version: str = "fake-1") -> EmbeddingService:
    return EmbeddingService(
        decoder=decoder,
        detector=FakeDetector(),
        embedder=FakeEmbedder(version=version),
        thresholds=DetectionThresholds(),
        workers=2,
    )


@pytest.fixture
def bench(store: MemoryEmbeddingStore) -> Iterator[Bench]:
    decoder = CountingDecoder()
    with service_of(decoder) as service:
        yield bench_of(service, store, decoder)


def ids(results: Sequence[PhotoEmbedding | PhotoFailure]) -> list[str]:
    return [result.image_id for result in results]


def test_results_come_in_the_order_of_the_photos(bench: Bench) -> None:
    """Over more than one block, some of them known from before."""
    bench.embed("007.png", "030.png", "059.png")
    names = sorted(bench.shelf.photos, reverse=True)
    assert ids(bench.embed(*names)) == names
    assert bench.decoder.count == MANY


def test_a_photo_that_cannot_be_read_fails_in_its_place(bench: Bench) -> None:
    """Whether its bytes are wrong, missing, or did not come in time; the others go on."""
    bench.shelf.photos |= {"empty": b"", "note": b"just a note about a cat"}
    results = bench.embed("001.png", "empty", "002.png", "late", "note", "003.png")
    kinds = [type(r.error) if isinstance(r, PhotoFailure) else None for r in results]
    assert kinds == [None, EmptyFileError, None, SourceUnavailableError, NotAnImageError, None]
    assert ids(results) == ["001.png", "empty", "002.png", "late", "note", "003.png"]


def test_a_failure_is_not_remembered(bench: Bench) -> None:
    """What did not come in time is asked for again."""
    (late,) = bench.embed("late")
    assert isinstance(late, PhotoFailure)
    bench.shelf.photos["late"] = photo(200)
    (there,) = bench.embed("late")
    assert isinstance(there, PhotoEmbedding)


def test_the_same_bytes_under_two_names_are_two_photos(bench: Bench) -> None:
    """Each with its own id, in one run and in the next."""
    bench.shelf.photos["copy.png"] = bench.shelf.photos["001.png"]
    for _ in range(2):
        one, copy = bench.embed("001.png", "copy.png")
        assert (one.image_id, copy.image_id) == ("001.png", "copy.png")
        assert isinstance(one, PhotoEmbedding)
        assert isinstance(copy, PhotoEmbedding)
        np.testing.assert_array_equal(one.embedding, copy.embedding)


def test_a_second_run_embeds_nothing(bench: Bench) -> None:
    """And gives the same embeddings."""
    first = bench.embed(*bench.shelf.photos)
    count = bench.decoder.count
    second = bench.embed(*bench.shelf.photos)
    assert bench.decoder.count == count == MANY
    for one, other in zip(first, second, strict=True):
        assert isinstance(one, PhotoEmbedding)
        assert isinstance(other, PhotoEmbedding)
        np.testing.assert_array_equal(one.embedding, other.embedding)


def test_changed_bytes_are_another_photo(bench: Bench) -> None:
    """The name says nothing: an edited photo is embedded again."""
    bench.embed("001.png")
    bench.shelf.photos["001.png"] = photo(250)
    bench.embed("001.png")
    assert bench.decoder.count == 2


def test_embeddings_of_other_networks_are_not_taken(bench: Bench, store: MemoryEmbeddingStore) -> None:
    """A store may hold those of two versions; each reads its own."""
    bench.embed("001.png")
    decoder = CountingDecoder()
    with service_of(decoder, version="fake-2") as service:
        (other,) = bench_of(service, store, decoder).embed("001.png")
    assert isinstance(other, PhotoEmbedding)
    assert other.network_version == "fake-2"
    assert decoder.count == 1


def test_an_interruption_keeps_what_was_yielded(bench: Bench) -> None:
    """Leaving the iteration early costs no photo that was seen."""
    names = sorted(bench.shelf.photos)
    results = bench.cached.embed(located(*names))
    seen = [next(results).image_id for _ in range(30)]
    results.close()  # type: ignore[attr-defined]
    count = bench.decoder.count
    assert ids(bench.embed(*seen)) == seen
    assert bench.decoder.count == count
    assert count < MANY


def test_a_network_that_fails_in_the_middle_keeps_what_was_yielded(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error that is nobody's photo ends the run, and nothing before it is lost."""
    results = bench.cached.embed(located(*sorted(bench.shelf.photos)))
    first = next(results).image_id

    def broken(_self: FakeEmbedder, _views: np.ndarray) -> EmbeddedViews:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(FakeEmbedder, "embed", broken)
    with pytest.raises(RuntimeError, match="out of memory"):
        list(results)
    assert ids(bench.embed(first)) == [first]


def test_one_photo_is_embedded_and_stored(bench: Bench) -> None:
    """As many at once would be: the second time nothing is decoded, and the id is the one given."""
    data = bench.shelf.photos["005.png"]
    alone = bench.cached.embed_one(PhotoInput("mine.png", data))
    (among,) = bench.embed("005.png")
    again = bench.cached.embed_one(PhotoInput("again.png", data))
    assert bench.decoder.count == 1
    assert (alone.image_id, among.image_id, again.image_id) == ("mine.png", "005.png", "again.png")
    with pytest.raises(NotAnImageError):
        bench.cached.embed_one(PhotoInput("note", b"just a note about a cat"))


def test_no_photos_are_no_results(bench: Bench) -> None:
    """And no error."""
    assert bench.embed() == []


def test_a_block_of_large_files_ends_early(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that memory is bounded by bytes, and not by photos alone."""
    size_bytes = len(bench.shelf.photos["001.png"])
    monkeypatch.setattr(cached_embedding, "_BLOCK_BYTES", 3 * size_bytes)
    saved = []
    save = MemoryEmbeddingStore.save

    def counted(store: MemoryEmbeddingStore, items: Sequence[tuple[str, PhotoEmbedding]]) -> None:
        saved.append(len(items))
        save(store, items)

    monkeypatch.setattr(MemoryEmbeddingStore, "save", counted)
    bench.embed(*sorted(bench.shelf.photos)[:12])
    assert max(saved) <= 4
    assert sum(saved) == 12
