"""A worker follows the model in charge: once that is another one, it fetches it, and goes on with it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

from sploot_media_clustering.errors import SplootError
from sploot_media_clustering.services.models_in_charge import ModelsInCharge, in_charge

_log = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 5.0
"""Between two looks; a worker of a model that was replaced takes no jobs meanwhile."""

Fetch = Callable[[str], Path]
"""The folder of a model of some version; raises a ``SplootError`` where it can't be had."""


async def successor(
    models: ModelsInCharge,
    own: str,
    fetch: Fetch,
    *,
    passed: bool = True,
    look_every_s: float = LOOK_EVERY_S,
) -> Path:
    """Wait until another model is in charge, and fetch it; one that can't be had is asked for again.

    Args:
        models: as the store remembers them.
        own: version of the model that runs; it takes charge where it never was and passed the gate.
        fetch: gets a model.
        passed: whether it did.
        look_every_s: between two looks.

    Returns:
        The folder of the model package.
    """
    while True:
        try:
            version = await in_charge(models, own, passed=passed)
            if version not in {own, None}:
                _log.info("model %s is in charge: fetching it", version)
                return await asyncio.to_thread(fetch, version)
        except (SplootError, OSError) as error:
            _log.warning("the model in charge can't be followed yet: %s", error)
        await asyncio.sleep(look_every_s)
