"""Descriptors and labels: true of four in five, and distinct."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sploot_media_clustering.domain.attributes import (
    ATTRIBUTES,
    COAT,
    COATS,
    PRESENT,
    VOCABULARY,
    column,
    columns_of,
)
from sploot_media_clustering.domain.descriptors import (
    HELD,
    Label,
    album_labels,
    coat_of,
    descriptors,
    distinct_labels,
    look_labels,
    numbered,
    share_of,
    subject_labels,
)
from sploot_media_clustering.domain.wording import DETAILS, WHAT, WHERE


def picture(**chosen: str) -> np.ndarray:
    """Sure of what is told, unsure of the rest."""
    row = np.zeros(len(ATTRIBUTES), np.float32)
    row[column(COAT, "other")] = 1.0
    for group, values in VOCABULARY.items():
        for value in values:
            told = chosen.get(group, "absent" if values[-1] == PRESENT else "")
            row[column(group, value)] = float(value == told) if told else 1 / len(values)
    return row


def look(count: int = 5, **chosen: str) -> np.ndarray:
    return np.stack([picture(**chosen)] * count)


def coated(coat: str, probability: float) -> np.ndarray:
    rows = np.zeros((1, len(ATTRIBUTES)), np.float32)
    rows[:, columns_of(COAT)] = (1 - probability) / (len(COATS) - 1)
    rows[:, column(COAT, coat)] = probability
    return rows


@pytest.mark.parametrize(
    ("cluster", "label"),
    [
        (look(activity="sleeping", setting="indoors"), "Asleep indoors"),
        (look(framing="half", setting="outdoors"), "Portraits outdoors"),
        (look(framing="face", view="front"), "Close-ups"),
        (look(activity="playing", setting="outdoors"), "Playing outdoors"),
        (look(person=PRESENT), "With people"),
        (look(activity="sitting"), "Sitting"),
        (look(setting="outdoors"), "Outdoors"),
        (look(framing="full"), "Whole body"),
        (look(), "More pictures"),
    ],
)
def test_labels_are_words_that_people_use(cluster: np.ndarray, label: str) -> None:
    """Short where nothing has to be told apart."""
    assert distinct_labels([cluster]) == (label,)


def test_a_claim_needs_four_of_five() -> None:
    """Seven of ten asleep are mostly asleep, six of ten are nothing in particular."""
    awake, asleep = look(1, activity="eating"), look(1, activity="sleeping")
    assert distinct_labels([np.concatenate([asleep] * 9 + [awake])]) == ("Asleep",)
    assert distinct_labels([np.concatenate([asleep] * 7 + [awake] * 3)]) == ("Mostly asleep",)
    assert distinct_labels([np.concatenate([asleep] * 6 + [awake] * 4)]) == ("More pictures",)


def test_a_claim_needs_probability_and_not_only_a_majority() -> None:
    """Ten pictures that are each more likely asleep than not don't make a look asleep."""
    rows = look(10)
    rows[:, columns_of("activity")] = 0.0
    rows[:, column("activity", "sleeping")], rows[:, column("activity", "eating")] = 0.6, 0.4
    assert distinct_labels([rows]) == ("More pictures",)


def test_a_small_look_has_to_be_surer() -> None:
    """What would do for twenty pictures will not for two."""
    rows = look(1, activity="sleeping")
    rows[:, column("activity", "sleeping")], rows[:, column("activity", "eating")] = 0.85, 0.15
    assert distinct_labels([np.repeat(rows, 20, axis=0)]) == ("Asleep",)
    assert distinct_labels([np.repeat(rows, 2, axis=0)]) == ("Mostly asleep",)


def test_what_is_wider_is_said_where_the_narrower_does_not_hold() -> None:
    """Some asleep, some lying awake: resting."""
    mixed = np.concatenate([look(2, activity="sleeping"), look(2, activity="lying")])
    assert distinct_labels([mixed]) == ("Resting",)


def test_the_place_is_told_where_it_tells_looks_apart() -> None:
    """In an album of an indoor cat nobody writes "indoors" on every shelf."""
    asleep, eating = look(activity="sleeping", setting="indoors"), look(activity="eating", setting="indoors")
    assert distinct_labels([asleep, eating]) == ("Asleep", "Eating")
    garden = look(activity="eating", setting="outdoors")
    assert distinct_labels([asleep, garden]) == ("Asleep indoors", "Eating outdoors")


def test_equal_labels_grow_until_they_differ() -> None:
    """By what one has and the other has not; a third is left as it is."""
    plain = look(activity="sitting", setting="indoors")
    facing = look(activity="sitting", setting="indoors", view="front")
    closed = look(activity="sitting", setting="indoors", eyes="closed")
    assert distinct_labels([facing, closed, plain, look(activity="standing")]) == (
        "Sitting indoors, facing the camera",
        "Sitting indoors, eyes closed",
        "Sitting indoors",
        "Standing",
    )


def test_equal_labels_are_told_apart_by_time() -> None:
    """Where it is known; what has no label of its own is called by it."""
    clusters = [look(activity="sitting"), look(activity="sitting"), look()]
    assert distinct_labels(clusters, ["May 2024", "June 2024", "2023"]) == (
        "Sitting, May 2024",
        "Sitting, June 2024",
        "2023",
    )


def test_what_nothing_tells_apart_is_numbered() -> None:
    """From the second on, in the order given."""
    assert distinct_labels([look(activity="sitting")] * 3) == ("Sitting", "Sitting 2", "Sitting 3")


def test_a_label_knows_what_it_claims() -> None:
    """So that it can be held against what people say."""
    (label,) = look_labels([look(activity="sleeping", setting="indoors")])
    assert [(claim.group, claim.values) for claim in label.claims] == [
        ("activity", ("sleeping",)),
        ("setting", ("indoors",)),
    ]
    assert look_labels([look()]) == (Label("More pictures"),)


@given(st.lists(st.sampled_from([("a",), ("a 2",), ("b",)]), max_size=8))
def test_numbered_labels_are_distinct(rows: list[tuple[str]]) -> None:
    """Even where a label looks like a number of another."""
    labels = numbered([row[0] for row in rows])
    assert len(set(labels)) == len(rows)


@given(st.integers(0, 2**31 - 1), st.integers(1, 6))
def test_no_two_looks_of_a_subject_share_a_label_and_no_claim_is_unsure(seed: int, looks: int) -> None:
    """Whatever the attributes."""
    rng = np.random.default_rng(seed)
    clusters = [
        rng.uniform(size=(rng.integers(1, 6), len(ATTRIBUTES))).astype(np.float32) for _ in range(looks)
    ]
    labels = look_labels(clusters)
    assert len({label.text for label in labels}) == looks
    for label, rows in zip(labels, clusters, strict=True):
        assert all(share_of(claim, rows) >= HELD for claim in label.claims)


def test_looks_of_several_animals_are_told_apart() -> None:
    """No two labels of an album are equal; those of one animal alone stay short."""
    assert album_labels([["Asleep", "Sitting"], ["Asleep"]], ["Milo", "dog"]) == (
        ("Asleep (Milo)", "Sitting"),
        ("Asleep (dog)",),
    )
    assert album_labels([["Asleep"], ["Asleep"]], ["Milo", "Milo"]) == (
        ("Asleep (Milo)",),
        ("Asleep (Milo) 2",),
    )


def test_descriptors_tell_the_share() -> None:
    """The most common first; what is absent is not described, flaws and coats are not either."""
    rows = np.concatenate(
        [look(3, activity="sleeping", setting="indoors", blur=PRESENT), look(1, setting="indoors")]
    )
    found = [(d.attribute, d.value, d.share) for d in descriptors(rows)]
    assert found == [("setting", "indoors", 1.0), ("activity", "sleeping", pytest.approx(0.78125))]


def test_subjects_are_named_by_species_and_numbered() -> None:
    """The first of a species needs no number."""
    cat, dog = np.array([[0.9, 0.1, 0.0]], np.float32), np.array([[0.2, 0.8, 0.0]], np.float32)
    assert subject_labels([cat, dog, dog]) == ("Cat", "Dog", "Dog 2")


def test_a_coat_is_named_where_it_is_sure() -> None:
    """And only where there is a plain word for it."""
    cat = np.array([[0.9, 0.1, 0.0]], np.float32)
    sure, unsure = coated("black_and_white", 0.9), coated("black_and_white", 0.7)
    assert subject_labels([cat] * 3, [sure, unsure, sure]) == (
        "Black and white cat",
        "Cat",
        "Black and white cat 2",
    )
    assert coat_of(coated("other", 1.0)[:, columns_of(COAT)]) is None


def test_a_coat_takes_the_word_of_all_sightings() -> None:
    """One picture in odd light is outvoted by the mean, not by a show of hands."""
    rows = np.concatenate([coated("ginger", 1.0)] * 5 + [coated("light", 1.0)])
    assert coat_of(rows[:, columns_of(COAT)]) == "ginger"
    assert coat_of(rows[4:, columns_of(COAT)]) is None


def test_every_claim_speaks_of_values_that_there_are() -> None:
    """A misspelt value would never hold."""
    for claim in (*WHAT, *WHERE, *DETAILS):
        assert set(claim.values) < set(VOCABULARY[claim.group])
        assert 0 < claim.usual < HELD
