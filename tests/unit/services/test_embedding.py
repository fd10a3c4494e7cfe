from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from sploot_media_clustering.adapters.images import ImageLimits, PillowDecoder
from sploot_media_clustering.domain.album import PhotoEmbedding
from sploot_media_clustering.domain.detection import DetectionThresholds
from sploot_media_clustering.domain.quality import PIXEL_MEASURES
from sploot_media_clustering.errors import TruncatedImageError
from sploot_media_clustering.services.embedding import BATCH, EmbeddingService, PhotoFailure, PhotoInput
from sploot_media_clustering.services.fakes import FakeDetector, FakeEmbedder
from sploot_media_clustering.services.ports import Picture

RED, GREEN, BLUE = (230, 20, 20), (20, 230, 20), (20, 20, 230)
# The fake detector draws one box an animal, so nothing can vote.
ONE_BOX_IS_ENOUGH = DetectionThresholds(support=0.0)


def service(**changes: object) -> EmbeddingService:
    parts = {
        "decoder": PillowDecoder(ImageLimits()),
        "detector": FakeDetector(),
        "embedder": FakeEmbedder(),
        "thresholds": ONE_BOX_IS_ENOUGH,
        "workers": 2,
    }
    return EmbeddingService(**{**parts, **changes})  # type: ignore[arg-type]


def drawn(
    *rectangles: tuple[tuple[int, int, int, int], tuple[int, int, int]], size: tuple[int, int]
) -> bytes:
    image = Image.new("RGB", size, (128, 128, 128))
    for corners, colour in rectangles:
        ImageDraw.Draw(image).rectangle(corners, fill=colour)
    data = io.BytesIO()
    image.save(data, "PNG")
    return data.getvalue()


CAT = drawn(((40, 30, 119, 119), RED), size=(240, 180))
CAT_AND_DOG = drawn(((10, 30, 89, 149), RED), ((140, 40, 219, 149), GREEN), size=(240, 180))
NOTHING = drawn(size=(200, 200))
PANORAMA = drawn(((30, 20, 79, 79), RED), ((330, 20, 379, 79), BLUE), size=(400, 100))
BROKEN = CAT[: len(CAT) // 2]
KINDS = {"cat": CAT, "both": CAT_AND_DOG, "nothing": NOTHING, "panorama": PANORAMA, "broken": BROKEN}


def same(one: PhotoEmbedding, other: PhotoEmbedding) -> bool:
    return (
        one.image_id == other.image_id
        and np.array_equal(one.embedding, other.embedding)
        and len(one.sightings) == len(other.sightings)
        and all(
            a.box == b.box
            and np.array_equal(a.embedding, b.embedding)
            and np.array_equal(a.species, b.species)
            and np.array_equal(a.pixels, b.pixels)
            for a, b in zip(one.sightings, other.sightings, strict=True)
        )
    )


def test_every_animal_becomes_a_sighting() -> None:
    """A cat and a dog are two sightings, each with its place, its species and its own crop."""
    with service() as embedding:
        photo = embedding.embed_one(PhotoInput("1", CAT_AND_DOG))
    assert (photo.image_id, photo.width_px, photo.height_px) == ("1", 240, 180)
    assert photo.embedding.dtype == np.float16
    cat, dog = photo.sightings
    assert (cat.species.argmax(), dog.species.argmax()) == (0, 1)
    assert cat.box.right < dog.box.left
    assert cat.pixels.shape == (len(PIXEL_MEASURES),)
    assert cat.pixels[PIXEL_MEASURES.index("source_px")] == pytest.approx(120, abs=6)
    assert not np.array_equal(cat.embedding, dog.embedding)


def test_a_photo_of_nothing_has_no_sightings() -> None:
    """An empty room is embedded as a whole and has no animal."""
    with service() as embedding:
        photo = embedding.embed_one(PhotoInput("1", NOTHING))
    assert photo.sightings == ()
    assert photo.embedding.any()


def test_animals_at_both_ends_of_a_panorama_are_found() -> None:
    """Halves of a wide photo are looked at too, and a box seen twice is one sighting."""
    with service() as embedding:
        photo = embedding.embed_one(PhotoInput("1", PANORAMA))
    assert sorted(int(sighting.species.argmax()) for sighting in photo.sightings) == [0, 2]


@settings(max_examples=25)
@given(st.lists(st.sampled_from(sorted(KINDS)), max_size=2 * BATCH + 3))
def test_a_batch_gives_what_each_photo_gives_alone(kinds: list[str]) -> None:
    """In any mixture, results come in order, each equal to the photo's own; only the broken ones fail."""
    photos = [PhotoInput(f"{place}-{kind}", KINDS[kind]) for place, kind in enumerate(kinds)]
    with service() as embedding:
        together = list(embedding.embed(photos))
        assert [result.image_id for result in together] == [photo.image_id for photo in photos]
        for photo, result in zip(photos, together, strict=True):
            if photo.data is BROKEN:
                assert isinstance(result, PhotoFailure)
                assert isinstance(result.error, TruncatedImageError)
            else:
                assert isinstance(result, PhotoEmbedding)
                assert same(result, embedding.embed_one(photo))


def test_one_broken_photo_alone_raises_its_error() -> None:
    """Where there is one photo, its failure is the caller's."""
    with service() as embedding, pytest.raises(TruncatedImageError):
        embedding.embed_one(PhotoInput("1", BROKEN))


def test_photos_are_taken_as_they_are_needed() -> None:
    """An endless stream works, and only some batches are held at once."""
    taken = 0

    def endless() -> Iterator[PhotoInput]:
        nonlocal taken
        while True:
            taken += 1
            yield PhotoInput(str(taken), CAT)

    with service() as embedding:
        results = embedding.embed(endless())
        first = list(islice(results, BATCH))
        held = taken - len(first)
        results.close()  # type: ignore[attr-defined]
        after = taken
    assert [result.image_id for result in first] == [str(number + 1) for number in range(BATCH)]
    assert held <= 3 * BATCH
    assert taken == after


class BrokenDecoder:
    """A decoder with a bug."""

    def decode(self, data: bytes) -> Picture:
        raise ZeroDivisionError(len(data))


def test_a_bug_is_not_a_broken_photo() -> None:
    """An error that is no photo's fault ends the run instead of hiding in a failure, and nothing hangs."""
    with service(decoder=BrokenDecoder()) as embedding:
        with pytest.raises(ZeroDivisionError):
            list(embedding.embed([PhotoInput("1", CAT)]))
        with pytest.raises(ZeroDivisionError):
            embedding.embed_one(PhotoInput("1", CAT))


def test_the_version_is_the_embedders() -> None:
    """Embeddings carry the version of what made them."""
    with service(embedder=FakeEmbedder(version="fake-7")) as embedding:
        assert embedding.version == "fake-7"
        assert embedding.embed_one(PhotoInput("1", CAT)).network_version == "fake-7"
