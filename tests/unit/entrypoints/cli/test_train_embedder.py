"""Tuning says what it lacks before it spends an hour."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sploot_media_clustering.entrypoints.cli import train_embedder, train_lora
from sploot_media_clustering.entrypoints.cli.train_embedder import Tuning, check_can_tune
from sploot_media_clustering.errors import ConfigurationError, MissingExtraError
from sploot_media_clustering.training.embedder_sampling import Recipe

TUNING = Tuning(folds=2, strength=0.5, input_px=None, recipe=Recipe(), out=Path("o"), work=Path("w"))


def test_without_its_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing else needs torch, so most installations do not have it."""
    monkeypatch.setattr(train_embedder, "NEEDED", ("no_such_module",))
    with pytest.raises(MissingExtraError, match=r"no_such_module.*sploot-media-clustering\[training\]"):
        check_can_tune(TUNING)
    monkeypatch.setattr(train_lora, "NEEDED", ("no_such_module",))
    with pytest.raises(MissingExtraError, match=r"no_such_module.*sploot-media-clustering\[lora\]"):
        train_lora.check_extra()


def test_a_size_that_the_network_would_pad_otherwise_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be used in another way than it was trained."""
    monkeypatch.setattr(train_embedder, "NEEDED", ())
    with pytest.raises(ConfigurationError, match="multiple of 32, got 250"):
        check_can_tune(replace(TUNING, input_px=250))
    check_can_tune(replace(TUNING, input_px=256))
    check_can_tune(TUNING)
