"""States of albums, kept beside the results: a second run into a folder goes on from the first."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Final

from rich.markup import escape

from sploot_media_clustering.adapters.atomic_file import write_atomically
from sploot_media_clustering.domain.decisions import Decision
from sploot_media_clustering.domain.tree import AlbumState
from sploot_media_clustering.entrypoints.cli.console import err
from sploot_media_clustering.entrypoints.cli.results import HIDDEN, Results
from sploot_media_clustering.errors import InputError, StateError
from sploot_media_clustering.services.clustering import ClusteringService
from sploot_media_clustering.services.decision_records import decision_of
from sploot_media_clustering.services.state_codec import pack, unpack

_NAME_DIGITS: Final = 32
"""Of the digest that stands for an album's name, which may be too long or too odd for a file's."""


class KeptStates:
    """The states of the albums that were clustered into one folder.

    Args:
        out: the folder.
        clustering: that reads and continues the states.
    """

    def __init__(self, out: Path, clustering: ClusteringService) -> None:
        self._folder = out / HIDDEN
        self._clustering = clustering

    def load(self, album: str, expected_animals: tuple[int, int] | None) -> AlbumState:
        """The state of the last run; a new one where there is none that fits, which is said.

        Args:
            album: its name.
            expected_animals: the owner's word of this run; that of an earlier run does not hold.
        """
        path = self._path(album)
        start = self._clustering.empty(expected_animals)
        if not path.is_file():
            return start
        try:
            state = unpack(path.read_bytes())
        except StateError as error:
            err.print(f"[yellow]Ids of {escape(album)} start anew:[/] {escape(str(error))}", soft_wrap=True)
            return replace(start, decisions=self._told(album))
        return replace(state, expected_animals=expected_animals)

    def _told(self, album: str) -> tuple[Decision, ...]:
        """What was said, as ``clusters.json`` has it; nothing where that is gone too."""
        try:
            told = Results(self._folder.parent).answers()[album].decisions
        except (InputError, KeyError):
            return ()
        return tuple(decision_of(part, part.at, part.id) for part in told)

    def known(self, album: str) -> AlbumState:
        """The state of the last run.

        Raises:
            InputError: there is none.
            StateError: it is damaged.
        """
        path = self._path(album)
        if not path.is_file():
            raise InputError(f"nothing is kept of album {album!r} in {self._folder}; run cluster again")
        return unpack(path.read_bytes())

    def save(self, album: str, state: AlbumState) -> None:
        """Keep the state for the next run, whole or not at all."""
        write_atomically(self._path(album), pack(state))

    def _path(self, album: str) -> Path:
        digest = hashlib.sha256(album.encode()).hexdigest()
        return self._folder / f"{digest[:_NAME_DIGITS]}.state"
