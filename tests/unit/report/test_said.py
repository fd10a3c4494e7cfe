from __future__ import annotations

import sample_answers as sample

from sploot_media_clustering.report.arrange import AlbumArranger
from sploot_media_clustering.report.pictures import Picture, wanted
from sploot_media_clustering.report.said import AlbumWord, album_word
from sploot_media_clustering.services.answer import Answer


def word(answer: Answer) -> AlbumWord:
    pictures = {
        image_id: Picture(place, None, 4, 3) for place, (_, image_id) in enumerate(wanted({"home": answer}))
    }
    arranged = AlbumArranger("a0", "home", answer, pictures).album()
    return album_word("home", arranged.anchor, answer, arranged.animals, pictures)


def test_an_animal_is_sayable_by_all_its_sightings() -> None:
    """Picture's number and box, best first: a group is the members to the letter."""
    home = sample.household()
    told = word(home)
    for animal in told.animals:
        (cluster,) = (part for part in home.clusters if part.id == animal.id)
        assert [(told.photos[number], box) for number, box in animal.members] == [
            (member.image_id, member.box) for member in cluster.members
        ]
    assert [animal.title for animal in told.animals] == ["Milo", "Cat 2"]


def test_looks_are_not_animals() -> None:
    """Things are said of subjects only."""
    assert {animal.id for animal in word(sample.household()).animals} == {"milo", "luna"}


def test_photos_aside_are_sayable_where_an_animal_was_seen() -> None:
    """A photo without an animal has no sighting; one set aside among looks has its animal's."""
    told = word(sample.household())
    assert [(told.photos[number], box) for number, box in told.aside] == [("x/who.jpg", sample.BOX)]
