"""Settings: what the environment says, or what it should have said."""

from __future__ import annotations

import math
import os

import pytest

from sploot_media_clustering.adapters import processors
from sploot_media_clustering.errors import ConfigurationError
from sploot_media_clustering.settings import Settings, api_from_environment, from_environment


def test_an_empty_environment_gives_the_defaults() -> None:
    """The same that a value built in code has."""
    found = from_environment({"XDG_CACHE_HOME": "/c"})
    assert found == Settings(model=None, cache="/c/sploot-media-clustering/embeddings")


def test_what_is_told_is_taken() -> None:
    """Whole numbers of threads, and any time above zero."""
    found = from_environment({"SPLOOT_CACHE": "x", "SPLOOT_THREADS": "2", "SPLOOT_TIMEOUT_S": "0.5"})
    assert (found.cache, found.threads, found.timeout_s) == ("x", 2, 0.5)
    assert from_environment({"SPLOOT_THREADS": "0"}).threads == 0


@pytest.mark.parametrize("told", ["nan", "inf", "2.7", "-1", "two", "1e1", "9" * 9999])
def test_threads_are_a_whole_number(told: str) -> None:
    """Half a thread, or endlessly many, is refused by name."""
    with pytest.raises(ConfigurationError, match=r"SPLOOT_THREADS is .*expected a whole number"):
        from_environment({"SPLOOT_THREADS": told})


def test_an_album_has_room_for_a_photo_at_least() -> None:
    """No room at all is a slip of the pen."""
    assert from_environment({"SPLOOT_ALBUM_PHOTOS_MOST": "7"}).album_photos_most == 7
    with pytest.raises(ConfigurationError, match="SPLOOT_ALBUM_PHOTOS_MOST is 0, expected"):
        from_environment({"SPLOOT_ALBUM_PHOTOS_MOST": "0"})


@pytest.mark.parametrize("told", ["nan", "inf", "0", "-1", "soon"])
def test_a_time_out_is_finite_and_above_zero(told: str) -> None:
    """No time at all, or forever, is no time-out."""
    with pytest.raises(ConfigurationError, match=r"SPLOOT_TIMEOUT_S is .*expected"):
        from_environment({"SPLOOT_TIMEOUT_S": told})


@pytest.mark.parametrize(
    ("name", "told"), [("SPLOOT_API_PORT", "8080.5"), ("SPLOOT_API_REQUESTS_PER_S", "nan")]
)
def test_numbers_of_the_api_are_checked_too(name: str, told: str) -> None:
    """In the same way."""
    with pytest.raises(ConfigurationError, match=name):
        api_from_environment({name: told})


def test_cores_are_those_that_this_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container or ``taskset`` may grant fewer than the machine has; who names a number gets it."""
    monkeypatch.setattr(processors, "quota_cores", lambda: math.inf)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {3, 5}, raising=False)
    assert Settings(model=None, cache="x").cores == 2
    assert Settings(model=None, cache="x", threads=7).cores == 7
    monkeypatch.delattr(os, "sched_getaffinity")
    assert Settings(model=None, cache="x").cores == 64


def test_places_to_run_at_end_at_the_processor() -> None:
    """Whoever names places gets them in that order; nobody has to name the last one."""
    assert from_environment({}).providers == from_environment({"SPLOOT_PROVIDERS": "auto"}).providers == ()
    assert from_environment({"SPLOOT_PROVIDERS": "CUDA, openvino"}).providers == ("cuda", "openvino", "cpu")
    assert from_environment({"SPLOOT_PROVIDERS": "cpu,cuda,cpu"}).providers == ("cpu", "cuda")


def test_an_unknown_place_is_named() -> None:
    """Together with those that there are."""
    with pytest.raises(ConfigurationError, match=r"SPLOOT_PROVIDERS names tpu, expected auto, or .*tensorrt"):
        from_environment({"SPLOOT_PROVIDERS": "cuda,tpu"})
