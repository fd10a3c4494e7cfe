from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sploot_media_clustering.domain.album import WHOLE, Box
from sploot_media_clustering.domain.detection import (
    DetectionThresholds,
    Found,
    find_animals,
    in_photo,
    species_of,
    square_crop,
    windows,
)


def nothing_seen() -> np.ndarray:
    return np.zeros(3, np.float32)


def cat_seen() -> np.ndarray:
    return np.array([0.8, 0.0, 0.1], np.float32)


def not_asked() -> np.ndarray:
    raise AssertionError("the classifier was asked")


THRESHOLDS = DetectionThresholds()
LONE = replace(THRESHOLDS, support=0.0)
"""Without the vote, for rules on single boxes."""

fractions = st.floats(0.0, 1.0)


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    left, right = sorted((draw(fractions), draw(fractions)))
    top, bottom = sorted((draw(fractions), draw(fractions)))
    return Box(left, top, right, bottom)


candidates = st.lists(st.builds(Found, boxes(), st.tuples(fractions, fractions, fractions)), max_size=12)


def cat(box: Box, score: float) -> Found:
    return Found(box, (score, 0.0, 0.0))


def piled(box: Box, score: float, count: int = 4) -> list[Found]:
    """Boxes that agree, as a detector draws them around one animal."""
    shift = 0.01
    return [
        cat(Box(box.left, box.top, box.right - shift * i, box.bottom), score - shift * i)
        for i in range(count)
    ]


BODY = Box(0.1, 0.2, 0.9, 0.9)
HEAD = Box(0.2, 0.25, 0.45, 0.5)
LEFT, RIGHT = Box(0.05, 0.1, 0.4, 0.9), Box(0.55, 0.1, 0.95, 0.9)


def test_boxes_around_one_animal_are_one_sighting() -> None:
    """Of boxes that agree, the best stands for all."""
    found = find_animals(piled(BODY, 0.9), not_asked, THRESHOLDS)
    assert [one.box for one in found] == [BODY]


def test_a_head_inside_its_body_is_no_second_animal() -> None:
    """What lies inside a better box is a part of it, however many boxes agree on it."""
    found = find_animals([*piled(BODY, 0.9), *piled(HEAD, 0.85)], nothing_seen, THRESHOLDS)
    assert [one.box for one in found] == [BODY]


def test_a_body_around_its_head_is_no_second_animal() -> None:
    """Containment counts both ways: the larger box may be the worse one."""
    found = find_animals([*piled(HEAD, 0.9), *piled(BODY, 0.85)], nothing_seen, THRESHOLDS)
    assert [one.box for one in found] == [HEAD]


def test_two_animals_side_by_side_are_two_sightings() -> None:
    """Boxes apart that several others agree with are animals, best first."""
    found = find_animals([*piled(LEFT, 0.7), *piled(RIGHT, 0.9)], nothing_seen, THRESHOLDS)
    assert [one.box for one in found] == [RIGHT, LEFT]


def test_a_second_box_that_no_other_agrees_with_is_none() -> None:
    """One box around a tail or a vase is not believed, and one like it is when it comes first."""
    alone = cat(LEFT, 0.6)
    assert len(find_animals([*piled(RIGHT, 0.9), alone], nothing_seen, THRESHOLDS)) == 1
    assert len(find_animals([alone], nothing_seen, THRESHOLDS)) == 1


def test_a_weak_best_box_needs_the_classifier() -> None:
    """Below the first threshold a box is believed only where the classifier sees a pet."""
    weak = [cat(LEFT, 0.1)]
    assert find_animals(weak, nothing_seen, THRESHOLDS) == ()
    assert [one.box for one in find_animals(weak, cat_seen, THRESHOLDS)] == [LEFT]


def test_a_pet_without_a_box_is_the_whole_frame() -> None:
    """What the classifier sees clearly is a sighting even where the detector is blind; its score is 0."""
    (found,) = find_animals([], cat_seen, THRESHOLDS)
    assert (found.box, found.score) == (WHOLE, 0.0)
    assert find_animals([], nothing_seen, THRESHOLDS) == ()
    with pytest.raises(AssertionError, match="asked"):
        find_animals([], not_asked, THRESHOLDS)


@given(candidates)
def test_sightings_are_apart(found_by_detector: list[Found]) -> None:
    """No two sightings overlap or contain each other beyond the thresholds, and they come best first."""
    found = find_animals(found_by_detector, cat_seen, LONE)
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    for i, one in enumerate(found):
        for other in found[i + 1 :]:
            assert one.box.overlap(other.box) < LONE.overlap
            assert one.box.containment(other.box) < LONE.containment


@given(candidates, st.randoms(use_true_random=False))
def test_the_order_of_candidates_does_not_matter(found_by_detector: list[Found], random: Random) -> None:
    """Suppression is a function of the set of candidates."""
    shuffled = list(found_by_detector)
    random.shuffle(shuffled)
    once = find_animals(found_by_detector, cat_seen, THRESHOLDS)
    again = find_animals(shuffled, cat_seen, THRESHOLDS)
    assert [one.box for one in once] == [one.box for one in again]


@given(candidates)
def test_what_was_found_is_found_again(found_by_detector: list[Found]) -> None:
    """Suppressing what suppression left changes nothing."""
    once = find_animals(found_by_detector, nothing_seen, LONE)
    assert find_animals(once, nothing_seen, LONE) == once


@given(st.tuples(fractions, fractions, fractions), st.tuples(fractions, fractions, fractions))
def test_species_are_probabilities(
    scores: tuple[float, float, float], told: tuple[float, float, float]
) -> None:
    """Whatever both witnesses say, species sum to 1."""
    classifier = np.array(told, np.float32) / 3
    species = species_of(scores, classifier)
    assert species.sum() == pytest.approx(1.0, abs=1e-6)
    assert (species > 0).all()


@pytest.mark.parametrize(
    ("scores", "classifier", "expected"),
    [
        ((0.9, 0.0, 0.0), (0.7, 0.0, 0.1), 0),
        ((0.0, 0.9, 0.0), (0.0, 0.8, 0.1), 1),
        ((0.0, 0.1, 0.8), (0.0, 0.0, 0.9), 2),
        ((0.0, 0.3, 0.8), (0.0, 0.9, 0.05), 1),  # a detector that takes a dog for a cow is outvoted
        ((0.0, 0.0, 0.0), (0.9, 0.0, 0.0), 0),  # the whole frame has the classifier's word only
    ],
)
def test_detector_and_classifier_decide_together(
    scores: tuple[float, float, float], classifier: tuple[float, float, float], expected: int
) -> None:
    """The species is what both find likely."""
    assert species_of(scores, np.array(classifier, np.float32)).argmax() == expected


@given(boxes(), st.floats(0.3, 3.0))
def test_a_crop_covers_its_box_and_stays_in_the_photo(box: Box, aspect: float) -> None:
    """Nothing of the animal is cut off, and nothing outside the photo is asked for."""
    crop = square_crop(box, aspect)
    close = 1e-9
    assert crop.left <= box.left + close
    assert crop.top <= box.top + close
    assert crop.right >= box.right - close
    assert crop.bottom >= box.bottom - close
    assert min(crop.left, crop.top) >= 0.0
    assert max(crop.right, crop.bottom) <= 1.0


def test_a_crop_is_square_in_pixels() -> None:
    """In the middle of a wide photo a tall box gets a square with the margin on its longer side."""
    crop = square_crop(Box(0.45, 0.3, 0.55, 0.7), 2.0)
    assert crop.width * 2.0 == pytest.approx(crop.height)
    assert crop.height == pytest.approx(0.4 * 1.1)


def test_ordinary_photos_are_looked_at_once() -> None:
    """Halves cost a run of the detector each, so 3:2 and 16:9 do without."""
    assert windows(3 / 2) == windows(16 / 9) == windows(9 / 16) == (WHOLE,)
    assert len(windows(2.5)) == len(windows(0.4)) == 3


@given(boxes(), st.sampled_from([*windows(2.5), *windows(0.4)]))
def test_boxes_of_a_window_lie_in_it(box: Box, window: Box) -> None:
    """A box found in a window is inside that window in the photo, or was cut off by it."""
    placed = in_photo(box, window)
    close = 1e-9
    if placed is not None:
        assert placed.containment(window) == pytest.approx(1.0) or placed.area < close
    elif window == WHOLE:
        pytest.fail("nothing cuts a box in the whole photo")


def test_an_animal_that_a_half_cuts_is_left_to_the_whole() -> None:
    """A box that ends at the cut shows a part; at the photo's own edge it doesn't."""
    _, left, _ = windows(2.5)
    assert in_photo(Box(0.5, 0.2, 1.0, 0.8), left) is None
    assert in_photo(Box(0.0, 0.2, 0.5, 0.8), left) is not None
