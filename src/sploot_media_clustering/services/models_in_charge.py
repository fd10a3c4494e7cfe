"""Which model is in charge of the albums, while workers of two releases run side by side.

A worker of a model that never was in charge takes charge, so that rolling a release out is enough. A model
that another replaced waits until somebody activates it again, so that the workers that are left of the old
release take nothing back. Albums follow one by one, see :mod:`.carrying`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol, runtime_checkable

from sploot_media_clustering.errors import UnknownError

_GOOD_FOR_S: Final = 1.0
"""How long a worker goes on with what it read."""


@dataclass(frozen=True, slots=True)
class Term:
    """A model's time in charge.

    Attributes:
        model_version: of the model package.
        since: when it began; it ends with the next one.
    """

    model_version: str
    since: datetime


@runtime_checkable
class ModelsInCharge(Protocol):
    """The models in charge, one after the other, as the store remembers them."""

    async def take(self, model_version: str) -> str:
        """Put a model in charge that never was; the version that is in charge then.

        Raises:
            StoreUnavailableError: the store did not answer.
        """
        ...

    async def activate(self, model_version: str) -> None:
        """Put a model in charge, whatever came before.

        Raises:
            StoreUnavailableError: the store did not answer.
        """
        ...

    async def terms(self) -> tuple[Term, ...]:
        """The newest terms, oldest first.

        Raises:
            StoreUnavailableError: the store did not answer.
        """
        ...


class Charge:
    """Whether this worker's model is in charge; implements :class:`~.consuming.Gate`.

    Args:
        models: as the store remembers them.
        model_version: of this worker.
        clock: seconds, rising.
    """

    def __init__(
        self, models: ModelsInCharge, model_version: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._models = models
        self._own = model_version
        self._clock = clock
        self._in_charge = ""
        self._good_until_s = -1.0

    async def shut(self) -> str | None:
        """Why this worker takes no jobs, for people; None while it may.

        Raises:
            StoreUnavailableError: the store did not answer.
        """
        if self._clock() >= self._good_until_s:
            self._in_charge = await self._models.take(self._own)
            self._good_until_s = self._clock() + _GOOD_FOR_S
        if self._in_charge == self._own:
            return None
        return (
            f"model {self._in_charge} is in charge and {self._own} was replaced by it; "
            "'sploot-clustering model activate' puts a model in charge"
        )


def before_last(terms: tuple[Term, ...]) -> str:
    """The model that was in charge before the one that is.

    Raises:
        UnknownError: there was none.
    """
    former = [term.model_version for term in terms[:-1] if term.model_version != terms[-1].model_version]
    if not former:
        raise UnknownError("no other model was in charge before, so there is nothing to go back to")
    return former[-1]
