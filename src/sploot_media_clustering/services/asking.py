"""Doubts of an album as questions for people: the photos to look at, and what a yes or a no says."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

import msgspec
import numpy as np
from jaxtyping import Int64

from sploot_media_clustering.domain.decisions import SightingRef
from sploot_media_clustering.domain.doubts import Doubt, doubts
from sploot_media_clustering.domain.tree import AlbumState, TreeModel
from sploot_media_clustering.services.answer import Cluster
from sploot_media_clustering.services.decision_records import Question, Said, Sighted, sighted
from sploot_media_clustering.services.shapes import as_fraction

MOST_QUESTIONS: Final = 20
"""More are not read."""

_EXAMPLES: Final = 3
_SPOKESMEN: Final = 24
"""Sightings that stand for an animal in an answer to a question; the surest of it."""

_ID_HEX: Final = 12
_WORTH_DECIMALS: Final = 2


def questions(
    state: AlbumState, clusters: Mapping[str, Cluster], model: TreeModel, most: int = MOST_QUESTIONS
) -> tuple[Question, ...]:
    """What a person could settle about an album, the most worth first.

    Args:
        state: of the album, as last settled.
        clusters: of its answer, by id.
        model: that it settled under.
        most: questions.
    """
    asker = _Asker(state, clusters)
    return tuple(asker.question(doubt) for doubt in doubts(state, model, most))


class _Asker:
    def __init__(self, state: AlbumState, clusters: Mapping[str, Cluster]) -> None:
        self._state = state
        self._clusters = clusters
        self._sighted = [
            sighted(SightingRef(photo.image_id, one.box)) for photo in state.photos for one in photo.sightings
        ]

    def question(self, doubt: Doubt) -> Question:
        ids = tuple(self._state.subject_ids[k] for k in doubt.subjects)
        called = [self._clusters[part].name or self._clusters[part].label for part in ids]
        group, others = self._spokesmen(doubt.rows), self._spokesmen(doubt.others)
        text, yes, no = {
            "confirm": (f"Is this {called[0]} too?", "confirm", "not_this"),
            "same": (f"Are {called[0]} and {called[-1]} the same animal?", "same", "different"),
            "check": (f"{called[0]}: are these two groups different animals?", "different", "same"),
        }[doubt.kind]
        digest = hashlib.sha256(msgspec.json.encode((doubt.kind, group, others)))
        return Question(
            id=digest.hexdigest()[:_ID_HEX],
            kind=doubt.kind,
            text=text,
            cluster_ids=ids,
            sightings=group[:_EXAMPLES],
            others=others[:_EXAMPLES],
            probability=as_fraction(doubt.probability),
            worth=round(doubt.worth, _WORTH_DECIMALS),
            yes=msgspec.convert({"kind": yes, "sightings": group, "others": others}, Said),
            no=msgspec.convert({"kind": no, "sightings": group, "others": others}, Said),
        )

    def _spokesmen(self, rows: Int64[np.ndarray, " m"]) -> tuple[Sighted, ...]:
        order = np.argsort(-self._state.subjects.probabilities[rows], kind="stable")
        return tuple(self._sighted[row] for row in rows[order[:_SPOKESMEN]].tolist())
