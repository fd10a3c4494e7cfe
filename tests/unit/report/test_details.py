from __future__ import annotations

import msgspec
import sample_answers as sample
from hypothesis import given, settings
from strategies_answer import answers

from sploot_media_clustering.report.arrange import AlbumArranger
from sploot_media_clustering.report.details import NO_COLOUR, AlbumDetails, Detail, Outline
from sploot_media_clustering.report.pictures import Picture, wanted
from sploot_media_clustering.services.answer import Answer, SeenAnimal


def details(answer: Answer) -> dict[str, Detail]:
    pictures = {
        image_id: Picture(place, "data:,", 400, 300)
        for place, (_, image_id) in enumerate(wanted({"home": answer}))
    }
    album = AlbumArranger("a0", "home", answer, pictures).album()
    by_number = {detail.number: detail for detail in AlbumDetails(answer, album.animals, pictures).details()}
    return {image_id: by_number[picture.number] for image_id, picture in pictures.items()}


def test_a_hero_says_for_what_and_why() -> None:
    """One sentence for every cluster it leads, once where the reasons are the same; its signals as bars."""
    detail = details(sample.household())["milo/3.jpg"]
    (choice,) = detail.choices
    assert choice.title == "First choice for Milo and Asleep on the sofa"
    assert choice.reasons == ("Looks at the camera.",)
    assert detail.signals == (("Sharpness", 0.8, "80%"), ("Eyes open", 0.95, "95%"))


def test_ranks_are_told_apart() -> None:
    """Third for the animal and first for the look are two sentences."""
    titles = [choice.title for choice in details(sample.household())["milo/5.jpg"].choices]
    assert titles == ["Third choice for Milo", "First choice for In the garden"]


def test_a_photo_that_is_no_hero_claims_nothing() -> None:
    """Only heroes have reasons and signals."""
    detail = details(sample.household())["milo/2.jpg"]
    assert (detail.choices, detail.signals) == ((), ())


def test_places_say_how_sure_and_share_the_animal_colour() -> None:
    """A look has the colour of its animal."""
    places = details(sample.household())["milo/2.jpg"].places
    assert [(place.title, place.note, place.colour) for place in places] == [
        ("Milo", "93% sure", "c0"),
        ("Asleep on the sofa", "93% sure", "c0"),
    ]


def test_a_photo_aside_says_why_and_what_it_might_be() -> None:
    """Reason and best guess are sentences."""
    why, guess = details(sample.household())["x/who.jpg"].asides
    assert why.startswith("Not sure who this is.")
    assert guess == "Best guess: Milo, 41%."


def test_moments_list_their_photos() -> None:
    """Photos of one moment know each other; a photo alone has none."""
    found = details(sample.household())
    moment = {found[name].number for name in ("milo/1.jpg", "milo/2.jpg", "milo/4.jpg")}
    assert set(found["milo/2.jpg"].moment) == moment
    assert found["milo/3.jpg"].moment == ()


def test_placed_animals_are_outlined_with_their_names_and_others_with_their_species() -> None:
    """A sighting that founded a place is not drawn twice."""
    answer = sample.household()
    other = SeenAnimal(box=(0.7, 0.7, 0.9, 0.9), species="dog", score=0.5)
    images = [msgspec.structs.replace(image, sightings=(*image.sightings, other)) for image in answer.images]
    detail = details(msgspec.structs.replace(answer, images=tuple(images)))["milo/1.jpg"]
    assert detail.outlines == (
        Outline(sample.BOX, "Milo · 93%", "c0"),
        Outline(other.box, "Dog", NO_COLOUR),
    )


def test_names_and_folders_are_told_apart() -> None:
    """The file's name stands out, its folder below; times and sizes are facts."""
    detail = details(sample.household())["milo/1.jpg"]
    assert (detail.folder, detail.name) == ("milo", "1.jpg")
    assert detail.facts == ("4 March 2026, 12:00", "4,000 \u00d7 3,000 pixels")


@settings(max_examples=40)
@given(answers())
def test_every_picture_has_its_panel(answer: Answer) -> None:
    """Numbers run without gaps, whatever the answer holds."""
    found = details(answer)
    assert sorted(detail.number for detail in found.values()) == list(range(len(found)))
