from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest
import sample_answers as sample
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies_answer import answers

from sploot_media_clustering.report.arrange import WIDTHS_PERCENT, AlbumArranger, place_of, width_for
from sploot_media_clustering.report.pictures import Picture, embed, wanted
from sploot_media_clustering.report.view import TILES_AT_FIRST, Album, Stack
from sploot_media_clustering.services.answer import Answer
from sploot_media_clustering.services.shapes import BoxFractions


def arranged(answer: Answer) -> tuple[Album, dict[int, str]]:
    """The album, and the image_id of each picture."""
    pictures = {
        image_id: Picture(place, "data:,", 400, 300)
        for place, (_, image_id) in enumerate(wanted({"home": answer}))
    }
    album = AlbumArranger("a0", "home", answer, pictures).album()
    return album, {picture.number: image_id for image_id, picture in pictures.items()}


def photos(stacks: Sequence[Stack], names: dict[int, str]) -> list[list[str]]:
    return [[names[tile.picture] for tile in (stack.top, *stack.under)] for stack in stacks]


def test_shelves_start_with_their_hero_and_stack_moments() -> None:
    """The hero leads; photos of one moment lie under the best of them, at its place."""
    album, names = arranged(sample.household())
    sofa = album.animals[0].shelves[0]
    assert photos(sofa.stacks, names) == [["milo/3.jpg"], ["milo/1.jpg", "milo/2.jpg", "milo/4.jpg"]]
    assert [stack.top.hero for stack in sofa.stacks] == [True, False]
    assert [stack.count for stack in sofa.stacks] == [1, 3]


def test_animals_come_by_number_of_photos_with_name_before_label() -> None:
    """The most photographed animal comes first, under its name where a person gave one."""
    answer = sample.household()
    album, _ = arranged(msgspec.structs.replace(answer, clusters=answer.clusters[::-1]))
    assert [animal.title for animal in album.animals] == ["Milo", "Cat 2"]
    assert [animal.provisional for animal in album.animals] == [False, True]


def test_an_animal_of_one_photo_needs_no_shelf() -> None:
    """The portrait is the whole collection."""
    album, _ = arranged(sample.household())
    assert album.animals[1].shelves == ()


def test_an_animal_without_looks_has_one_shelf() -> None:
    """Photos of an animal are shown whether or not they were arranged by look."""
    only = sample.cluster("s", None, "cat", [("a", 0), ("b", 1)], ["a"])
    album, names = arranged(sample.answer([only]))
    (shelf,) = album.animals[0].shelves
    assert (shelf.title, photos(shelf.stacks, names)) == ("All photos", [["a"], ["b"]])


def test_a_look_whose_animal_is_not_there_stands_alone() -> None:
    """An answer of looks alone still shows every photo."""
    look = sample.cluster("l", "gone", "asleep", [("a", 0), ("b", 1)], ["a"])
    album, _ = arranged(sample.answer([look]))
    assert [animal.title for animal in album.animals] == ["Asleep"]


def test_a_cluster_whose_heroes_were_all_vetoed_is_shown_without() -> None:
    """No portrait, but every member."""
    bare = sample.cluster("s", None, "cat", [("a", 0), ("b", 1)], [])
    album, names = arranged(sample.answer([bare]))
    assert album.animals[0].hero is None
    assert album.cover is None
    assert photos(album.animals[0].shelves[0].stacks, names) == [["a"], ["b"]]


def test_photos_aside_are_grouped_by_reason_with_the_best_guess() -> None:
    """Each group says why, each photo what it might be."""
    album, names = arranged(sample.household())
    assert [(group.title, group.count) for group in album.asides] == [
        ("No animal found", 1),
        ("Not sure who this is", 1),
        ("One of a kind", 1),
    ]
    assert [group.stacks[0].top.caption for group in album.asides] == [
        "",
        "Milo? 41%",
        "Asleep on the sofa? 41%",
    ]
    assert album.set_aside == 3
    assert names[album.asides[1].stacks[0].top.picture] == "x/who.jpg"


def test_the_coverage_bar_counts_photos_without_an_animal() -> None:
    """Animals and what was set aside share the bar; a photo that lacks only a look is not aside."""
    album, _ = arranged(sample.household())
    assert [(part.title, part.count) for part in album.segments] == [
        ("Milo", 6),
        ("Cat 2", 1),
        ("Set aside", 2),
    ]
    assert album.segments[0].share == "67%"


def test_failures_are_told_in_plain_words() -> None:
    """A broken file has its reason and the message."""
    (failure,) = arranged(sample.household())[0].failures
    assert (failure.image_id, failure.reason) == ("broken.jpg", "Damaged or incomplete")
    assert failure.message == "it ends after 12 bytes"


def test_an_unknown_failure_is_told_too() -> None:
    """An error that a later release adds still reads well."""
    answer = sample.answer(
        failed=[msgspec.structs.replace(sample.household().failed_images[0], error="NewError")]
    )
    assert arranged(answer)[0].failures[0].reason == "Could not be read"


def test_alternative_texts_say_who_what_when_and_which_file() -> None:
    """Whoever can't see the photo is told the same as the page tells."""
    album, _ = arranged(sample.household())
    tile = album.animals[0].shelves[0].stacks[0].top
    assert tile.alt == "Milo, Asleep on the sofa · 7 March 2026 · milo/3.jpg"


@pytest.mark.parametrize("count", [TILES_AT_FIRST, TILES_AT_FIRST + 1])
def test_long_shelves_wait(count: int) -> None:
    """What goes beyond two rows waits until it is asked for."""
    members = [(f"{number}.jpg", number) for number in range(count)]
    album, _ = arranged(sample.answer([sample.cluster("s", None, "cat", members, ["0.jpg"])]))
    (shelf,) = album.animals[0].shelves
    assert shelf.waiting == count - TILES_AT_FIRST
    assert shelf.columns == 12


@settings(max_examples=200)
@given(
    st.tuples(st.integers(1, 3000), st.integers(1, 3000)),
    st.tuples(*[st.floats(0, 1) for _ in range(4)]),
    st.sampled_from(WIDTHS_PERCENT),
)
def test_a_crop_shows_all_of_an_animal_that_fits_and_the_upper_end_of_a_taller_one(
    size_px: tuple[int, int], corners: tuple[float, float, float, float], width_percent: int
) -> None:
    """Or its middle, where it is too wide; never what is beyond the photo."""
    picture = Picture(0, None, *size_px)
    (left, right), (top, bottom) = sorted(corners[::2]), sorted(corners[1::2])
    place = place_of((left, top, right, bottom), picture, width_percent)
    seen = width_percent / 100 * min(size_px) / max(size_px)
    if seen >= 1:
        assert place == 50
        return
    low, high = (left, right) if size_px[0] > size_px[1] else (top, bottom)
    start = place / 100 * (1 - seen)
    rounding = 0.005 * (1 - seen) + 1e-9
    if high - low <= seen:
        assert start - rounding <= low
        assert high <= start + seen + rounding
    elif size_px[0] > size_px[1]:
        assert low < start + seen / 2 < high
    else:
        assert start == pytest.approx(min(low, 1 - seen), abs=rounding)


@pytest.mark.parametrize(
    ("size_px", "box", "expected"),
    [
        ((400, 300), (0.0, 0.4, 0.1, 0.6), 0),
        ((400, 300), (0.9, 0.4, 1.0, 0.6), 100),
        ((400, 300), (0.45, 0.0, 0.55, 0.1), 50),
        ((300, 400), (0.0, 0.1, 0.1, 1.0), 40),
        ((300, 400), (0.4, 0.2, 0.6, 0.6), 0),
        ((300, 600), (0.4, 0.3, 0.6, 0.7), 42),
        ((300, 300), (0.0, 0.9, 0.1, 1.0), 50),
        ((300, 400), None, 50),
    ],
)
def test_a_square_crop_sits_where_the_animal_is(
    size_px: tuple[int, int], box: BoxFractions | None, expected: int
) -> None:
    """It moves along the longer side only, as far as the photo goes, heads nearer its middle."""
    assert place_of(box, Picture(0, None, *size_px)) == expected


def test_a_tile_has_margins_where_an_end_of_the_animal_would_be_missing() -> None:
    """Which end its head is at nobody knows; the tips of tail and whiskers may go."""
    members = [("a", 0), ("b", 1)]
    home = sample.cluster("s", None, "cat", members, ["a"])

    def widths(right: float) -> list[int]:
        boxed = [msgspec.structs.replace(member, box=(0.0, 0.1, right, 0.9)) for member in home.members]
        album, _ = arranged(sample.answer([msgspec.structs.replace(home, members=tuple(boxed))]))
        (stack, *others) = album.animals[0].shelves[0].stacks
        return [part.top.width_percent for part in (stack, *others)]

    assert set(widths(0.8)) == {100}
    assert set(widths(1.0)) == {120}


@pytest.mark.parametrize(
    ("size_px", "box", "expected"),
    [
        ((600, 338), (0.41, 0.1, 0.89, 0.7), 100),
        ((600, 338), (0.0, 0.1, 0.95, 1.0), 170),
        ((600, 300), (0.0, 0.0, 1.0, 1.0), 180),
        ((338, 600), (0.0, 0.0, 1.0, 1.0), 100),
    ],
)
def test_a_portrait_shows_its_animal_from_end_to_end(
    size_px: tuple[int, int], box: BoxFractions, expected: int
) -> None:
    """Square where that is enough, else as wide as the animal, up to 16:9."""
    assert width_for(box, Picture(0, None, *size_px)) == expected


def test_wide_portraits_are_told_apart_from_square_covers() -> None:
    """The first picture has a frame as wide as its animal; a cover stays square, with margins."""
    home = sample.cluster("s", None, "cat", [("a", 0), ("b", 1)], ["a"])
    wide = msgspec.structs.replace(home.heroes[0], box=(0.0, 0.1, 1.0, 0.9))
    album, _ = arranged(sample.answer([msgspec.structs.replace(home, heroes=(wide,))]))
    (animal,) = album.animals
    assert animal.hero is not None
    assert animal.portrait is not None
    assert (animal.hero.width_percent, animal.hero.focus) == (120, 50)
    assert (animal.portrait.width_percent, animal.portrait.focus) == (140, 50)


@settings(max_examples=60)
@given(answers())
def test_nothing_gets_lost_on_the_way_to_the_page(answer: Answer) -> None:
    """Every member of every look stands on its shelf once; the bar is filled to its end."""
    album, names = arranged(answer)
    looks = [cluster for cluster in answer.clusters if cluster.level == "look"]
    shown = [
        sorted(name for stack in photos(shelf.stacks, names) for name in stack)
        for animal in album.animals
        for shelf in animal.shelves
        if shelf.title != "All photos"
    ]
    expected = [sorted(member.image_id for member in look.members) for look in looks]
    assert sorted(shown) == sorted(expected)
    assert sum(part.length for part in album.segments) in {0, 1000}
    assert all(part.length >= 0 for part in album.segments)


def test_embedding_and_arranging_agree_on_numbers() -> None:
    """The pictures of the table and the tiles of the page carry the same numbers."""
    answer = sample.household()
    pictures = embed(wanted({"home": answer}), sample.thumbnail)
    own = {image_id: picture for (_, image_id), picture in pictures.items()}
    album = AlbumArranger("a0", "home", answer, own).album()
    assert album.cover is not None
    assert album.cover.picture == own["milo/3.jpg"].number
