from __future__ import annotations

import msgspec
import pytest
import sample_answers as sample

from sploot_media_clustering.services.answer import SeenAnimal
from sploot_media_clustering.services.decision_records import Sighted
from sploot_media_clustering.services.shapes import BoxFractions
from sploot_media_clustering.services.targets import Targets

DOG, SLEEPER, CHAIR = (0.25, 0.1, 0.78, 1.0), (0.61, 0.36, 1.0, 0.55), (0.62, 0.4, 1.0, 0.96)
BELOW, FRONT = (0.25, 0.5, 0.78, 1.0), (0.3, 0.12, 0.75, 1.0)


def shown(*boxes: BoxFractions) -> Targets:
    photo = msgspec.structs.replace(
        sample.image("sofa.jpg", 1),
        sightings=tuple(SeenAnimal(box=box, species="dog", score=0.9) for box in boxes),
    )
    return Targets(sample.answer(images=[photo]))


@pytest.mark.parametrize(
    ("boxes", "told"),
    [
        ((DOG,), [""]),
        ((DOG, SLEEPER), ["#1 (left)", "#2 (right)"]),
        ((SLEEPER, BELOW), ["#1 (top right)", "#2 (bottom left)"]),
        ((DOG, SLEEPER, CHAIR), ["#1 (left)", "#2 (top right)", "#3 (bottom right)"]),
        ((DOG, FRONT), ["#1 (middle)", "#2 (middle)"]),
        ((DOG, DOG), ["#1 (middle)", "#1 (middle)"]),
    ],
)
def test_an_animal_is_told_by_number_and_place(boxes: tuple[BoxFractions, ...], told: list[str]) -> None:
    """As photos are given, and where to look; a photo of one animal needs neither."""
    targets = shown(*boxes)
    assert [targets.which(Sighted(image_id="sofa.jpg", box=box)) for box in boxes] == told


def test_what_is_told_of_an_animal_finds_it_again() -> None:
    """The number is the one that commands take."""
    targets = shown(SLEEPER, DOG)
    number, *_ = targets.which(Sighted(image_id="sofa.jpg", box=DOG)).split()
    assert targets.photos([f"sofa.jpg{number}"]) == (Sighted(image_id="sofa.jpg", box=DOG),)
