"""What a process computed for an album, written down before it is committed, so that it can be replayed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from sploot_media_clustering.services import album_record
from sploot_media_clustering.services.album_record import AlbumRecord
from sploot_media_clustering.services.applying import AlbumApplier, Applied, Prepared
from sploot_media_clustering.services.clustering import ClusteringService
from sploot_media_clustering.services.jobs import Position

Apply: TypeAlias = Callable[..., Applied]


class Line(msgspec.Struct, frozen=True):
    """One application of jobs to an album; most, but not all, were committed.

    Attributes:
        pet_id: the album.
        version: that it would become.
        settle: whether it was to settle.
        positions: of the jobs in it, by their ids.
        before: digest of the record that it was applied to.
        after: digest of what became of it.
    """

    pet_id: str
    version: int
    settle: bool
    positions: dict[str, Position]
    before: str
    after: str


class Audit:
    """The file of one process.

    Args:
        folder: of the files of all.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / f"{os.getpid()}.jsonl"
        self._file = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)

    def around(self, apply: Apply) -> Apply:
        """What applies jobs to albums, and writes it down."""

        def applied(
            record: AlbumRecord, jobs: Sequence[Prepared], *, pet_id: str, version: int, settle: bool
        ) -> Applied:
            done = apply(record, jobs, pet_id=pet_id, version=version, settle=settle)
            positions = {part.job_id: part.position for part in jobs if part.job_id not in done.refused}
            line = Line(pet_id, version, settle, positions, digest(record), digest(done.record))
            os.write(self._file, msgspec.json.encode(line) + b"\n")
            return done

        return applied


class AuditedApplier(AlbumApplier):
    """Writes down what it does.

    Args:
        audit: of this process.
    """

    def __init__(self, clustering: ClusteringService, audit: Audit, *, questions: int) -> None:
        super().__init__(clustering, questions=questions)
        self.apply = audit.around(super().apply)  # type: ignore[method-assign]


def audit_all(audit: Audit) -> None:
    """Have every applier of this process write down what it does."""
    original = AlbumApplier.apply

    def applied(self: AlbumApplier, *args: Any, **kwargs: Any) -> Applied:  # noqa: ANN401 - passed on
        return audit.around(partial(original, self))(*args, **kwargs)

    AlbumApplier.apply = applied  # type: ignore[method-assign]


def digest(record: AlbumRecord) -> str:
    return hashlib.sha256(album_record.pack(record)).hexdigest()


def lines(folder: Path) -> Iterable[Line]:
    """All that was written down; a line that its writer's death cut short tells of nothing committed."""
    for path in sorted(folder.glob("*.jsonl")):
        whole = path.read_bytes().rpartition(b"\n")[0]
        for line in whole.splitlines():
            yield msgspec.json.decode(line, type=Line)
