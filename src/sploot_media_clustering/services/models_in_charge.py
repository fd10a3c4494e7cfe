"""Which model is in charge of the albums, while workers of two releases run side by side.

A worker of a model that never was in charge takes charge, so that rolling a release out is enough. A model
that another replaced waits until somebody activates it again, so that the workers that are left of the old
release take nothing back. A model that did not pass the gate takes nothing by itself: somebody has to accept
that, and the history keeps it. Albums follow one by one, see :mod:`.carrying`.
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
        unmeasured: somebody accepted that it did not pass the gate.
    """

    model_version: str
    since: datetime
    unmeasured: bool = False


@runtime_checkable
class ModelsInCharge(Protocol):
    """The models in charge, one after the other, as the store remembers them."""

    async def take(self, model_version: str) -> str:
        """Put a model in charge that never was; the version that is in charge then.

        Raises:
            StoreUnavailableError: the store did not answer.
        """
        ...

    async def activate(self, model_version: str, *, unmeasured: bool = False) -> None:
        """Put a model in charge, whatever came before.

        Args:
            model_version: of it.
            unmeasured: it did not pass the gate, which somebody accepts.

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


async def in_charge(models: ModelsInCharge, own: str, *, passed: bool) -> str | None:
    """The model in charge, once one's own took charge where it may.

    Args:
        models: as the store remembers them.
        own: version of a worker's model; it takes charge where it never was and passed the gate.
        passed: whether it did.

    Returns:
        Its version; None where there is none.

    Raises:
        StoreUnavailableError: the store did not answer.
    """
    if passed:
        return await models.take(own)
    terms = await models.terms()
    return terms[-1].model_version if terms else None


class Charge:
    """Whether this worker's model is in charge; implements :class:`~.consuming.Gate`.

    Args:
        models: as the store remembers them.
        model_version: of this worker.
        clock: seconds, rising.
        passed: whether the model passed the gate.
    """

    def __init__(
        self,
        models: ModelsInCharge,
        model_version: str,
        clock: Callable[[], float] = time.monotonic,
        *,
        passed: bool = True,
    ) -> None:
        self._models = models
        self._own = model_version
        self._clock = clock
        self._passed = passed
        self._in_charge: str | None = None
        self._good_until_s = -1.0

    async def shut(self) -> str | None:
        """Why this worker takes no jobs, for people; None while it may.

        Raises:
            StoreUnavailableError: the store did not answer.
        """
        if self._clock() >= self._good_until_s:
            self._in_charge = await in_charge(self._models, self._own, passed=self._passed)
            self._good_until_s = self._clock() + _GOOD_FOR_S
        if self._in_charge == self._own:
            return None
        if not self._passed:
            return (
                f"model {self._own} did not pass the gate, so it takes no charge by itself; "
                "'sploot-clustering eval gate' tells whether it does, 'model activate FOLDER "
                "--accept-unmeasured' puts it in charge all the same"
            )
        return (
            f"model {self._in_charge} is in charge and {self._own} was replaced by it; "
            "'sploot-clustering model activate' puts a model in charge"
        )


def before_last(terms: tuple[Term, ...]) -> Term:
    """The last term of the model that was in charge before the one that is.

    Raises:
        UnknownError: there was none.
    """
    former = [term for term in terms[:-1] if term.model_version != terms[-1].model_version]
    if not former:
        raise UnknownError("no other model was in charge before, so there is nothing to go back to")
    return former[-1]
