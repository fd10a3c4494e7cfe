"""Who says which pipeline answers: words, a file that may change, a provider of OpenFeature."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sploot_media_clustering.adapters.pipelines import FLAG, FilePipelines, open_pipelines
from sploot_media_clustering.errors import ConfigurationError
from sploot_media_clustering.services.rollout import Pipelines


def write(path: Path, text: str, at_s: int) -> Path:
    """With a time of its own: two writes may fall into one tick of a clock."""
    path.write_text(text, encoding="utf-8")
    os.utime(path, (at_s, at_s))
    return path


def test_a_file_is_read_again_when_it_has_changed(tmp_path: Path) -> None:
    """One that makes no sense, or is gone, changes nothing, and is said in the log."""
    file = write(tmp_path / "pipelines", "# the first week\n* stub\nmilo shadow # she agreed\n", 1)
    told = FilePipelines(file)
    assert isinstance(told, Pipelines)
    assert [told.of(pet) for pet in ("milo", "ada")] == ["shadow", "stub"]
    write(file, "* mixture\n", 2)
    assert [told.of(pet) for pet in ("milo", "ada")] == ["mixture", "mixture"]
    for number, text in enumerate(("* nonsense\n", "* mixture stub\n"), 3):
        write(file, text, number)
        assert told.of("milo") == "mixture"
    file.unlink()
    assert told.of("milo") == "mixture"
    write(file, "* stub\n", 9)
    assert told.of("milo") == "stub"


def test_a_file_that_makes_no_sense_is_refused_at_first(tmp_path: Path) -> None:
    """So that a service does not start on a mistake."""
    with pytest.raises(ConfigurationError, match="No such file"):
        open_pipelines("stub", tmp_path / "none")
    with pytest.raises(ConfigurationError, match="expected lines"):
        open_pipelines("stub", write(tmp_path / "some", "stub\n", 1))


def test_a_file_goes_before_words(tmp_path: Path) -> None:
    """Who names neither gets what the words say."""
    assert open_pipelines("shadow").of("milo") == "shadow"
    assert open_pipelines("shadow", write(tmp_path / "some", "* stub\n", 1)).of("milo") == "stub"


def provider() -> object:
    """The stub for Milo, nonsense for Ada, and nothing else."""
    memory = pytest.importorskip("openfeature.provider.in_memory_provider", reason="needs the extra flags")
    resolved = pytest.importorskip("openfeature.flag_evaluation")

    def by_pet(_flag: object, context: object) -> object:
        variant = {"milo": "stub", "ada": "nonsense"}.get(getattr(context, "targeting_key", ""), "mixture")
        return resolved.FlagResolutionDetails(value=variants[variant], variant=variant)

    variants = {"stub": "stub", "mixture": "mixture", "nonsense": "nonsense"}
    flag = memory.InMemoryFlag("mixture", variants, context_evaluator=by_pet)
    return memory.InMemoryProvider({FLAG: flag})


def test_a_provider_of_openfeature_is_asked_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the album's id; what it says that can't be meant, words say in its place."""
    monkeypatch.setattr(os, "our_flags", provider, raising=False)
    told = open_pipelines("shadow", provider="os:our_flags")
    assert [told.of(pet) for pet in ("milo", "ada", "bella")] == ["stub", "shadow", "mixture"]


@pytest.mark.parametrize("name", ["nothing_like_it:here", "os:nothing", "os"])
def test_a_provider_that_there_is_not_is_told(name: str) -> None:
    """With how to name one."""
    with pytest.raises(ConfigurationError, match="MODULE:FACTORY"):
        open_pipelines("stub", provider=name)
