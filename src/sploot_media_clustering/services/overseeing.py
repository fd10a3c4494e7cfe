"""What those who run the service see of it, and may tell it: how much waits, where, and to pause."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal, Protocol, TypeAlias, runtime_checkable

import msgspec

from sploot_media_clustering.services.drift import DriftReport
from sploot_media_clustering.services.lanes import LaneName

MOST_LETTERS: Final = 10_000
"""Dead letters that are kept. Each is work for somebody; what would fill them is a fault upstream."""
OpenStatus: TypeAlias = Literal["in_hand", "waiting"]
ALARMING: Final = 0.8
"""Share of them from which on it is time to look, before jobs have to wait."""


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """The jobs of one lane.

    Attributes:
        partition: from 0.
        lane: live or back-fill.
        waiting: jobs that no worker has taken up.
        in_hand: jobs that a worker has.
        oldest_s: age of the oldest of both; 0 where there is none.
    """

    partition: int
    lane: LaneName
    waiting: int
    in_hand: int
    oldest_s: float


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """The service at a glance.

    Attributes:
        paused_at: since when no new jobs are taken up; None while they are.
        waiting: jobs that no worker has taken up.
        in_hand: jobs that a worker has.
        oldest_s: age of the oldest of both; 0 where there is none.
        workers: names of workers that were heard of lately.
        dead_letters: messages that were given up.
        dead_letters_most: of them that are kept; beyond it jobs wait.
        drift: what the last look at all albums came to; None where nobody looked.
        lanes: of each partition, live ones first, back-fill last.
    """

    paused_at: datetime | None
    waiting: int
    in_hand: int
    oldest_s: float
    workers: tuple[str, ...]
    dead_letters: int
    dead_letters_most: int
    drift: DriftReport | None = None
    lanes: tuple[Waiting, ...] = ()

    @property
    def alarm(self) -> str | None:
        """What somebody has to look after; None where nothing is."""
        if self.dead_letters >= self.dead_letters_most:
            return f"there are {self.dead_letters} dead letters and no room for more: jobs that fail wait"
        if self.dead_letters >= ALARMING * self.dead_letters_most:
            return f"there are {self.dead_letters} dead letters, {self.dead_letters_most} at most"
        return None


class OpenJob(msgspec.Struct, frozen=True, kw_only=True):
    """A job that has not ended.

    Attributes:
        entry_id: among those of all streams.
        job_id: None where the message can't be read.
        pet_id: the album; None where the message can't be read.
        status: ``in_hand`` of a worker, or ``waiting``.
        age_s: since it was stored.
        lane: in which it is.
        worker: that has it.
        silent_s: since that worker last said so.
        deliveries: times that it was handed out.
    """

    entry_id: str
    job_id: str | None
    pet_id: str | None
    status: OpenStatus
    age_s: float
    lane: LaneName = "live"
    worker: str | None = None
    silent_s: float | None = None
    deliveries: int = 0


@runtime_checkable
class Overseer(Protocol):
    """Looks after the service."""

    async def overview(self) -> Overview:
        """The service at a glance.

        Raises:
            StoreUnavailableError: the store did not answer.
        """
        ...

    async def open_jobs(self, limit: int) -> tuple[OpenJob, ...]:
        """Jobs that have not ended: first those in hand, then those that wait, the oldest first."""
        ...

    async def pause(self) -> None:
        """Let workers take up no more jobs; what they have in hand they finish."""
        ...

    async def resume(self) -> None:
        """Let them go on."""
        ...
