"""An allowance is never overdrawn, and everybody gets a turn."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from sploot_media_clustering.adapters.allowance import Allowance

TOTAL = 10


@pytest.mark.parametrize("amounts", [(3, 4, 5, 6) * 20, (1, 10, 99) * 20])
def test_no_more_than_the_total_is_held_at_once(amounts: tuple[int, ...]) -> None:
    """Whatever the mixture; what is larger than the total is alone, and everybody ends."""
    allowance, lock, held, most = Allowance(TOTAL), threading.Lock(), [], []

    def hold(amount: int) -> None:
        with allowance.of(amount):
            with lock:
                held.append(amount)
                most.append(held.copy())
            threading.Event().wait(0.005)
            with lock:
                held.remove(amount)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(hold, amounts))
    assert len(most) == len(amounts)
    assert all(sum(together) <= TOTAL or len(together) == 1 for together in most)


def test_what_fits_is_held_at_once() -> None:
    """Two that go together wait for each other inside."""
    allowance, both = Allowance(TOTAL), threading.Barrier(2, timeout=60)

    def hold(amount: int) -> int:
        with allowance.of(amount):
            return both.wait()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(hold, (TOTAL // 2, TOTAL // 2))) == [0, 1]


def test_what_is_held_is_given_back_after_an_error() -> None:
    """So that one broken photo does not stop the others."""
    allowance = Allowance(TOTAL)
    with pytest.raises(ZeroDivisionError), allowance.of(TOTAL):
        raise ZeroDivisionError
    with allowance.of(TOTAL):
        pass
