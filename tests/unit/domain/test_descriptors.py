"""Descriptors and labels: true of four in five, and distinct."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sploot_media_clustering.domain.attributes import ATTRIBUTES, PRESENT, VOCABULARY, column
from sploot_media_clustering.domain.descriptors import (
    descriptors,
    distinct_labels,
    numbered,
    subject_labels,
)


def picture(**chosen: str) -> np.ndarray:
    """Sure of what is told, unsure of the rest."""
    row = np.concatenate([np.full(len(v), 1 / len(v), np.float32) for v in VOCABULARY.values()])
    for group, values in VOCABULARY.items():
        if group in chosen or values[-1] == PRESENT:
            for value in values:
                row[column(group, value)] = float(value == chosen.get(group, "absent"))
    return row


def look(count: int = 5, **chosen: str) -> np.ndarray:
    return np.stack([picture(**chosen)] * count)


@pytest.mark.parametrize(
    ("cluster", "label"),
    [
        (look(activity="sleeping", setting="indoors"), "Asleep indoors"),
        (look(framing="half", setting="outdoors"), "Portraits outdoors"),
        (look(framing="face", view="front"), "Close-ups facing the camera"),
        (look(activity="sitting"), "Sitting"),
        (look(setting="outdoors"), "Pictures outdoors"),
        (look(), "Mixed pictures"),
    ],
)
def test_labels_are_words_that_people_use(cluster: np.ndarray, label: str) -> None:
    """Short where nothing has to be told apart."""
    assert distinct_labels([cluster]) == (label,)


def test_a_claim_needs_four_of_five() -> None:
    """Three of five pictures asleep don't make a look asleep."""
    awake, asleep = look(1, activity="sitting"), look(1, activity="sleeping")
    assert distinct_labels([np.concatenate([asleep] * 4 + [awake])]) == ("Asleep",)
    assert distinct_labels([np.concatenate([asleep] * 3 + [awake] * 2)]) == ("Sitting or lying",)


def test_what_is_wider_is_said_where_the_narrower_does_not_hold() -> None:
    """Some asleep, some lying awake: resting."""
    mixed = np.concatenate([look(2, activity="sleeping"), look(2, activity="lying")])
    assert distinct_labels([mixed]) == ("Resting",)


def test_equal_labels_grow_until_they_differ() -> None:
    """By what one has and the other has not; a third is left as it is."""
    plain = look(activity="sitting", setting="indoors")
    facing = look(activity="sitting", setting="indoors", view="front")
    with_people = look(activity="sitting", setting="indoors", person=PRESENT)
    assert distinct_labels([facing, with_people, plain, look(activity="standing")]) == (
        "Sitting indoors, facing the camera",
        "Sitting indoors, with people",
        "Sitting indoors",
        "Standing",
    )


def test_what_nothing_tells_apart_is_numbered() -> None:
    """From the second on, in the order given."""
    assert distinct_labels([look(activity="sitting")] * 3) == ("Sitting", "Sitting 2", "Sitting 3")


@given(st.lists(st.sampled_from([("a",), ("a 2",), ("b",)]), max_size=8))
def test_numbered_labels_are_distinct(rows: list[tuple[str]]) -> None:
    """Even where a label looks like a number of another."""
    labels = numbered([row[0] for row in rows])
    assert len(set(labels)) == len(rows)


@given(st.integers(0, 2**31 - 1), st.integers(1, 6))
def test_no_two_looks_of_a_subject_share_a_label(seed: int, looks: int) -> None:
    """Whatever the attributes."""
    rng = np.random.default_rng(seed)
    clusters = [
        rng.uniform(size=(rng.integers(1, 6), len(ATTRIBUTES))).astype(np.float32) for _ in range(looks)
    ]
    assert len(set(distinct_labels(clusters))) == looks


def test_descriptors_tell_the_share() -> None:
    """The most common first; what is absent is not described, flaws are not either."""
    rows = np.concatenate(
        [look(3, activity="sleeping", setting="indoors", blur=PRESENT), look(1, setting="indoors")]
    )
    found = [(d.attribute, d.value, d.share) for d in descriptors(rows)]
    assert found == [("setting", "indoors", 1.0), ("activity", "sleeping", 0.75)]


def test_subjects_are_named_by_species_and_numbered() -> None:
    """The first of a species needs no number."""
    cat, dog = np.array([[0.9, 0.1, 0.0]], np.float32), np.array([[0.2, 0.8, 0.0]], np.float32)
    assert subject_labels([cat, dog, dog]) == ("Cat", "Dog", "Dog 2")
