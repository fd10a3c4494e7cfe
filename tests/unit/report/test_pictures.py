from __future__ import annotations

import base64
import io

import numpy as np
import pytest
import sample_answers as sample
from hypothesis import given, settings
from PIL import Image
from strategies_answer import answers

from sploot_media_clustering.domain.album import Box
from sploot_media_clustering.errors import NotAnImageError, SourceUnavailableError, UnreadablePhotoError
from sploot_media_clustering.report.pictures import Thumbnailer, embed, sizes_for, wanted
from sploot_media_clustering.services.answer import Answer

GREY = 128


class FakePicture:
    """A grey photo of any size."""

    captured_at = None

    def __init__(self, width_px: int, height_px: int) -> None:
        self.size_px = (width_px, height_px)

    def view(self, box: Box, width_px: int, height_px: int) -> np.ndarray:
        assert box == Box(0, 0, 1, 1)
        return np.full((height_px, width_px, 3), GREY, np.uint8)


class FakeDecoder:
    """Takes b"WxH" for a photo of that size."""

    def decode(self, data: bytes) -> FakePicture:
        width_px, height_px = data.split(b"x")
        return FakePicture(int(width_px), int(height_px))


class FakeSource:
    """The URI is the content."""

    def read(self, uri: str) -> bytes:
        return uri.encode()


@pytest.mark.parametrize(
    ("original", "expected"),
    [("4000x3000", (400, 300)), ("3000x4000", (300, 400)), ("90x60", (90, 60)), ("20000x1", (400, 1))],
)
def test_thumbnails_keep_the_shape_and_never_grow(original: str, expected: tuple[int, int]) -> None:
    """The longest side is what was asked for, or the original's where that is smaller."""
    make = Thumbnailer(FakeSource(), FakeDecoder(), {("home", "a.jpg"): original})
    with Image.open(io.BytesIO(make("home", "a.jpg", 400))) as image:
        assert (image.format, image.size) == ("WEBP", expected)
        assert abs(np.asarray(image).mean() - GREY) < 3


def test_a_photo_that_nobody_knows_is_unreadable() -> None:
    """Asking for a photo without a URI is an error that says which."""
    make = Thumbnailer(FakeSource(), FakeDecoder(), {})
    with pytest.raises(UnreadablePhotoError, match=r"a\.jpg"):
        make("home", "a.jpg", 400)


@settings(max_examples=30)
@given(answers())
def test_every_photo_that_is_shown_is_wanted_once(answer: Answer) -> None:
    """Members, heroes and photos set aside are wanted; what can't be read is not."""
    shown = {member.image_id for cluster in answer.clusters for member in cluster.members}
    shown |= {hero.image_id for cluster in answer.clusters for hero in cluster.heroes}
    shown |= {photo.image_id for photo in answer.unclustered if photo.reason != "unreadable"}
    assert set(wanted({"home": answer})) == {("home", image_id) for image_id in shown}


def test_heroes_are_larger_and_a_photo_is_as_large_as_its_best_part() -> None:
    """The first hero of an animal is largest, also where it leads a look; other ranks are tiles."""
    wishes = wanted({"home": sample.household()})
    sizes = sizes_for(len(wishes))
    assert wishes["home", "milo/3.jpg"] == sizes.subject_px
    assert wishes["home", "milo/5.jpg"] == sizes.look_px
    assert wishes["home", "milo/1.jpg"] == wishes["home", "x/who.jpg"] == sizes.tile_px


def test_albums_keep_photos_of_one_name_apart() -> None:
    """The same image_id in two albums is two photos."""
    answer = sample.household()
    assert len(wanted({"a": answer, "b": answer})) == 2 * len(wanted({"a": answer}))


@pytest.mark.parametrize(("few", "many"), [(1, 151), (150, 151), (450, 451), (450, 100_000)])
def test_more_photos_are_smaller_photos(few: int, many: int) -> None:
    """Sizes shrink as reports grow, and tiles stay smaller than heroes."""
    small, large = sizes_for(many), sizes_for(few)
    assert small.tile_px < large.tile_px
    assert small.tile_px < small.look_px < small.subject_px


def test_pictures_are_embedded_as_they_are() -> None:
    """A data URI holds the very bytes, with their type and size; numbers follow the order of the wishes."""
    wishes = {("home", name): 80 for name in "cab"}
    pictures = embed(wishes, sample.thumbnail)
    assert [picture.number for picture in pictures.values()] == [0, 1, 2]
    assert list(pictures) == list(wishes)
    first = pictures["home", "c"]
    head, data = (first.data_uri or "").split(",")
    assert head == "data:image/jpeg;base64"
    assert base64.b64decode(data) == sample.thumbnail("home", "c", 80)
    assert (first.width_px, first.height_px) == (80, 60)


@pytest.mark.parametrize("error", [NotAnImageError("gone"), SourceUnavailableError("down")])
def test_a_photo_that_went_away_leaves_a_gap(error: Exception) -> None:
    """One thumbnail that can't be had spoils no other."""

    def fickle(album: str, image_id: str, side_px: int) -> bytes:
        if image_id == "gone":
            raise error
        return sample.thumbnail(album, image_id, side_px)

    pictures = embed({("home", "gone"): 80, ("home", "there"): 80}, fickle)
    assert pictures["home", "gone"].data_uri is None
    assert pictures["home", "there"].data_uri is not None


def test_a_mistake_of_ours_is_not_a_gap() -> None:
    """Only errors about the photo are survived."""

    def broken(*_: object) -> bytes:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        embed({("home", "a"): 80}, broken)
