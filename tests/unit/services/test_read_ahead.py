"""Reading ahead keeps the order, hands on errors in their turn, and holds no more than it may."""

from __future__ import annotations

import threading
from contextlib import closing
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sploot_media_clustering.services.read_ahead import AheadLimits, read_ahead


@dataclass(frozen=True)
class Thing:
    name: int
    size_bytes: int


LIMITS = AheadLimits(readers=3, items=5, size_bytes=20)


@settings(max_examples=40)
@given(st.lists(st.integers(0, 50), max_size=40))
def test_everything_comes_once_and_in_order(sizes: list[int]) -> None:
    """Whatever the sizes, also of things that are larger than what may be held."""
    things = [Thing(number, size) for number, size in enumerate(sizes)]
    assert list(read_ahead(lambda thing: thing, things, LIMITS)) == things


@pytest.mark.parametrize(("size_bytes", "most"), [(0, 5), (10, 4), (1000, 3)])
def test_no_more_is_held_than_the_limits_say(size_bytes: int, most: int) -> None:
    """By number; by bytes, one thing a reader on top of what is full; of huge things one a reader."""
    lock, begun, ahead = threading.Lock(), [], []

    def read(number: int) -> Thing:
        with lock:
            begun.append(number)
        return Thing(number, size_bytes)

    for taken, _ in enumerate(read_ahead(read, range(60), LIMITS), start=1):
        threading.Event().wait(0.001)
        with lock:
            ahead.append(len(begun) - taken)
    assert len(begun) == 60
    assert 0 < max(ahead) <= most


def test_an_error_is_raised_when_its_turn_comes() -> None:
    """What was read before it is handed on, and nothing hangs."""

    def read(number: int) -> Thing:
        if number == 7:
            raise ZeroDivisionError
        return Thing(number, 1)

    seen = []
    with pytest.raises(ZeroDivisionError):
        seen.extend(thing.name for thing in read_ahead(read, range(20), LIMITS))
    with closing(read_ahead(read, range(20), LIMITS)) as reads:
        assert [next(reads).name for _ in range(7)] == list(range(7))


def test_who_leaves_early_ends_the_reading() -> None:
    """Nothing is begun after that."""
    begun = []

    def read(number: int) -> Thing:
        begun.append(number)
        return Thing(number, 1)

    reads = read_ahead(read, range(1000), LIMITS)
    assert next(reads).name == 0
    reads.close()
    count = len(begun)
    threading.Event().wait(0.005)
    assert len(begun) == count < 20
