"""Ids outlive settling; lineage tells what merged and split."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array

from sploot_media_clustering.domain import lineage
from sploot_media_clustering.domain.lineage import LineageEvent, inherit, mint


def test_an_id_goes_to_the_cluster_that_keeps_most_of_its_members() -> None:
    """Whatever the order in which clusters are numbered."""
    overlap = csr_array(np.array([[1, 9], [8, 0]]))
    assert inherit("subject", ("a", "b"), overlap, ("x", "y"))[0] == ("b", "a")


def test_a_split_keeps_the_id_with_the_larger_part() -> None:
    """The other part is new, and says where it came from."""
    ids, events = inherit("subject", ("a",), csr_array(np.array([[3], [7]])), ("x", "y"))
    assert ids[1] == "a"
    assert events == (LineageEvent("split", ids[0], "a"),)


def test_a_merge_keeps_one_id_and_names_the_other() -> None:
    """Nothing disappears without a word."""
    ids, events = inherit("subject", ("a", "b"), csr_array(np.array([[7, 3]])), ("x",))
    assert ids == ("a",)
    assert events == (LineageEvent("merged", "b", "a"),)


def test_a_new_cluster_never_takes_an_id_that_is_in_use() -> None:
    """Even when its first member once minted that very id."""
    old = mint("subject", "x", set())
    ids, _ = inherit("subject", (old,), csr_array(np.array([[0], [5]])), ("x", "y"))
    assert ids[1] == old
    assert ids[0] != old


def test_ids_are_a_function_of_level_and_first_member() -> None:
    """Two runs over the same album agree."""
    assert mint("look", "a.jpg#0", set()) == mint("look", "a.jpg#0", set())
    assert mint("look", "a.jpg#0", set()) != mint("subject", "a.jpg#0", set())


def test_very_many_clusters_are_matched_island_by_island(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the same ids and events as all of them together."""
    table = np.zeros((9, 8), np.int64)
    table[[0, 1, 1, 3, 4, 4, 5, 6, 8], [2, 0, 1, 3, 4, 5, 4, 6, 6]] = [5, 3, 7, 1, 9, 4, 8, 2, 6]
    old, firsts = tuple("abcdefgh"), tuple("rstuvwxyz")
    together = inherit("look", old, csr_array(table), firsts)
    monkeypatch.setattr(lineage, "_TOGETHER", 1)
    assert inherit("look", old, csr_array(table), firsts) == together
    assert [event.kind for event in together[1]] == ["merged", "split"]
