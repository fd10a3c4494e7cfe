"""What a process computed for an album, written down before it is committed, so that it can be replayed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from sploot_media_clustering.services import album_record
from sploot_media_clustering.services.album_record import AlbumRecord
from sploot_media_clustering.services.applying import AlbumApplier, Applied, Prepared
from sploot_media_clustering.services.clustering import ClusteringService
from sploot_media_clustering.services.jobs import Position


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


class AuditedApplier(AlbumApplier):
    """Writes down what it does; ``folder`` is set once a process."""

    folder: Path

    def __init__(self, clustering: ClusteringService, *, top: int = 3, questions: int = 0) -> None:
        super().__init__(clustering, top=top, questions=questions)
        self._file = os.open(
            self.folder / f"{os.getpid()}.jsonl", os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600
        )

    def apply(
        self, record: AlbumRecord, jobs: Sequence[Prepared], *, pet_id: str, version: int, settle: bool
    ) -> Applied:
        applied = super().apply(record, jobs, pet_id=pet_id, version=version, settle=settle)
        positions = {part.job_id: part.position for part in jobs if part.job_id not in applied.refused}
        line = Line(pet_id, version, settle, positions, digest(record), digest(applied.record))
        os.write(self._file, msgspec.json.encode(line) + b"\n")
        return applied


def digest(record: AlbumRecord) -> str:
    return hashlib.sha256(album_record.pack(record)).hexdigest()


def lines(folder: Path) -> Iterable[Line]:
    """All that was written down; a line that its writer's death cut short tells of nothing committed."""
    for path in sorted(folder.glob("*.jsonl")):
        whole = path.read_bytes().rpartition(b"\n")[0]
        for line in whole.splitlines():
            yield msgspec.json.decode(line, type=Line)
