"""What is looked at of albums to tell whether what comes has changed: photos, animals, pictures, clusters."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec
import numpy as np
from jaxtyping import Float, Float32

from sploot_media_clustering.domain.album import SPECIES, Photo, Sighting
from sploot_media_clustering.domain.attributes import ABSENT, ATTRIBUTES
from sploot_media_clustering.domain.drift import (
    LEAST_ALBUMS,
    Finding,
    Kernel,
    Sample,
    Terms,
    compare,
    kernel_over,
)
from sploot_media_clustering.domain.signals import SIGNALS
from sploot_media_clustering.domain.tree import AlbumState
from sploot_media_clustering.errors import InputError
from sploot_media_clustering.services.answer import Answer

PHOTOS_OF_AN_ALBUM: Final = 16
"""Whose vectors are compared; more of one album say little more."""
_THOUSAND: Final = 1000
_SHOWN: Final = tuple(i for i, attribute in enumerate(ATTRIBUTES) if attribute.value != ABSENT)
_SPACES: Final = ("photos", "animals")
_SEED: Final = 0


@dataclass(frozen=True, slots=True, eq=False)
class AlbumView:
    """An album as drift sees it.

    Attributes:
        photos: that count.
        figures: by name; one without anything to tell is left out.
        vectors: by space.
    """

    photos: int
    figures: Mapping[str, float]
    vectors: Mapping[str, Float32[np.ndarray, "_ _"]]


@dataclass(frozen=True, slots=True, eq=False)
class Space:
    """A space of vectors.

    Attributes:
        name: of it.
        kernel: that tells what is alike.
        features: mean features of each album, shape [n, m].
    """

    name: str
    kernel: Kernel
    features: Float[np.ndarray, "n m"]


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """What albums looked like: figures and mean features of each, no photo and no name.

    Attributes:
        model_version: that saw them.
        recorded_at: when.
        photos: of all albums.
        names: of figures.
        figures: shape [n, k].
        spaces: of vectors.
    """

    model_version: str
    recorded_at: datetime
    photos: int
    names: tuple[str, ...]
    figures: Float32[np.ndarray, "n k"]
    spaces: tuple[Space, ...]


class DriftReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a look at albums came to.

    Attributes:
        model_version: that saw them.
        checked_at: when.
        albums: that were looked at.
        photos: of them.
        other_models: albums of other models, which were not.
        reference_albums: that they were compared with.
        reference_photos: of them.
        reference_at: when these were recorded.
        error_rate: how often such a look may ring where nothing has changed.
        findings: what rang first, vectors before figures, larger effects before smaller ones.
    """

    model_version: str
    checked_at: datetime
    albums: int
    photos: int
    other_models: int
    reference_albums: int
    reference_photos: int
    reference_at: datetime
    error_rate: float
    findings: tuple[Finding, ...]

    @property
    def alarms(self) -> tuple[Finding, ...]:
        """What rang."""
        return tuple(one for one in self.findings if one.alarm)


def recorded(albums: Sequence[AlbumView], model_version: str, at: datetime) -> Reference:
    """Albums as a reference.

    Args:
        albums: at least as many as :data:`~sploot_media_clustering.domain.drift.LEAST_ALBUMS`.
        model_version: that saw them.
        at: the time.

    Raises:
        InputError: there are fewer, or none has an animal.
    """
    if len(albums) < LEAST_ALBUMS:
        raise InputError(f"expected at least {LEAST_ALBUMS} albums with photos, got {len(albums)}")
    spaces = []
    for name in _SPACES:
        some = [album.vectors[name] for album in albums if len(album.vectors[name])]
        if not some:
            raise InputError("expected photos of animals, found no animal in any")
        kernel = kernel_over(np.concatenate(some), np.random.default_rng(_SEED))
        spaces.append(Space(name, kernel, _features(albums, name, kernel)))
    photos = sum(album.photos for album in albums)
    return Reference(model_version, at, photos, FIGURES, _figures(albums), tuple(spaces))


def checked(
    reference: Reference,
    albums: Sequence[AlbumView],
    at: datetime,
    *,
    terms: Terms | None = None,
    other_models: int = 0,
) -> DriftReport:
    """Albums compared with a reference.

    Args:
        reference: of the same model.
        albums: to be looked at.
        at: the time.
        terms: when it is an alarm.
        other_models: albums of other models, which are only counted.

    Raises:
        InputError: there are too few albums, or the reference is of other figures.
    """
    terms = terms or Terms()
    before = {space.name: space.features.astype(np.float64) for space in reference.spaces}
    now = {space.name: _features(albums, space.name, space.kernel) for space in reference.spaces}
    found = compare(
        Sample(reference.names, reference.figures.astype(np.float64), before),
        Sample(FIGURES, _figures(albums).astype(np.float64), now),
        terms,
    )
    return DriftReport(
        model_version=reference.model_version,
        checked_at=at,
        albums=len(albums),
        photos=sum(album.photos for album in albums),
        other_models=other_models,
        reference_albums=len(reference.figures),
        reference_photos=reference.photos,
        reference_at=reference.recorded_at,
        error_rate=terms.error_rate,
        findings=tuple(
            sorted(found, key=lambda one: (not one.alarm, one.kind == "figure", -abs(one.effect)))
        ),
    )


def view(state: AlbumState, answer: Answer, photos: Sequence[Photo] | None = None) -> AlbumView:
    """What there is to see of an album.

    Args:
        state: of the album.
        answer: made from it.
        photos: those that count, all by default, as do all that failed in the answer; clusters are the whole
            album's in any case.
    """
    photos = state.photos if photos is None else photos
    best = [photo.sightings[0] for photo in photos if photo.sightings]
    failed = len(answer.failed_images)
    figures = {**_of_photos(photos, failed), **_of_animals(best), **_of_clusters(state, answer)}
    some = photos[:: max(math.ceil(len(photos) / PHOTOS_OF_AN_ALBUM), 1)]
    animals = [photo.sightings[0].identity for photo in some if photo.sightings]
    return AlbumView(
        len(photos), figures, {"photos": _stacked([p.scene for p in some]), "animals": _stacked(animals)}
    )


def _figures(albums: Sequence[AlbumView]) -> Float32[np.ndarray, "n k"]:
    rows = [[album.figures.get(name, np.nan) for name in FIGURES] for album in albums]
    return np.array(rows, np.float32).reshape(len(albums), len(FIGURES))


def _features(albums: Sequence[AlbumView], space: str, kernel: Kernel) -> Float[np.ndarray, "n m"]:
    rows = [kernel.mean(album.vectors[space]) for album in albums]
    return np.array(rows, np.float64).reshape(len(albums), len(kernel.phases))


def _stacked(vectors: Sequence[Float32[np.ndarray, " d"]]) -> Float32[np.ndarray, "_ _"]:
    return np.stack(vectors) if vectors else np.zeros((0, 0), np.float32)


def _of_photos(photos: Sequence[Photo], failed: int) -> dict[str, float]:
    if not photos:
        return {}
    seen = [len(photo.sightings) for photo in photos]
    return {
        "unreadable photos": failed / (len(photos) + failed),
        "photos without an animal": float(np.mean([count == 0 for count in seen])),
        "animals in a photo": float(np.mean(seen)),
    }


def _of_animals(best: Sequence[Sighting]) -> dict[str, float]:
    if not best:
        return {}
    species = np.mean([animal.species for animal in best], axis=0).tolist()
    attributes = np.mean([animal.attributes for animal in best], axis=0).tolist()
    signals = np.mean([animal.signals for animal in best], axis=0).tolist()
    return {
        "detector score": float(np.mean([animal.detector_score for animal in best])),
        "animal's share of the photo": float(np.mean([animal.box.area for animal in best])),
        **dict(zip(_SPECIES, species, strict=True)),
        **{_ATTRIBUTES[i]: attributes[place] for i, place in enumerate(_SHOWN)},
        **dict(zip(_SIGNALS, signals, strict=True)),
    }


def _of_clusters(state: AlbumState, answer: Answer) -> dict[str, float]:
    photos = len(answer.images)
    if not photos:
        return {}
    subjects = [cluster for cluster in answer.clusters if cluster.level == "subject"]
    reasons = [part.reason for part in answer.unclustered if part.level == "subject"]
    figures = {
        "unsure photos": reasons.count("unsure") / photos,
        "photos alone": reasons.count("alone") / photos,
        "animals in an album": float(len(subjects)),
        "decisions on a thousand photos": _THOUSAND * len(state.decisions) / photos,
        "merges and splits on a thousand photos": _THOUSAND * len(state.lineage) / photos,
    }
    scores = [cluster.heroes[0].score for cluster in subjects if cluster.heroes]
    return figures | ({"score of first heroes": float(np.mean(scores))} if scores else {})


_SPECIES: Final = tuple(f"species {name}" for name in SPECIES)
_ATTRIBUTES: Final = tuple(f"{ATTRIBUTES[i].group} {ATTRIBUTES[i].value}" for i in _SHOWN)
_SIGNALS: Final = tuple(f"signal {name}" for name in SIGNALS)
FIGURES: Final = (
    "photos without an animal",
    "unreadable photos",
    "animals in a photo",
    "detector score",
    "animal's share of the photo",
    *_SPECIES,
    *_SIGNALS,
    *_ATTRIBUTES,
    "unsure photos",
    "photos alone",
    "animals in an album",
    "score of first heroes",
    "decisions on a thousand photos",
    "merges and splits on a thousand photos",
)
"""Names of all figures, in their order."""
