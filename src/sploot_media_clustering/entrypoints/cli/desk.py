"""Commands that talk to the service's store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import ModuleType
from typing import TypeVar

from sploot_media_clustering.errors import MissingExtraError
from sploot_media_clustering.services.desk import Desk
from sploot_media_clustering.services.overseeing import Overseer
from sploot_media_clustering.settings import (
    from_environment,
    store_at_hand,
    worker_from_environment,
)

T = TypeVar("T")


def service() -> ModuleType:
    """The composition root of the service.

    Raises:
        MissingExtraError: what it needs is not installed.
    """
    try:
        from sploot_media_clustering import bootstrap_service  # noqa: PLC0415 - of the extra "service"
    except ImportError as error:
        raise MissingExtraError(
            f"the service needs {error.name}, which is not installed; "
            "run: pip install 'sploot-media-clustering[service]'"
        ) from error
    return bootstrap_service


def at_the_desk(use: Callable[[Desk], Awaitable[T]]) -> T:
    """Open the store and the desk, do something there, and close both.

    Raises:
        ConfigurationError: no store is named, or there is none to start.
        StoreUnavailableError: it does not answer.
    """
    root, store = service(), store_at_hand()

    async def used(url: str) -> T:
        await root.require_partitions(url, store.partitions)
        async with root.open_desk(url, from_environment(), store.uri_template) as desk:
            return await use(desk)

    with root.open_store(store) as url:
        return asyncio.run(used(url))


def overseen(use: Callable[[Overseer], Awaitable[T]]) -> T:
    """Open the store, look after the service, and close the store.

    Raises:
        ConfigurationError: there is no store to start.
        StoreUnavailableError: it does not answer.
    """
    root, store = service(), store_at_hand()
    most = worker_from_environment().letters_most

    async def used(url: str) -> T:
        await root.require_partitions(url, store.partitions)
        async with root.open_overseer(url, most, store.uri_template) as overseer:
            return await use(overseer)

    with root.open_store(store) as url:
        return asyncio.run(used(url))
