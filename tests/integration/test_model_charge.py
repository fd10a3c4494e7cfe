"""Commands that put a model in charge of a service's albums, on a real store."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from embedded_server import server_url
from typer.testing import Result

from sploot_media_clustering.adapters.model_package import default_package, load_package
from sploot_media_clustering.adapters.package_heads import write_gate
from sploot_media_clustering.adapters.redis_connection import connect
from sploot_media_clustering.adapters.redis_models import RedisModels
from sploot_media_clustering.bootstrap import built_in_heads
from sploot_media_clustering.errors import ModelPackageError
from sploot_media_clustering.services.manifest import MANIFEST_NAME, write_manifest

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def _store(monkeypatch: pytest.MonkeyPatch) -> None:
    async def emptied() -> None:
        connection = connect(server_url())
        await connection.execute("FLUSHALL")
        await RedisModels(connection).take("older-model")
        await connection.close()

    asyncio.run(emptied())
    monkeypatch.setenv("REDIS_URL", server_url())


def in_charge(run: Run) -> list[str]:
    told = run("model", "history", "--json")
    assert told.exit_code == 0
    return [json.loads(line)["model_version"] for line in told.stdout.splitlines()]


def test_a_model_is_activated_and_taken_back(run: Run) -> None:
    """Each step is in the history."""
    assert run("model", "rollback").exit_code == 3
    version = built_in_heads().tree.version
    assert run("model", "activate").exit_code == 0
    assert in_charge(run) == ["older-model", version]
    back = run("model", "rollback")
    assert (back.exit_code, "older-model" in back.stderr) == (0, True)
    assert in_charge(run) == ["older-model", version, "older-model"]
    assert "older-model" in run("model", "history").stdout


def test_the_registry_knows_which_model_is_active(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that was activated last; none, where that was never pushed."""
    monkeypatch.setenv("SPLOOT_REGISTRY", "registry")
    assert run("model", "push").exit_code == 0
    assert run("model", "activate").exit_code == 0
    assert json.loads(run("model", "list", "--json").stdout)["aliases"] == ["active"]
    assert "not in the registry" in run("model", "rollback").stderr
    assert json.loads(run("model", "list", "--json").stdout)["aliases"] == []


def test_the_models_of_an_album_nobody_heard_of(run: Run) -> None:
    """A clear word, and no table."""
    told = run("model", "history", "--pet", "nobody")
    assert (told.exit_code, told.stdout) == (3, "")
    assert "there is no such album" in told.stderr


def test_what_did_not_pass_the_gate_has_to_be_accepted(run: Run, tmp_path: Path) -> None:
    """Left to itself it is refused; accepted, the history says so, also when it comes back."""
    folder = tmp_path / "unmeasured"
    shutil.copytree(default_package().folder, folder)
    manifest = json.loads((folder / MANIFEST_NAME).read_bytes())
    (folder / MANIFEST_NAME).write_text(json.dumps(manifest | {"gate": None}))
    refused = run("model", "activate", str(folder))
    assert refused.exit_code == 4
    assert "--accept-unmeasured" in refused.stderr
    assert in_charge(run) == ["older-model"]

    assert run("model", "activate", str(folder), "--accept-unmeasured").exit_code == 0
    assert run("model", "rollback").exit_code == 0
    assert run("model", "rollback").exit_code == 0
    told = [json.loads(line) for line in run("model", "history", "--json").stdout.splitlines()]
    assert [term["unmeasured"] for term in told] == [False, True, False, True]
    assert "accepted unmeasured" in run("model", "history").stdout


def test_heads_that_were_not_judged_did_not_pass(tmp_path: Path) -> None:
    """A gate passed by other heads says nothing of these."""
    folder = tmp_path / "others"
    shutil.copytree(default_package().folder, folder)
    package = load_package(folder)
    gate = package.manifest.gate
    assert gate is not None
    version = built_in_heads().tree.version
    assert package.manifest.passed_gate(version), (
        "'eval gate RESULTS BASELINE --package' writes that the built-in model passed"
    )
    with pytest.raises(ModelPackageError, match=r"expected results of lite0.* got results of another"):
        write_gate(package, msgspec.structs.replace(gate, model="another"))
    others = msgspec.structs.replace(package.manifest, gate=msgspec.structs.replace(gate, model="another"))
    (folder / MANIFEST_NAME).write_bytes(write_manifest(others))
    assert not load_package(folder).manifest.passed_gate(version)


def test_what_is_no_package_is_not_activated(run: Run) -> None:
    """And the store is left as it is."""
    assert run("model", "activate", "nothing").exit_code == 4
    assert in_charge(run) == ["older-model"]
