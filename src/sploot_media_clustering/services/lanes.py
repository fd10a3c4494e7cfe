"""Where jobs wait: in the partition of their album, in the lane that they name.

Publishers add a job to the live lane of a partition, whose entry ids order the partition's jobs. A job that
says that it is back-fill is set aside from there into the other lane, and keeps its place in the order.
"""

from __future__ import annotations

import zlib
from typing import Final, Literal, NamedTuple, TypeAlias

LaneName: TypeAlias = Literal["live", "backfill"]
"""Live jobs go first; back-fill takes what they leave, and always a little."""
LANE_NAMES: Final[tuple[LaneName, ...]] = ("live", "backfill")
MOST_PARTITIONS: Final = 32
"""A worker waits at each lane of each with a connection of its own."""

_PARTITION: Final = 1_000_000_000
_BACKFILL: Final = 500_000_000
"""By which the numbers of entry ids are raised, so that no two entries of all streams have the same id; no
millisecond sees as many entries. Of the first partition's live lane they stay as they are."""


class Lane(NamedTuple):
    """One of the streams in which jobs wait.

    Attributes:
        partition: from 0.
        name: live or back-fill.
    """

    partition: int
    name: LaneName

    @property
    def _raised(self) -> int:
        return self.partition * _PARTITION + (_BACKFILL if self.name == "backfill" else 0)

    def named(self, stream_id: str) -> str:
        """What an entry is called among those of all streams, by its id in this one."""
        ms, _, number = stream_id.partition("-")
        return f"{ms}-{int(number) + self._raised}"


def require_lane(told: str) -> None:
    """A lane as a job names it.

    Raises:
        ValueError: there is no such lane.
    """
    if told not in LANE_NAMES:
        raise ValueError("expected the lane 'live' or 'backfill', got another")


LIVE: Final = Lane(0, "live")
"""Where there is one partition, the stream that publishers add to."""


def located(entry_id: str) -> tuple[Lane, str]:
    """The lane of an entry, and its id in that stream."""
    ms, _, number = entry_id.partition("-")
    partition, rest = divmod(int(number), _PARTITION)
    lane = Lane(partition, LANE_NAMES[rest // _BACKFILL])
    return lane, f"{ms}-{rest % _BACKFILL}"


def lanes_of(partitions: int) -> tuple[Lane, ...]:
    """All of them, live ones first."""
    return tuple(Lane(partition, name) for name in LANE_NAMES for partition in range(partitions))


def partition_of(pet_id: str, partitions: int) -> int:
    """The partition of an album: CRC-32 (of zlib, gzip, PNG) of its id in UTF-8, modulo their number."""
    return zlib.crc32(pet_id.encode()) % partitions
