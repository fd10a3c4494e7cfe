from __future__ import annotations

import msgspec
import pytest
import sample_answers as sample

from sploot_media_clustering.errors import InputError
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


def test_a_file_name_that_several_photos_have_means_none_of_them() -> None:
    """Cameras count from one again; a pattern means all, and more of the path means one."""
    photos = [
        msgspec.structs.replace(
            sample.image(name, 1), sightings=(SeenAnimal(box=DOG, species="dog", score=0.9),)
        )
        for name in ("2024/1.jpg", "2025/1.jpg")
    ]
    targets = Targets(sample.answer(images=photos))
    with pytest.raises(InputError, match=r"any of 2024/1.jpg, 2025/1.jpg: .* '\*/1.jpg' for all"):
        targets.photos(["1.jpg"])
    assert len(targets.photos(["*/1.jpg"])) == 2
    assert targets.photos(["2025/1.jpg"]) == (Sighted(image_id="2025/1.jpg", box=DOG),)


def test_an_animal_is_no_photo() -> None:
    """Where photos are asked for, and nothing else."""
    targets = Targets(sample.answer([sample.cluster("s", None, "cat", [("a", 0)], ["a"])]))
    with pytest.raises(InputError, match=r"expected a photo .* got the animal or look 'cat'"):
        targets.photos(["cat"])
