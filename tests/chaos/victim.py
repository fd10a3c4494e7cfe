"""A worker that may kill itself before or after the store, or the disk, has done what it asked for.

``python -m chaos.victim URL FOLDER MODEL [before:STEP:COUNT | after:STEP:COUNT]``
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from fake_worker import MANNER, SketchEmbedder, SketchSource, sketch_clustering

from chaos.audit import Audit, audit_all
from chaos.traffic import NETWORKS_OF
from sploot_media_clustering.adapters import redis_connection
from sploot_media_clustering.adapters import redis_scripts as scripts
from sploot_media_clustering.adapters.filesystems import FileSystems
from sploot_media_clustering.adapters.pet_embeddings import FolderPetEmbeddings
from sploot_media_clustering.adapters.redis_connection import RedisConnection, Value
from sploot_media_clustering.bootstrap_worker import Tools
from sploot_media_clustering.domain.album import PhotoEmbedding
from sploot_media_clustering.entrypoints.worker import work
from sploot_media_clustering.services.processing import Limits

SCRIPTS = {
    scripts.ENDED: "ended",
    scripts.READ: "album read",
    scripts.COMMIT: "commit",
    scripts.RELAY: "relay",
    scripts.SHORTEN_OUTBOX: "outbox",
    scripts.TELL: "tell",
    scripts.ACKNOWLEDGE: "acknowledge",
    scripts.BURY: "bury",
    scripts.ADD_LETTER: "letter",
    scripts.BEAT: "beat",
    scripts.ATTEMPT: "attempt",
    scripts.SET_ASIDE: "set aside",
}
COMMANDS = {"XREADGROUP": "read", "XAUTOCLAIM": "claim"}
KEPT = ("keep", "erase")
RARE = {"set aside", "claim", "attempt", "bury", "letter", "erase", "beat"}
"""Steps that few jobs come to, or few before the worker is killed by another hand."""
STEPS = (*SCRIPTS.values(), *COMMANDS.values(), *KEPT)
ATTEMPTS = 3


class Fate:
    """Ends the process, without a chance to tidy up, at one moment.

    Args:
        told: ``before:STEP:COUNT`` or ``after:STEP:COUNT``; empty for a long life.
    """

    def __init__(self, told: str) -> None:
        self._when, self._step, count = (told or "never::1").split(":")
        self._left = int(count)

    def strike(self, when: str, step: str | None) -> None:
        if (when, step) == (self._when, self._step):
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


class MortalConnection(RedisConnection):
    """A connection whose owner may die around any request."""

    fate: Fate

    async def execute(self, *command: Value) -> Any:  # noqa: ANN401 - as above it
        step = COMMANDS.get(str(command[0]))
        self.fate.strike("before", step)
        told = await super().execute(*command)
        self.fate.strike("after", step)
        return told

    async def run(self, script: str, keys: Sequence[str], args: Sequence[Value] = ()) -> Any:  # noqa: ANN401
        step = SCRIPTS.get(script)
        self.fate.strike("before", step)
        told = await super().run(script, keys, args)
        self.fate.strike("after", step)
        return told


class MortalEmbeddings(FolderPetEmbeddings):
    """Kept embeddings whose owner may die around any write."""

    fate: Fate

    def save(self, pet_id: str, image_id: str, key: str, embedding: PhotoEmbedding) -> None:
        self.fate.strike("before", "keep")
        super().save(pet_id, image_id, key, embedding)
        self.fate.strike("after", "keep")

    def erase(self, pet_id: str, image_ids: Collection[str] | None = None) -> None:
        self.fate.strike("before", "erase")
        super().erase(pet_id, image_ids)
        self.fate.strike("after", "erase")


def main() -> None:
    url, told_folder, model, *told = sys.argv[1:]
    folder = Path(told_folder)
    MortalConnection.fate = MortalEmbeddings.fate = Fate(told[0] if told else "")
    audit_all(Audit(folder / "audit"))
    # The composition root builds it itself; here it builds ours.
    redis_connection.RedisConnection = MortalConnection
    kept = MortalEmbeddings(str(folder / "kept"), FileSystems())
    networks = NETWORKS_OF[model]
    tools = Tools(sketch_clustering(model, networks), SketchEmbedder(networks), SketchSource(), kept)
    work(url, tools, replace(MANNER, limits=Limits(attempts=ATTEMPTS)))


if __name__ == "__main__":
    main()
