"""One animal's album with photos in it that do not belong there.

Protocol ``foreign-1``: all photos of one animal, and as many intruders as make up a twentieth, a tenth or a
fifth of the album: photos of other animals of the same set, every fourth one of no animal at all. The main
subject is the one that holds most of the animal's photos.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from sploot_media_clustering.domain.album import Photo, PhotoEmbedding
from sploot_media_clustering.domain.level import ASIDE
from sploot_media_clustering.domain.tree import AlbumState
from sploot_media_clustering.evaluation.albums import settled_album
from sploot_media_clustering.evaluation.darkroom import Darkroom, beside
from sploot_media_clustering.evaluation.judged_sets import WITHOUT_THE_SET, JudgedSet
from sploot_media_clustering.evaluation.outcome import Measure, Outcome, means_of_sets, told
from sploot_media_clustering.training.labelled import LabelledPhoto

SHARES: Final = (0.05, 0.1, 0.2)
LEAST_PHOTOS: Final = 5
ANIMALS: Final = 24
"""Of each set, drawn at random."""

REPEATS: Final = 3
"""Albums of each animal and share."""

NO_ANIMAL: Final = 0.25
"""Of the intruders."""

_NOTHINGS: Final = 24
"""Pictures of no animal made for each set."""

_TRIED: Final = 4
"""Photos looked through for each of them."""


@dataclass(frozen=True, slots=True)
class ForeignAlbum:
    """One album.

    Attributes:
        share: of intruders that were asked for.
        contamination: of the main subject's photos, those that are intruders.
        kept_out: of the intruders, those outside the main subject; None without any.
        lost: of the animal's own photos, those outside it.
    """

    share: float
    contamination: float
    kept_out: float | None
    lost: float


def evaluate_foreign(
    sets: Iterable[JudgedSet],
    photos: Mapping[str, LabelledPhoto],
    embeddings: Mapping[str, PhotoEmbedding],
    darkroom: Darkroom | None = None,
    *,
    animals: int = ANIMALS,
) -> dict[str, list[ForeignAlbum]]:
    """Run the protocol; the albums of each set.

    Args:
        sets: to be judged.
        photos: labelled ones, by key.
        embeddings: of them, by key.
        darkroom: where pictures of no animal are made; without one all intruders are animals.
        animals: of each set.
    """
    found = {}
    for one in sets:
        rng = np.random.default_rng(0)
        nothings = _nothings(one, photos, embeddings, darkroom, rng) if darkroom else []
        albums = [i for i, rows in enumerate(one.animals) if len(rows) >= LEAST_PHOTOS]
        chosen = rng.permutation(albums)[:animals].tolist()
        found[one.name] = [
            _album(one, animal, share, nothings, rng)
            for animal in chosen
            for share in SHARES
            for _ in range(REPEATS)
        ]
    return found


def judged_album(state: AlbumState, own: frozenset[str], share: float = 0.0) -> ForeignAlbum:
    """How well the main subject of an album holds one animal's photos, and nothing else.

    Args:
        state: of the album.
        own: ``image_id`` of the animal's photos; all others are intruders.
        share: of intruders that were asked for.
    """
    inside = _photos_of_subjects(state)
    main = max(inside, key=lambda photos: len(photos & own), default=frozenset())
    strangers = {photo.image_id for photo in state.photos} - own
    return ForeignAlbum(
        share=share,
        contamination=len(main - own) / max(len(main), 1),
        kept_out=1.0 - len(main & strangers) / len(strangers) if strangers else None,
        lost=1.0 - len(main & own) / len(own),
    )


def foreign_outcome(found: Mapping[str, Sequence[ForeignAlbum]], judged_by: str = WITHOUT_THE_SET) -> Outcome:
    """What the protocol found.

    Args:
        found: albums of each set.
        judged_by: says which heads judged them.
    """
    measures: list[Measure] = []
    for name, albums in found.items():
        for share in SHARES:
            same = [album for album in albums if album.share == share]
            percent = f"{100 * share:.0f}"
            kept = [album.kept_out for album in same if album.kept_out is not None]
            measures += [
                told(name, f"kept_out_{percent}", kept),
                told(name, f"lost_{percent}", [album.lost for album in same], "lower"),
                told(name, f"contamination_{percent}", [album.contamination for album in same], "lower"),
            ]
    return Outcome(
        protocol="foreign-1",
        title="Intruders in one animal's album: 5, 10 and 20 % of it",
        judged_by=judged_by,
        measures=(*measures, *means_of_sets(measures)),
    )


def _album(
    one: JudgedSet, animal: int, share: float, nothings: Sequence[Photo], rng: np.random.Generator
) -> ForeignAlbum:
    own = [one.photos[row] for row in one.animals[animal]]
    others = np.concatenate([rows for i, rows in enumerate(one.animals) if i != animal])
    wanted = len(own) * share / (1.0 - share)
    count = int(wanted) + int(rng.random() < wanted - int(wanted))
    empty = int(rng.binomial(count, NO_ANIMAL)) if nothings else 0
    strangers = [one.photos[row] for row in rng.choice(others, count - empty, replace=False)]
    strangers += [nothings[i] for i in rng.choice(len(nothings), min(empty, len(nothings)), replace=False)]
    whole = [*own, *strangers]
    state = settled_album([whole[i] for i in rng.permutation(len(whole))], one.heads.tree)
    return judged_album(state, frozenset(photo.image_id for photo in own), share)


def _photos_of_subjects(state: AlbumState) -> list[frozenset[str]]:
    """Photos of each subject; one with two animals is in two."""
    inside: list[set[str]] = [set() for _ in state.subject_ids]
    for label, photo in zip(state.subject_labels().tolist(), state.columns.photo.tolist(), strict=True):
        if label != ASIDE:
            inside[label].add(state.photos[photo].image_id)
    return [frozenset(photos) for photos in inside]


def _nothings(
    one: JudgedSet,
    photos: Mapping[str, LabelledPhoto],
    embeddings: Mapping[str, PhotoEmbedding],
    darkroom: Darkroom,
    rng: np.random.Generator,
) -> list[Photo]:
    """Pictures of what is beside the animals of the set."""
    made: list[Photo] = []
    rows = rng.permutation(np.concatenate(one.animals))[: _NOTHINGS * _TRIED]
    for key in (one.vectors.keys[row] for row in rows):
        if len(made) == _NOTHINGS:
            break
        boxes = tuple(sighting.box for sighting in embeddings[key].sightings)
        strip = beside(darkroom.opened(photos[key]), boxes) if boxes else None
        if strip is not None:
            made.append(one.heads.project(darkroom.seen(f"{key}~beside", strip)))
    return made
