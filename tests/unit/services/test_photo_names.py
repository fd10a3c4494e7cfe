"""No photo takes the place of another, and none is there twice."""

from __future__ import annotations

import pytest

from sploot_media_clustering.services.album_record import Source
from sploot_media_clustering.services.job_request import JobImage
from sploot_media_clustering.services.photo_names import told_apart

SIGNED = "https://x.example/a/1.jpg?X-Amz-Date=1&X-Amz-Signature="


def images(*uris: str) -> list[JobImage]:
    return [JobImage(image_id=uri.partition("?")[0].rpartition("/")[2], uri=uri) for uri in uris]


def album(**uris: str) -> dict[str, Source]:
    return {name: Source(uri, name.encode()) for name, uri in uris.items()}


def names(coming: list[JobImage], known: dict[str, Source], **digests: bytes) -> list[str]:
    read: list[str] = []

    def digest(uri: str) -> bytes | None:
        assert uri not in read
        read.append(uri)
        return digests.get(uri.rpartition("/")[2].partition(".")[0])

    named = told_apart(coming, known, digest)
    assert [part.uri for part in named] == [part.uri for part in coming]
    return [part.image_id for part in named]


@pytest.mark.parametrize(
    ("uri", "known", "name"),
    [
        ("file:///a/1.jpg", {}, "1.jpg"),
        ("file:///a/1.jpg", {"2.jpg": "file:///a/2.jpg"}, "1.jpg"),
        ("file:///a/1.jpg", {"1.jpg": "file:///a/1.jpg"}, "1.jpg"),
        ("file:///a/1.jpg", {"7": "file:///a/1.jpg"}, "7"),
        ("file:///a/1.jpg", {"1.jpg": "file:///b/1.jpg"}, "a/1.jpg"),
        ("file:///c/a/1.jpg", {"1.jpg": "file:///b/1.jpg", "a/1.jpg": "file:///d/a/1.jpg"}, "c/a/1.jpg"),
        ("file:///M%C3%BC/1.jpg", {"1.jpg": "file:///b/1.jpg"}, "Mü/1.jpg"),
        ("s3://store/1.jpg", {"1.jpg": "s3://other/1.jpg"}, "1 (2).jpg"),
        (f"{SIGNED}new", {"1.jpg": f"{SIGNED}old"}, "1.jpg"),
        ("https://x.example/1.jpg?id=2", {"1.jpg": "https://x.example/1.jpg?id=1"}, "1 (2).jpg"),
        ("/a%20/1.jpg", {"1.jpg": "/b/1.jpg"}, "a%20/1.jpg"),
        ("https://x.example/1.jpg", {"1.jpg": "http://[?/1.jpg"}, "1 (2).jpg"),
    ],
)
def test_a_photo_keeps_its_name_and_takes_none_from_another(
    uri: str, known: dict[str, str], name: str
) -> None:
    """A place is known by its URI, but for a signature; a name that is taken grows by as little as it can."""
    assert names(images(uri), album(**known)) == [name]


def test_what_has_moved_is_no_other_photo() -> None:
    """Its bytes are those that the album has under that name, also where that grew by a folder."""
    known = album(**{"1.jpg": "file:///p/a/1.jpg", "b/1.jpg": "file:///p/b/1.jpg"})
    assert names(images("file:///q/a/1.jpg"), known, **{"1": b"1.jpg"}) == ["1.jpg"]
    assert names(images("file:///q/b/1.jpg"), known, **{"1": b"b/1.jpg"}) == ["b/1.jpg"]
    assert names(images("file:///q/b/1.jpg"), known, **{"1": b"else"}) == ["q/b/1.jpg"]


def test_what_is_on_its_way_is_not_known_by_its_bytes() -> None:
    """Nobody has read it yet; and what can't be read here is not the same as it."""
    known = {"1.jpg": Source("file:///a/1.jpg", b"")}
    assert names(images("file:///b/1.jpg"), known) == ["b/1.jpg"]


def test_photos_of_one_call_have_names_of_their_own() -> None:
    """Also where a name that grew is that of the next one, and where several have one place."""
    known = album(**{"1.jpg": "file:///x/1.jpg", "2.jpg": f"{SIGNED}1", "3.jpg": f"{SIGNED}2"})
    coming = [
        JobImage(image_id="1.jpg", uri="file:///p/a/1.jpg"),
        JobImage(image_id="a/1.jpg", uri="file:///q/a/1.jpg"),
        JobImage(image_id="1.jpg (2)", uri=f"{SIGNED}3"),
        JobImage(image_id="1.jpg (3)", uri=f"{SIGNED}4"),
        JobImage(image_id="1.jpg (4)", uri=f"{SIGNED}5"),
    ]
    assert names(coming, known) == ["a/1.jpg", "q/a/1.jpg", "2.jpg", "3.jpg", "1.jpg (4)"]
