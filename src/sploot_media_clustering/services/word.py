"""What people said of an album, as its answer shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool
from msgspec import structs

from sploot_media_clustering.domain.hero import Candidate
from sploot_media_clustering.domain.statements import (
    Assignment,
    Statement,
    choices,
    confirmed,
    rejected,
    standing,
    statements,
)
from sploot_media_clustering.domain.tree import AlbumState
from sploot_media_clustering.services.decision_records import Decided, record


@dataclass(frozen=True, slots=True, eq=False)
class Word:
    """The decisions of an album, found in its photos.

    Attributes:
        said: oldest first.
        superseded: id of each decision that gave way, and of the newer one.
        sure: sightings that a person confirmed where they are.
        none: sightings of which a person said that they show no animal.
        choice: newest word on whether each sighting is to be shown, and its place among all decisions.
    """

    said: tuple[Statement, ...]
    superseded: Mapping[str, str]
    sure: Bool[np.ndarray, " s"]
    none: Bool[np.ndarray, " s"]
    choice: Mapping[int, tuple[int, str]]

    @staticmethod
    def of(state: AlbumState) -> Word:
        """The word on an album, as last settled."""
        said = statements(state.decisions, state.photos)
        turn = {id(statement): place for place, statement in enumerate(said, start=1)}
        newest = {row: (turn[id(s)], s.decision.kind) for row, s in choices(said).items()}
        held = standing(said, state.superseded)
        sure = confirmed(held, Assignment(state.subjects.labels, state.animals))
        return Word(tuple(said), state.superseded, sure, rejected(held, len(sure)), newest)

    def confirmed(self, row: int) -> bool:
        """Whether a person said that a sighting belongs where it is."""
        return bool(self.sure[row])

    def rejected(self, row: int) -> bool:
        """Whether a person said that a sighting shows no animal."""
        return bool(self.none[row])

    def pinned(self, row: int) -> bool:
        """Whether a person chose a sighting to be shown."""
        return row in self.choice and self.choice[row][1] == "hero"

    def candidate(self, row: int, candidate: Candidate) -> Candidate:
        """A candidate, pinned (the newest pin first) or vetoed as was said of its sighting."""
        if row not in self.choice:
            return candidate
        turn, kind = self.choice[row]
        return replace(candidate, pinned=turn if kind == "hero" else 0, vetoed=kind == "not_hero")

    def decisions(self) -> tuple[Decided, ...]:
        """Every decision with its standing, oldest first."""
        return tuple(self._decided(statement) for statement in self.said)

    def _decided(self, statement: Statement) -> Decided:
        told = structs.asdict(record(statement.decision))
        if statement.waiting:
            return Decided(**told, status="waiting")
        newer = self.superseded.get(statement.decision.id)
        return Decided(**told, status="holds" if newer is None else "superseded", superseded_by=newer)
