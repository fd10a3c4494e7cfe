"""The composition root hands on what the settings say."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import Mock

import pytest

from sploot_media_clustering import bootstrap
from sploot_media_clustering.adapters.model_package import ModelPackage
from sploot_media_clustering.settings import Settings


def test_threads_are_those_of_the_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Networks and decoding alike."""
    package, told = Mock(spec=ModelPackage), {}

    def remember(**parts: object) -> object:
        told.update(parts)
        raise InterruptedError

    monkeypatch.setattr(bootstrap, "load_model", lambda _: package)
    monkeypatch.setattr(bootstrap, "EmbeddingService", remember)
    settings = Settings(model=None, cache=str(tmp_path), threads=3)
    with pytest.raises(InterruptedError), bootstrap.open_embedding(settings):
        pass
    assert told["workers"] == 3
    package.open_detector.assert_called_once_with(threads=3, execution=settings.execution)
    package.open_embedder.assert_called_once_with(threads=3, execution=settings.execution)


def test_correcting_opens_no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither in this process nor at a server: what was embedded is at hand."""

    def refuse(*_: object, **__: object) -> object:
        raise AssertionError

    monkeypatch.setattr(ModelPackage, "open_detector", refuse)
    monkeypatch.setattr(ModelPackage, "open_embedder", refuse)
    settings = Settings(model=None, cache=str(tmp_path), embedder_url="http://127.0.0.1:9")
    assert bootstrap.open_reviewing(settings).clustering.empty().photos == ()
