"""The models in charge, in Redis."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from sploot_media_clustering.adapters import redis_keys as keys
from sploot_media_clustering.adapters import redis_scripts as scripts
from sploot_media_clustering.adapters.redis_connection import RedisConnection
from sploot_media_clustering.services.models_in_charge import Term

_TERMS_KEPT: Final = 256
_UNMEASURED: Final = "u"
"""Behind the milliseconds of a term whose model did not pass the gate."""


class RedisModels:
    """Implements :class:`~sploot_media_clustering.services.models_in_charge.ModelsInCharge`.

    Args:
        connection: to the store.
    """

    def __init__(self, connection: RedisConnection) -> None:
        self._connection = connection

    async def take(self, model_version: str) -> str:
        """Put a model in charge that never was; the version that is in charge then."""
        return await self._put(model_version, "unless it was")

    async def activate(self, model_version: str, *, unmeasured: bool = False) -> None:
        """Put a model in charge, whatever came before."""
        await self._put(model_version, "always", _UNMEASURED if unmeasured else "")

    async def terms(self) -> tuple[Term, ...]:
        """The newest terms, oldest first."""
        return tuple(map(_term, await self._connection.execute("LRANGE", keys.MODELS, 0, -1)))

    async def _put(self, model_version: str, when: str, mark: str = "") -> str:
        term = await self._connection.run(
            scripts.TAKE_CHARGE, [keys.MODELS], [model_version, when, _TERMS_KEPT, mark]
        )
        return _term(term).model_version


def _term(kept: bytes) -> Term:
    told, _, version = kept.decode().partition(" ")
    since_ms = told.removesuffix(_UNMEASURED)
    return Term(version, datetime.fromtimestamp(int(since_ms) / 1000, UTC), unmeasured=told != since_ms)
