"""What is different since the last answer is told in a sentence."""

from __future__ import annotations

import msgspec
import sample_answers as sample

from sploot_media_clustering.entrypoints.cli.table import sentence
from sploot_media_clustering.services.answer import Answer
from sploot_media_clustering.services.changes import changes


def album(**animals: list[str]) -> Answer:
    """Animals by id, with their photos."""
    names = {name for photos in animals.values() for name in photos}
    return sample.answer(
        [
            sample.cluster(animal, None, f"Cat {animal}", [(name, 1) for name in photos], photos[:1])
            for animal, photos in animals.items()
        ],
        images=[sample.image(name, 1) for name in sorted(names)],
    )


def test_nothing_changed_says_nothing() -> None:
    """The same album, read twice."""
    same = changes(album(a=["1", "2"]), album(a=["1", "2"]))
    assert (bool(same), sentence(same)) == (False, "")


def test_what_came_went_and_moved_is_counted() -> None:
    """By animal, with those that are new and those that are no more."""
    found = changes(album(a=["1", "2", "3"], b=["4"]), album(a=["1", "2", "5", "6"], c=["7", "3"]))
    assert found
    assert sentence(found) == (
        "3 photos came (2 of Cat a, 1 of Cat c); 1 photo went; Cat c is new; Cat b is no more; "
        "1 photo (3) moved from Cat a to Cat c"
    )


def test_photos_that_moved_are_named_by_their_way() -> None:
    """The most first; those that stand aside now have left, and those that did before have joined."""
    many = [f"m{place}" for place in range(7)]
    found = changes(album(a=["1", "2", *many], b=["4"], c=[]), album(a=["1"], b=["4", *many, "2", "1"]))
    assert sentence(found) == (
        "Cat c is no more; 8 photos (2, m0, m1, m2, m3 and 3 more) moved from Cat a to Cat b; "
        "1 photo (1) joined Cat b"
    )
    aside = album(a=["1"], z=["2"])
    alone = msgspec.structs.replace(aside, clusters=aside.clusters[:1])
    assert sentence(changes(aside, alone)) == "Cat z is no more; 1 photo (2) left Cat z"


def test_a_photo_of_two_animals_is_one_photo() -> None:
    """Which each of them has."""
    found = changes(album(a=["1"], b=["2"]), album(a=["1", "3"], b=["2", "3"]))
    assert (found.came, dict(found.joined)) == (1, {"Cat a": 1, "Cat b": 1})


def test_a_great_upheaval_is_summed_up() -> None:
    """Five ways are told, the rest is counted."""
    before = {f"a{place}": [f"{place}", f"stays{place}"] for place in range(7)}
    after = {f"a{place}": [f"{(place + 1) % 7}", f"stays{place}"] for place in range(7)}
    told = sentence(changes(album(**before), album(**after)))
    assert told.count(" moved from ") == 5
    assert told.endswith("; 2 more moved in other ways")
