"""Commands that put a model in charge of a service's albums, on a real store."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import pytest
from embedded_server import server_url
from typer.testing import Result

from sploot_media_clustering.adapters.redis_connection import connect
from sploot_media_clustering.adapters.redis_models import RedisModels
from sploot_media_clustering.bootstrap import built_in_heads

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


def test_the_models_of_an_album_nobody_heard_of(run: Run) -> None:
    """A clear word, and no table."""
    told = run("model", "history", "--pet", "nobody")
    assert (told.exit_code, told.stdout) == (3, "")
    assert "there is no such album" in told.stderr


def test_what_is_no_package_is_not_activated(run: Run) -> None:
    """And the store is left as it is."""
    assert run("model", "activate", "nothing").exit_code == 4
    assert in_charge(run) == ["older-model"]
