"""What every animal detector keeps to."""

from __future__ import annotations

import numpy as np
import pytest

from sploot_media_clustering.adapters.model_package import default_package
from sploot_media_clustering.services.canary import canary_picture
from sploot_media_clustering.services.fakes import FakeDetector
from sploot_media_clustering.services.ports import AnimalDetector


@pytest.fixture(scope="module", params=["fake", "onnx"])
def detector(request: pytest.FixtureRequest) -> AnimalDetector:
    return FakeDetector() if request.param == "fake" else default_package().open_detector(threads=2)


def pictures_for(detector: AnimalDetector) -> np.ndarray:
    """An animal in the left part, as each of them sees one, and nothing at all."""
    side_px = detector.input_px
    picture = canary_picture(side_px)
    if isinstance(detector, FakeDetector):
        picture[side_px // 8 : -side_px // 8, side_px // 8 : side_px // 2] = (230, 20, 20)
    return np.stack([picture, np.full_like(picture, 128)])


def test_it_is_a_detector(detector: AnimalDetector) -> None:
    """Implementations have all members of the port."""
    assert isinstance(detector, AnimalDetector)


def test_an_animal_is_found_where_it_is(detector: AnimalDetector) -> None:
    """Boxes are fractions of the picture, best first, with the species' score highest."""
    animal, nothing = detector.detect(pictures_for(detector))
    best = animal[0]
    assert best.scores[0] == max(best.scores) > 0.5
    assert 0.0 <= best.box.left < best.box.right <= 1.0
    assert 0.0 <= best.box.top < best.box.bottom <= 1.0
    assert (best.box.left + best.box.right) / 2 < 0.55
    tops = [max(detection.scores) for detection in animal]
    assert tops == sorted(tops, reverse=True)
    assert max((max(detection.scores) for detection in nothing), default=0.0) < 0.2


def test_a_picture_does_not_depend_on_those_beside_it(detector: AnimalDetector) -> None:
    """Batches give what single pictures give, within 1e-4."""
    pictures = np.concatenate([pictures_for(detector)] * 5)
    for together, picture in zip(detector.detect(pictures), pictures, strict=True):
        (alone,) = detector.detect(picture[None])
        assert len(together) == len(alone)
        for one, other in zip(together, alone, strict=True):
            assert one.scores == pytest.approx(other.scores, abs=1e-4)
            assert one.box.overlap(other.box) == pytest.approx(1.0, abs=1e-4)


def test_no_pictures_give_no_candidates(detector: AnimalDetector) -> None:
    """An empty batch is a batch."""
    side_px = detector.input_px
    assert detector.detect(np.zeros((0, side_px, side_px, 3), np.uint8)) == []
