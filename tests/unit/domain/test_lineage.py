"""Ids outlive settling; lineage tells what merged and split."""

from __future__ import annotations

import numpy as np

from sploot_media_clustering.domain.lineage import LineageEvent, inherit, mint


def test_an_id_goes_to_the_cluster_that_keeps_most_of_its_members() -> None:
    """Whatever the order in which clusters are numbered."""
    overlap = np.array([[1, 9], [8, 0]])
    assert inherit("subject", ("a", "b"), overlap, ("x", "y"))[0] == ("b", "a")


def test_a_split_keeps_the_id_with_the_larger_part() -> None:
    """The other part is new, and says where it came from."""
    ids, events = inherit("subject", ("a",), np.array([[3], [7]]), ("x", "y"))
    assert ids[1] == "a"
    assert events == (LineageEvent("split", ids[0], "a"),)


def test_a_merge_keeps_one_id_and_names_the_other() -> None:
    """Nothing disappears without a word."""
    ids, events = inherit("subject", ("a", "b"), np.array([[7, 3]]), ("x",))
    assert ids == ("a",)
    assert events == (LineageEvent("merged", "b", "a"),)


def test_a_new_cluster_never_takes_an_id_that_is_in_use() -> None:
    """Even when its first member once minted that very id."""
    old = mint("subject", "x", set())
    ids, _ = inherit("subject", (old,), np.array([[0], [5]]), ("x", "y"))
    assert ids[1] == old
    assert ids[0] != old


def test_ids_are_a_function_of_level_and_first_member() -> None:
    """Two runs over the same album agree."""
    assert mint("look", "a.jpg#0", set()) == mint("look", "a.jpg#0", set())
    assert mint("look", "a.jpg#0", set()) != mint("subject", "a.jpg#0", set())
