"""Do degraded copies become heroes?

Protocol ``degraded-1``: an album of one animal, some of its photos and as many degraded copies, a kind in
turn; whether the first hero of its largest subject is an untouched photo, and how often a copy scores below
its original. Picture heads are fitted without the ratings of the set, identities without the set.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

import numpy as np

from sploot_media_clustering.domain.album import PhotoEmbedding
from sploot_media_clustering.domain.projection import Heads
from sploot_media_clustering.evaluation.albums import settled_album
from sploot_media_clustering.evaluation.darkroom import Darkroom
from sploot_media_clustering.evaluation.degradations import KINDS, quality_of
from sploot_media_clustering.evaluation.judged_sets import WITHOUT_THE_SET, JudgedSet
from sploot_media_clustering.evaluation.outcome import Measure, Outcome, means_of_sets, told
from sploot_media_clustering.services.answer import Answer, Cluster
from sploot_media_clustering.services.answering import Request
from sploot_media_clustering.services.clustering import ClusteringService
from sploot_media_clustering.training.labelled import LabelledPhoto
from sploot_media_clustering.training.pictures import INNER_FOLDS, fit_pictures, look_level
from sploot_media_clustering.training.ratings import RatedPhotos

ANIMALS: Final = 20
"""Of each set, drawn at random."""

LEAST_PHOTOS: Final = 4
MOST_PHOTOS: Final = 8
"""Untouched ones of an album, which gets as many copies."""

_AT: Final = datetime(2026, 1, 1, tzinfo=UTC)
_MARK: Final = "~"
"""Between a photo's name and what was done to it."""


@dataclass(frozen=True, slots=True)
class DegradedAlbum:
    """One album.

    Attributes:
        untouched: the first hero is an untouched photo.
        below: of each kind, whether each copy scores below its original; one that has no place in the
            animal's cluster does.
    """

    untouched: bool
    below: tuple[tuple[str, bool], ...]


def evaluate_degraded(
    sets: Iterable[JudgedSet],
    photos: Mapping[str, LabelledPhoto],
    embeddings: Mapping[str, PhotoEmbedding],
    rated: RatedPhotos | None,
    darkroom: Darkroom,
    *,
    animals: int = ANIMALS,
) -> dict[str, list[DegradedAlbum]]:
    """Run the protocol; the albums of each set.

    Args:
        sets: to be judged.
        photos: labelled ones, by key.
        embeddings: of them, by key.
        rated: photos, of which those of other sets fit the heads of pictures; None where there are none.
        darkroom: where copies are made.
        animals: of each set.
    """
    found = {}
    for one in sets:
        heads = heads_of_pictures_without(one, rated)
        rng = np.random.default_rng(0)
        albums = [rows for rows in one.animals if len(rows) >= LEAST_PHOTOS]
        chosen = rng.permutation(len(albums))[:animals]
        found[one.name] = [
            degraded_album(
                [one.vectors.keys[row] for row in rng.permutation(albums[i])[:MOST_PHOTOS]],
                photos,
                embeddings,
                heads,
                darkroom,
                rng,
            )
            for i in chosen
        ]
    return found


def heads_of_pictures_without(one: JudgedSet, rated: RatedPhotos | None) -> Heads:
    """The set's heads, those of looks and heroes fitted on the rated albums of other sets.

    Where too few others are rated, and where the set has no ratings, they stay as they are.
    """
    if rated is None:
        return one.heads
    own = np.array([key.startswith(f"{one.name}/") for key in rated.keys])
    others = np.flatnonzero(~own)
    if not own.any() or len(np.unique(rated.albums[others])) < INNER_FOLDS:
        return one.heads
    pictures = fit_pictures(rated.taken(others))
    return replace(
        one.heads, pictures=pictures, tree=replace(one.heads.tree, looks=look_level(pictures.look))
    )


def degraded_album(
    keys: Sequence[str],
    photos: Mapping[str, LabelledPhoto],
    embeddings: Mapping[str, PhotoEmbedding],
    heads: Heads,
    darkroom: Darkroom,
    rng: np.random.Generator,
) -> DegradedAlbum:
    """One album of photos and their copies.

    Args:
        keys: of the untouched photos.
        photos: by key.
        embeddings: by key.
        heads: that judge.
        darkroom: where copies are made.
        rng: chance.
    """
    copies = list(_copies([photos[key] for key in keys], embeddings, darkroom, rng))
    whole = [*(replace(embeddings[key], captured_at=None) for key in keys), *copies]
    service = ClusteringService(heads)
    state = settled_album([service.project(one) for one in whole], service.model)
    largest = _largest_subject(service.answer(state, Request("album", _AT, top=1)))
    if largest is None:
        return DegradedAlbum(untouched=False, below=())
    scores = {member.image_id: member.score for member in largest.members}
    return DegradedAlbum(
        untouched=_MARK not in largest.heroes[0].image_id,
        below=tuple(_below(copy.image_id, scores) for copy in copies),
    )


def degraded_outcome(
    found: Mapping[str, Sequence[DegradedAlbum]], judged_by: str = WITHOUT_THE_SET
) -> Outcome:
    """What the protocol found.

    Args:
        found: albums of each set.
        judged_by: says which heads judged them.
    """
    measures = [
        told(name, "hero_untouched", [float(album.untouched) for album in albums])
        for name, albums in found.items()
    ]
    kinds: list[Measure] = []
    for kind in KINDS:
        cases = [
            float(below)
            for albums in found.values()
            for album in albums
            for done, below in album.below
            if done == kind
        ]
        kinds.append(told(kind, "copy_below_original", cases))
    return Outcome(
        protocol="degraded-1",
        title="Degraded copies mixed in: is the hero an untouched photo?",
        judged_by=judged_by,
        measures=(*measures, *means_of_sets(measures), *kinds),
    )


def _copies(
    originals: Sequence[LabelledPhoto],
    embeddings: Mapping[str, PhotoEmbedding],
    darkroom: Darkroom,
    rng: np.random.Generator,
) -> Iterator[PhotoEmbedding]:
    kinds = rng.permutation(list(KINDS)).tolist()
    for place, photo in enumerate(originals):
        sightings = embeddings[photo.key].sightings
        if sightings:
            kind = kinds[place % len(kinds)]
            pixels = KINDS[kind](darkroom.opened(photo), sightings[0].box, rng)
            yield darkroom.seen(f"{photo.key}{_MARK}{kind}", pixels, quality_of(kind))


def _largest_subject(answer: Answer) -> Cluster | None:
    subjects = [cluster for cluster in answer.clusters if cluster.level == "subject" and cluster.heroes]
    return max(subjects, key=lambda cluster: len(cluster.members), default=None)


def _below(copy: str, scores: Mapping[str, float]) -> tuple[str, bool]:
    original, kind = copy.rsplit(_MARK, 1)
    return kind, copy not in scores or scores[copy] < scores.get(original, 0.0)
