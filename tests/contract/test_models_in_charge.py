"""What every memory of the models in charge promises."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from embedded_server import server_url
from memory_store import MemoryModels

from sploot_media_clustering.adapters.redis_connection import connect
from sploot_media_clustering.adapters.redis_models import RedisModels
from sploot_media_clustering.errors import UnknownError
from sploot_media_clustering.services.models_in_charge import Charge, ModelsInCharge, before_last, in_charge

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=["memory", "embedded"])
async def models(request: pytest.FixtureRequest) -> AsyncIterator[ModelsInCharge]:
    if request.param == "memory":
        yield MemoryModels()
        return
    connection = connect(server_url())
    await connection.execute("FLUSHALL")
    yield RedisModels(connection)
    await connection.close()


async def test_a_new_model_takes_charge_and_a_replaced_one_waits(models: ModelsInCharge) -> None:
    """Until it is activated; then the other one waits."""
    assert isinstance(models, ModelsInCharge)
    assert await models.take("lite 1") == "lite 1"
    assert await models.take("lite 2") == "lite 2"
    assert await models.take("lite 1") == "lite 2"
    await models.activate("lite 1")
    await models.activate("lite 1")
    assert await models.take("lite 2") == "lite 1"
    terms = await models.terms()
    assert [term.model_version for term in terms] == ["lite 1", "lite 2", "lite 1"]
    assert [term.since for term in terms] == sorted(term.since for term in terms)
    assert abs((datetime.now(UTC) - terms[-1].since).total_seconds()) < 60


async def test_one_goes_back_to_the_model_before(models: ModelsInCharge) -> None:
    """Where there was one."""
    await models.take("1")
    with pytest.raises(UnknownError, match="no other model"):
        before_last(await models.terms())
    await models.take("2")
    assert before_last(await models.terms()).model_version == "1"


async def test_what_did_not_pass_the_gate_takes_nothing_by_itself(models: ModelsInCharge) -> None:
    """Neither an empty place nor another's; once somebody accepted it, the history keeps that."""
    now_s = 0.0
    charge = Charge(models, "mine 1", lambda: now_s, passed=False)
    assert "--accept-unmeasured" in (await charge.shut() or "")
    assert await models.terms() == ()
    assert await in_charge(models, "lite 1", passed=True) == "lite 1"
    assert await in_charge(models, "mine 1", passed=False) == "lite 1"
    now_s = 1.5
    assert await charge.shut() is not None
    await models.activate("mine 1", unmeasured=True)
    now_s = 3.0
    assert await charge.shut() is None
    assert [(term.model_version, term.unmeasured) for term in await models.terms()] == [
        ("lite 1", False),
        ("mine 1", True),
    ]
    assert before_last(await models.terms()).unmeasured is False
    assert await models.take("lite 1") == "mine 1"


async def test_a_worker_asks_now_and_then(models: ModelsInCharge) -> None:
    """Not for each message; once replaced, it is told by whom."""
    now_s = 0.0
    old = Charge(models, "1", lambda: now_s)
    assert await old.shut() is None
    assert await Charge(models, "2").shut() is None
    assert await old.shut() is None
    now_s = 1.5
    assert "model 2 is in charge" in (await old.shut() or "")
    await models.activate("1")
    now_s = 3.0
    assert await old.shut() is None
