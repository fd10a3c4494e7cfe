"""Jobs as callers hand them in."""

from __future__ import annotations

import msgspec
import pytest

from sploot_media_clustering.services.job_request import JobRequest


@pytest.mark.parametrize(("told", "expected"), [("2", 2), ("[1, 3]", (1, 3)), ("[3, 1]", (1, 3))])
def test_animals_are_a_number_or_two_between_which_it_is(told: str, expected: object) -> None:
    """The lower one first, however they were told: the same job has the same bytes."""
    job = msgspec.json.decode(f'{{"pet_id": "milo", "expected_animals": {told}}}', type=JobRequest)
    assert job.expected_animals == expected


@pytest.mark.parametrize("told", ["0", "[]", "[1]", "[1, 2, 3]", "[0, 2]", "1.5", '"one"'])
def test_other_numbers_of_animals_are_refused(told: str) -> None:
    """None is no number of animals, and three are no range."""
    with pytest.raises(msgspec.ValidationError, match="expected_animals"):
        msgspec.json.decode(f'{{"pet_id": "milo", "expected_animals": {told}}}', type=JobRequest)


@pytest.mark.parametrize("pet_id", ["", "a b", "a{b", "a/b", "-a", "ä", "a\\n", "a" * 129])
def test_names_that_could_mean_something_else_are_refused(pet_id: str) -> None:
    """Names stand in keys, whose braces decide the slot, in paths and in logs."""
    with pytest.raises(msgspec.ValidationError, match="pet_id"):
        msgspec.json.decode(f'{{"pet_id": "{pet_id}"}}', type=JobRequest)
