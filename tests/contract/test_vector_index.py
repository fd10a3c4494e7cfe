"""What every index of vectors promises; the graph and the codes may miss some, and say how many at most."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sploot_media_clustering.adapters.vector_index.ivf_pq import IvfPqIndex
from sploot_media_clustering.adapters.vector_index.kept import KeptIndex, read_index, write_index
from sploot_media_clustering.adapters.vector_index.kinds import KINDS, open_index
from sploot_media_clustering.errors import InputError, OtherModelError, UnknownError
from sploot_media_clustering.services.ports import NOBODY, VectorIndex

DIMENSION = 16
LEAST_RECALL = {"exact": 1.0, "sklearn": 1.0, "hnsw": 0.97, "ivf-pq": 0.5}
"""Of the ten nearest of a thousand vectors in clusters; of codes, in single bytes for four numbers."""

LIBRARIES = {"sklearn": "sklearn", "hnsw": "faiss", "ivf-pq": "faiss"}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Each of them; those of the extra `index` where it is installed."""
    if request.param in LIBRARIES:
        pytest.importorskip(LIBRARIES[request.param])
    return request.param


def vectors(count: int, seed: int = 0) -> np.ndarray:
    """Unit vectors around forty centres."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(7).normal(size=(40, DIMENSION))
    made = centres[rng.integers(40, size=count)] + 0.3 * rng.normal(size=(count, DIMENSION))
    return (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)


def made(kind: str) -> VectorIndex:
    """An empty index; codes are learned from fewer vectors than usual, so that they are."""
    return IvfPqIndex(DIMENSION, least_training=500) if kind == "ivf-pq" else open_index(kind, DIMENSION)


def filled(kind: str, count: int = 1000) -> VectorIndex:
    index = made(kind)
    index.add(10 * np.arange(count), vectors(count))
    return index


def recall(index: VectorIndex, rows: np.ndarray, count: int = 1000) -> float:
    """Share of the ten nearest among some rows that the index finds."""
    queries = vectors(100, seed=1)
    nearest = rows[np.argsort(-queries @ vectors(count)[rows].T, axis=1)[:, :10]]
    found = index.search(queries, 10).ids // 10
    return float(np.mean([len(set(a) & set(b)) / 10 for a, b in zip(found, nearest, strict=True)]))


def same(first: VectorIndex, second: VectorIndex, k: int = 5) -> bool:
    one, other = (index.search(vectors(50, seed=2), k) for index in (first, second))
    return np.array_equal(one.ids, other.ids) and np.array_equal(one.similarities, other.similarities)


def test_the_nearest_are_found(kind: str) -> None:
    """All of them, or as many as it says; by descending cosine, whatever the block that they are asked in."""
    index = filled(kind)
    assert recall(index, np.arange(1000)) >= LEAST_RECALL[kind]
    found = index.search(vectors(300), 5)
    assert (np.diff(found.similarities) <= 0).all()
    alone = index.search(vectors(300)[299:], 5)
    assert np.array_equal(found.ids[299:], alone.ids)


def test_similarities_are_cosines(kind: str) -> None:
    """Up to rounding; of codes, up to some hundredths."""
    index = filled(kind)
    queries = vectors(50, seed=3)
    found = index.search(queries, 3)
    told = np.einsum("qd,qkd->qk", queries, vectors(1000)[found.ids // 10])
    assert found.similarities == pytest.approx(told, abs=0.2 if kind == "ivf-pq" else 1e-5)


def test_the_same_calls_give_the_same_answers(kind: str) -> None:
    """Bit by bit, removals included."""
    indexes = [filled(kind), filled(kind)]
    for index in indexes:
        index.remove(10 * np.arange(0, 300, 3))
        index.add(np.arange(1, 100, 10), vectors(10, seed=5))
    assert same(*indexes)


@pytest.mark.parametrize("share", [0.1, 0.6])
def test_what_is_removed_is_not_found(kind: str, share: float) -> None:
    """Few, or so many that a graph is built anew; what is left is found as before, and ids are free."""
    index = filled(kind)
    gone = np.random.default_rng(4).permutation(1000)[: int(1000 * share)]
    index.remove(10 * gone)
    left = np.setdiff1d(np.arange(1000), gone)
    assert not np.isin(index.search(vectors(1000), 5).ids, 10 * gone).any()
    assert recall(index, left) >= LEAST_RECALL[kind]
    index.add(10 * gone, vectors(1000)[gone])
    assert recall(index, np.arange(1000)) >= LEAST_RECALL[kind]


def test_everything_can_go_and_come_again(kind: str) -> None:
    """An emptied index is an empty one."""
    index = filled(kind, 50)
    index.remove(10 * np.arange(50))
    assert (index.search(vectors(3), 2).ids == NOBODY).all()
    index.add(np.array([7]), vectors(1))
    assert index.search(vectors(1), 2).ids.tolist() == [[7, NOBODY]]


def test_where_there_are_fewer_than_asked_for_nobody_stands(kind: str) -> None:
    """Also in an empty index, and for no query at all."""
    index = made(kind)
    assert index.search(vectors(2), 3).ids.tolist() == [[NOBODY] * 3] * 2
    index.add(np.array([5, 3]), vectors(2))
    found = index.search(vectors(1), 4)
    assert found.ids.tolist() == [[5, 3, NOBODY, NOBODY]]
    assert np.isneginf(found.similarities[0, 2:]).all()
    assert index.search(vectors(0), 4).ids.shape == (0, 4)


def test_of_equally_near_ones_the_least_id_is_first(kind: str) -> None:
    """In whatever order they came."""
    index = made(kind)
    index.add(np.array([9, 2, 5]), np.repeat(vectors(1), 3, axis=0))
    assert index.search(vectors(1), 3).ids.tolist() == [[2, 5, 9]]


@pytest.mark.parametrize(
    ("ids", "wrong", "message"),
    [
        ([1], np.full((1, DIMENSION), np.nan, np.float32), "finite"),
        ([1], np.full((1, DIMENSION), 1.0, np.float32), "length 1"),
        ([1], np.ones((1, 1), np.float32), "16 numbers, got 1"),
        ([0], vectors(1), "got 0 again"),
        ([4, 4], vectors(2), "got 4 again"),
        ([-1], vectors(1), "0 or more"),
    ],
)
def test_what_does_not_fit_is_refused_whole(
    kind: str, ids: list[int], wrong: np.ndarray, message: str
) -> None:
    """And the index is as it was; the message says what came."""
    index = filled(kind, 20)
    with pytest.raises(InputError, match=message):
        index.add(np.array([*ids, 3]), np.concatenate([wrong, wrong[:1]]))
    if wrong.shape[1] != DIMENSION or not np.isclose(np.linalg.norm(wrong[0]), 1):
        with pytest.raises(InputError, match=message):
            index.search(wrong, 1)
    assert same(index, filled(kind, 20))


def test_unknown_ids_and_no_neighbours_are_refused(kind: str) -> None:
    """Nothing is removed where one is unknown."""
    index = filled(kind, 20)
    with pytest.raises(UnknownError, match="3"):
        index.remove(np.array([10, 3]))
    with pytest.raises(InputError, match="got 0"):
        index.search(vectors(1), 0)
    assert same(index, filled(kind, 20))


@pytest.mark.parametrize("count", [0, 60, 1000])
def test_a_kept_index_answers_as_before(kind: str, count: int, tmp_path: Path) -> None:
    """And goes on taking in and removing; what is kept beside it comes back."""
    index = filled(kind, count)
    index.remove(10 * np.arange(count // 20))
    write_index(KeptIndex(kind, index, "net-1", DIMENSION, {"names": np.arange(3)}), tmp_path / "some.index")
    kept = read_index(tmp_path / "some.index", "net-1")
    assert (kept.kind, kept.dimension, kept.beside["names"].tolist()) == (kind, DIMENSION, [0, 1, 2])
    assert same(index, kept.index)
    for one in (index, kept.index):
        one.add(np.array([1]), vectors(1, seed=8))
        one.remove(10 * np.arange(count // 20, count // 10))
    assert same(index, kept.index)


def test_a_file_that_is_none_is_refused(kind: str, tmp_path: Path) -> None:
    """Damaged anywhere, cut, of another format, or missing; and one of another model."""
    path = tmp_path / "some.index"
    write_index(KeptIndex(kind, filled(kind, 60), "net-1", DIMENSION, {}), path)
    good = path.read_bytes()
    with pytest.raises(OtherModelError, match="net-2"):
        read_index(path, "net-2")
    places = (0, 4, 7, 9, len(good) // 2, len(good) - 1)
    damaged = [good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :] for place in places]
    for bad in (*damaged, good[:-1], good + b"0", good[:3], b""):
        path.write_bytes(bad)
        with pytest.raises(InputError, match="make it anew"):
            read_index(path, "net-1")
    with pytest.raises(InputError, match="No such file"):
        read_index(tmp_path / "none.index", "net-1")


def test_other_kinds_are_refused() -> None:
    """With those that there are."""
    with pytest.raises(InputError, match=r"exact, sklearn, hnsw, ivf-pq, got 'annoy'"):
        open_index("annoy", DIMENSION)
