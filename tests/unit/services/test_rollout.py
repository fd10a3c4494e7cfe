"""Which pipeline answers for which album: by lot, the same everywhere, and growing without taking back."""

from __future__ import annotations

from collections import Counter

import pytest

from sploot_media_clustering.errors import ConfigurationError
from sploot_media_clustering.services.rollout import EXAMPLE, Pipelines, Shares, answered_by, shares

PETS = [f"pet-{number}" for number in range(4000)]


def test_the_mixture_answers_for_all_where_nothing_is_said() -> None:
    """As it always did."""
    assert isinstance(Shares(), Pipelines)
    assert {Shares().of(pet) for pet in PETS[:50]} == {"mixture"}
    assert {shares("stub").of(pet) for pet in PETS[:50]} == {"stub"}


def test_shares_are_about_what_they_say() -> None:
    """A tenth, a fifth, and the rest."""
    drawn = Counter(shares(EXAMPLE).of(pet) for pet in PETS)
    assert drawn["mixture"] == pytest.approx(400, abs=80)
    assert drawn["shadow"] == pytest.approx(800, abs=100)
    assert drawn.total() == len(PETS)


def test_a_larger_share_holds_the_smaller_one() -> None:
    """So that nobody goes back when more come."""
    few, many = (
        {pet for pet in PETS if shares(told).of(pet) == "mixture"}
        for told in ("mixture:0.1,stub", "mixture:0.3,stub")
    )
    assert few < many


def test_named_albums_do_not_draw() -> None:
    """Whatever the others do."""
    told = shares("stub", {"milo": "mixture", "ada": "shadow"})
    assert [told.of(pet) for pet in ("milo", "ada", "bella")] == ["mixture", "shadow", "stub"]
    assert [answered_by(told.of(pet)) for pet in ("milo", "ada", "bella")] == ["mixture", "stub", "stub"]


@pytest.mark.parametrize(
    "told",
    [
        "",
        "other",
        "mixture:0.1",
        "mixture:0.6,shadow:0.6,stub",
        "mixture:x,stub",
        "mixture:-1,stub",
        "mixture,stub",
    ],
)
def test_what_makes_no_whole_is_refused(told: str) -> None:
    """With an example of what does."""
    with pytest.raises(ConfigurationError, match="mixture:0"):
        shares(told)
