"""One suite over every place of a registry: a folder, memory for an object store, a real server of MLflow."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import fsspec
import pytest
from mlflow_server import MlflowServer, running_server
from other_model import other_heads

from sploot_media_clustering.adapters.manifest_signature import (
    new_private_key,
    public_key,
    require_trusted,
    sign,
)
from sploot_media_clustering.adapters.model_package import default_package, load_package
from sploot_media_clustering.adapters.model_registry import ModelRegistry
from sploot_media_clustering.adapters.package_heads import read_heads
from sploot_media_clustering.adapters.registry_shelf import RegistryPlace
from sploot_media_clustering.bootstrap import open_registry
from sploot_media_clustering.errors import ConflictError, InputError, ModelPackageError, UnknownError
from sploot_media_clustering.services.manifest import MANIFEST_NAME

BUILT_IN = read_heads(default_package()).tree.version
CONTENT = {MANIFEST_NAME, *(file.path for file in default_package().manifest.files)}


@dataclass(frozen=True)
class Kept:
    """A registry that is empty at first, and what lies in it.

    Attributes:
        registry: of some kind.
        written: says where files of a name lie on this disk; None where they don't.
    """

    registry: ModelRegistry
    written: Callable[[str], list[Path]] | None = None


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    with running_server(tmp_path_factory.mktemp("mlflow")) as opened:
        yield opened


@pytest.fixture(params=["folder", "memory", pytest.param("mlflow", marks=pytest.mark.slow)])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kept]:
    if request.param == "folder":
        root = tmp_path / "registry [2]"
        yield Kept(open_registry(str(root)), lambda name: list(root.rglob(name)))
    elif request.param == "memory":
        yield Kept(open_registry("memory://models"))
        fsspec.filesystem("memory").store.clear()
    else:
        opened: MlflowServer = request.getfixturevalue("server")
        name = f"models-{uuid.uuid4().hex}"
        before = set(opened.artifacts.rglob("*"))
        yield Kept(
            open_registry(f"mlflow+{opened.url}/{name}"),
            lambda file: [path for path in opened.artifacts.rglob(file) if path not in before],
        )


def test_what_is_pushed_is_listed_and_pulled_byte_for_byte(kept: Kept, tmp_path: Path) -> None:
    """The newest version comes first; pulled, a package is what was pushed and nothing else."""
    registry = kept.registry
    assert isinstance(registry._place, RegistryPlace)
    assert registry.versions() == []
    first = registry.push(default_package())
    second = registry.push(other_heads(tmp_path / "other"))
    assert [entry.version for entry in registry.versions()] == [second.version, BUILT_IN]
    pulled = registry.pull(BUILT_IN, tmp_path / "pulled")
    assert {path.name for path in pulled.folder.iterdir()} == CONTENT
    for name in CONTENT:
        assert (pulled.folder / name).read_bytes() == (default_package().folder / name).read_bytes()
    assert first.size_bytes == sum(file.size_bytes for file in pulled.manifest.files)
    assert registry.pull(BUILT_IN, tmp_path / "pulled").folder == pulled.folder  # once more does no harm


def test_one_version_is_one_package(kept: Kept, tmp_path: Path) -> None:
    """Pushed again it stays as it is; another package under its name is refused, as is a folder in use."""
    registry = kept.registry
    entry = registry.push(default_package())
    assert registry.push(default_package()) == entry
    assert registry.versions() == [entry]
    folder = tmp_path / "copy"
    shutil.copytree(default_package().folder, folder)
    manifest = json.loads((folder / MANIFEST_NAME).read_bytes())
    (folder / MANIFEST_NAME).write_text(json.dumps(manifest | {"description": "another"}))
    with pytest.raises(ConflictError, match="with another manifest"):
        registry.push(load_package(folder))
    with pytest.raises(ConflictError, match="name another folder"):
        registry.pull(BUILT_IN, folder)
    with pytest.raises(UnknownError, match=f"it has: {BUILT_IN}"):
        registry.pull("lite9-1", tmp_path / "none")
    with pytest.raises(UnknownError, match="expected a version"):
        registry.pull("../secrets", tmp_path / "none")


def test_damage_in_the_registry_is_found_and_leaves_nothing_behind(kept: Kept, tmp_path: Path) -> None:
    """The manifest or another file of a version, one byte of it another or one more than there should be."""
    if kept.written is None:
        pytest.skip("what is in memory is damaged by nobody else")
    kept.registry.push(default_package())
    for name in (MANIFEST_NAME, default_package().manifest.embedder.file):
        (path,) = kept.written(name)
        good = path.read_bytes()
        for bad in (good[:-1] + bytes([good[-1] ^ 1]), good + b" "):
            path.write_bytes(bad)
            with pytest.raises(ModelPackageError, match="is not what"):
                kept.registry.pull(BUILT_IN, tmp_path / "pulled" / "model")
            assert list((tmp_path / "pulled").glob("*")) + list((tmp_path / "pulled").glob(".*")) == []
        path.write_bytes(good)
    assert kept.registry.pull(BUILT_IN, tmp_path / "pulled" / "model").manifest == default_package().manifest


def test_old_versions_go_and_the_newest_and_the_spared_stay(kept: Kept, tmp_path: Path) -> None:
    """So does what an alias stands for. Nothing is left of what goes."""
    registry = kept.registry
    registry.push(default_package())
    others = [registry.push(other_heads(tmp_path / str(n), n)).version for n in (2, 3, 4)]
    registry.point("active", others[0])
    gone = registry.prune(1, {BUILT_IN})
    assert [entry.version for entry in gone] == [others[1]]
    assert [entry.version for entry in registry.versions()] == [others[2], others[0], BUILT_IN]
    with pytest.raises(UnknownError):
        registry.pull(others[1], tmp_path / "pulled")
    if kept.written is not None:
        assert len(kept.written(MANIFEST_NAME)) == 3
    registry.push(load_package(tmp_path / "3"))  # what went can come again
    assert registry.pull(others[1], tmp_path / "pulled").manifest == load_package(tmp_path / "3").manifest


def test_an_alias_stands_for_one_version_at_a_time(kept: Kept, tmp_path: Path) -> None:
    """It moves, it goes, and it stands for nothing that is not there."""
    registry = kept.registry
    assert registry.aliases() == {}
    registry.point("active", None)
    first = registry.push(default_package()).version
    second = registry.push(other_heads(tmp_path / "other")).version
    registry.point("active", first)
    registry.point("candidate", second)
    assert registry.aliases() == {"active": first, "candidate": second}
    registry.point("active", second)
    assert (registry.resolved("@active"), registry.resolved(first)) == (second, first)
    registry.point("active", None)
    assert registry.aliases() == {"candidate": second}
    with pytest.raises(UnknownError, match="it has: @candidate"):
        registry.resolved("@active")
    with pytest.raises(UnknownError, match="has no model lite9-1"):
        registry.point("active", "lite9-1")
    for bad in ("", "latest", "v2", "../x", "Active", "a" * 65):
        with pytest.raises(InputError, match="expected an alias"):
            registry.point(bad, first)


def test_a_model_that_nobody_trusted_signed_is_refused(kept: Kept, tmp_path: Path) -> None:
    """Signed later, it is taken; signatures add up."""
    registry, private, another = kept.registry, new_private_key(), new_private_key()
    manifest = (default_package().folder / MANIFEST_NAME).read_bytes()
    trust = partial(require_trusted, trusted=[public_key(private)])
    registry.push(default_package(), [sign(manifest, another)])
    with pytest.raises(ModelPackageError, match="none of them such a one"):
        registry.pull(BUILT_IN, tmp_path / "pulled", trust)
    assert len(registry.push(default_package(), [sign(manifest, private)]).signatures) == 2
    assert registry.pull(BUILT_IN, tmp_path / "pulled", trust).manifest == default_package().manifest
