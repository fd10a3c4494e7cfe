"""What is promised of bulk work over Ray without Ray: a limit of every wait, and the name of the extra."""

from __future__ import annotations

import sys
import time
from contextlib import nullcontext

import pytest

from sploot_media_clustering.adapters.ray_data import _Patience, open_ray
from sploot_media_clustering.errors import MissingExtraError, SourceUnavailableError

LONG_S = 30.0


def test_a_wait_that_is_too_long_ends() -> None:
    """Though nothing else would end it."""
    with pytest.raises(SourceUnavailableError, match="no photo was done for 0 s"), _Patience(0.05):
        time.sleep(LONG_S)


def test_what_ends_the_work_otherwise_is_not_hidden() -> None:
    """Ctrl-C stays one, who is done in time waits for nothing, and what comes puts the end off."""
    with pytest.raises(KeyboardInterrupt), _Patience(LONG_S):
        raise KeyboardInterrupt
    with _Patience(LONG_S) as patience:
        before_s = patience._until_s
        patience.renew()
        assert patience._until_s > before_s


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """And how it is installed."""
    monkeypatch.setitem(sys.modules, "ray", None)
    expected = pytest.raises(MissingExtraError, match=r"pip install 'sploot-media-clustering\[ray\]'")
    with expected, open_ray(lambda: nullcontext(lambda _: []), "local", 1):
        pass
