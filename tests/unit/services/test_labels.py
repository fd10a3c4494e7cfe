"""What people said, as labels: of photos in no doubt alone, and choices in the order they were made."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace
from sample_answers import BOX, cluster, hero, household, image

from sploot_media_clustering.services.answer import Answer, Cluster, Image, SeenAnimal
from sploot_media_clustering.services.decision_records import Decided, Sighted
from sploot_media_clustering.services.labels import LabelledPhoto, labels

SECOND_BOX = (0.7, 0.1, 0.9, 0.4)


def cat(name: str, *photos: str, called: bool = True) -> Cluster:
    part = cluster(name, None, "cat", [(photo, i) for i, photo in enumerate(photos)], [])
    members = tuple(replace(member, probability=0.99) for member in part.members)
    return replace(part, name=name.title() if called else None, members=members)


def album(clusters: Sequence[Cluster], images: Sequence[Image] = (), **changes: object) -> Answer:
    shown = [*dict.fromkeys(m.image_id for c in clusters for m in c.members)]
    pictures = images or [image(name, None, days=None) for name in shown]
    parts = {"clusters": tuple(clusters), "images": tuple(pictures), "unclustered": (), "decisions": ()}
    return replace(household(), **(parts | changes))


def told(answer: Answer) -> list[LabelledPhoto]:
    return list(labels(answer, lambda image_id: f"photos/{image_id}").photos)


def known(answer: Answer) -> dict[str, tuple[tuple[str, ...], str]]:
    return {photo.file: (photo.animal, photo.told_by) for photo in told(answer)}


def test_sure_photos_of_named_animals_are_labelled() -> None:
    """And those of animals without a name only where a person looked at them."""
    milo, other = cat("milo", "1.jpg", "2.jpg"), cat("other", "3.jpg", "4.jpg", called=False)
    confirmed = replace(other, members=(replace(other.members[0], confirmed=True), *other.members[1:]))
    assert known(album([milo, confirmed])) == {
        "photos/1.jpg": (("Milo",), "model"),
        "photos/2.jpg": (("Milo",), "model"),
        "photos/3.jpg": (("other",), "person"),
    }


@pytest.mark.parametrize(("chance", "is_known"), [(0.94, False), (0.95, False), (0.96, True)])
def test_what_is_in_doubt_is_no_label(chance: float, is_known: bool) -> None:
    """Unless a person said so; 0.95 is asked about in the review, so it is none."""
    milo = cat("milo", "1.jpg")
    doubtful = replace(milo.members[0], probability=chance)
    assert bool(told(album([replace(milo, members=(doubtful,))]))) is is_known
    assert told(album([replace(milo, members=(replace(doubtful, confirmed=True),))]))


def seen(*boxes: tuple[float, ...], rejected: int | None = None) -> Image:
    animals = [
        SeenAnimal(box=box, species="cat", score=0.9, rejected=place == rejected)
        for place, box in enumerate(boxes)
    ]
    return replace(image("1.jpg", None, days=None), sightings=tuple(animals))


def test_of_a_photo_of_several_all_have_to_be_known() -> None:
    """In the order they are seen; a toy beside them counts for nothing, unless heads would see it."""
    milo, luna = cat("milo", "1.jpg"), cat("luna", "1.jpg")
    luna = replace(luna, members=(replace(luna.members[0], box=SECOND_BOX),))
    both = seen(BOX, SECOND_BOX)
    assert known(album([luna, milo], [both])) == {"photos/1.jpg": (("Milo", "Luna"), "model")}
    assert known(album([milo], [both])) == {}
    assert known(album([milo], [seen(BOX, SECOND_BOX, rejected=1)])) == {"photos/1.jpg": (("Milo",), "model")}
    assert known(album([luna], [seen(BOX, SECOND_BOX, rejected=0)])) == {}


def test_times_are_the_cameras_and_names_are_one_word_to_readers() -> None:
    """A plus joins animals, so it is none of a name."""
    taken = replace(image("1.jpg", None), captured_at=datetime(2026, 5, 1, 12, 30, tzinfo=UTC))
    (photo,) = told(album([replace(cat("milo", "1.jpg"), name="Milo+Co")], [taken]))
    assert (photo.animal, photo.captured_at, photo.species) == (("Milo Co",), "2026-05-01T12:30:00", "cat")


def test_a_choice_is_a_preference_over_what_it_was_chosen_from() -> None:
    """And what is shown is preferred to what shall never be; such photos are listed without a name."""
    milo = cat("milo", "1.jpg", "2.jpg", "3.jpg", called=False)
    heroes = (replace(hero("2.jpg"), pinned=True), hero("1.jpg", 2))
    never = Decided(
        id="d",
        at=datetime(2026, 5, 1, tzinfo=UTC),
        kind="not_hero",
        sightings=(Sighted(image_id="3.jpg", box=BOX),),
    )
    answer = album([replace(milo, heroes=heroes)], decisions=(never,))
    found = labels(answer)
    pairs = [(pair.better, pair.worse) for pair in found.preferences]
    assert pairs == [("2.jpg", "1.jpg"), ("2.jpg", "3.jpg")]
    assert [(photo.file, photo.animal) for photo in found.photos] == [(f"{i}.jpg", ()) for i in (1, 2, 3)]
    undone = replace(never, status="superseded")
    assert len(labels(replace(answer, decisions=(undone,))).preferences) == 1
