"""How well animals are found: in labelled photos, in photos of two, and in pairs of photos side by side.

A *spurious* sighting is one too many: a second one in a photo of one animal in which no rater saw another. In
sets without raters second sightings are counted as they are; most of those of shelter dogs are right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from sploot_media_clustering.domain.album import Box, PhotoEmbedding
from sploot_media_clustering.domain.attributes import PRESENT
from sploot_media_clustering.errors import DatasetError
from sploot_media_clustering.evaluation.darkroom import Pair, side_by_side
from sploot_media_clustering.evaluation.material import Material
from sploot_media_clustering.evaluation.outcome import Measure, Outcome
from sploot_media_clustering.services.embedding import PhotoInput
from sploot_media_clustering.services.ports import ImageDecoder
from sploot_media_clustering.training.labelled import DataSet
from sploot_media_clustering.training.ratings import Rating

PAIRS: Final = 200
PAIRS_SET: Final = "home_cats"
_SEED: Final = 5
_REACH: Final = 0.08
"""Of a pair's width: so far a sighting may reach over the seam and still be of its side."""
_COMPANION: Final = "animal"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetSightings:
    """One data set.

    Attributes:
        name: of the set.
        photos: looked at.
        found: share with at least one sighting.
        second: share of the photos of one animal with more than one sighting.
        spurious: the same, without the photos in which a rater saw another animal.
        both: photos of two animals in which at least two were found.
        of_two: photos of two animals.
    """

    name: str
    photos: int
    found: float
    second: float
    spurious: float
    both: int
    of_two: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PairSightings:
    """Two photos of two animals side by side.

    Attributes:
        pairs: how many.
        both: share in which a sighting lies on each side.
        more: share with more than two sightings.
    """

    pairs: int
    both: float
    more: float


def evaluate_sets(
    data_sets: Sequence[DataSet], embeddings: Mapping[str, PhotoEmbedding], ratings: Sequence[Rating]
) -> tuple[SetSightings, ...]:
    """Look at every labelled photo.

    Args:
        data_sets: labelled photos.
        embeddings: by key; photos without one are passed over.
        ratings: what people said of some photos.
    """
    accompanied = {rating.key for rating in ratings if rating.attributes[_COMPANION] == PRESENT}
    return tuple(_of_set(data_set, embeddings, accompanied) for data_set in data_sets)


def evaluate_pairs(
    data_set: DataSet,
    decoder: ImageDecoder,
    embed_one: Callable[[PhotoInput], PhotoEmbedding],
    *,
    pairs: int = PAIRS,
) -> PairSightings:
    """Look for two animals in pairs of photos of different animals of one set.

    Args:
        data_set: whose photos can be read.
        decoder: of the photos.
        embed_one: of a pair, as one photo.
        pairs: how many.
    """
    results = [_of_pair(embed_one(pair.photo), pair.seam) for pair in make_pairs(data_set, decoder, pairs)]
    both, more = np.mean(results, axis=0)
    return PairSightings(pairs=len(results), both=float(both), more=float(more))


def sightings_outcome(material: Material, pairs: int = PAIRS) -> Outcome:
    """How well animals are found in the labelled photos, and in pairs of them.

    Args:
        material: of which all sets are looked at; pairs are made of :data:`PAIRS_SET`, or of the first set.
        pairs: how many.
    """
    measures: list[Measure] = []
    for one in evaluate_sets(material.data_sets, material.embeddings, material.ratings):
        measures += [
            Measure(one.name, "found", one.found, count=one.photos),
            Measure(one.name, "second_sighting", one.second, count=one.photos, better="neither"),
            Measure(one.name, "spurious", one.spurious, count=one.photos, better="lower"),
        ]
        if one.of_two:
            measures.append(Measure(one.name, "both_of_two", one.both / one.of_two, count=one.of_two))
    chosen = next((one for one in material.data_sets if one.name == PAIRS_SET), material.data_sets[0])
    read = replace(chosen, photos=tuple(p for p in chosen.photos if p.key in material.embeddings))
    material.progress(f"pairs of {chosen.name}")
    found = evaluate_pairs(read, material.darkroom.decoder, material.darkroom.embed_one, pairs=pairs)
    group = f"{chosen.name}, pairs side by side"
    measures += [
        Measure(group, "both_found", found.both, count=found.pairs),
        Measure(group, "more_than_two", found.more, count=found.pairs, better="lower"),
    ]
    return Outcome("sightings-1", "How well animals are found", "the detector", tuple(measures))


def make_pairs(data_set: DataSet, decoder: ImageDecoder, count: int) -> Iterator[Pair]:
    """Pairs of photos of different animals side by side, brought to the lower one's height.

    Raises:
        DatasetError: the set has fewer than two animals.
    """
    photos = [photo for photo in data_set.photos if len(photo.animals) == 1]
    if len({photo.animals for photo in photos}) < 2:  # noqa: PLR2004 - a pair
        raise DatasetError(f"expected photos of two animals in {data_set.folder}, got one; name another set")
    rng = np.random.default_rng(_SEED)
    made = 0
    while made < count:
        left, right = (photos[index] for index in rng.choice(len(photos), 2, replace=False))
        if left.animals != right.animals:
            yield side_by_side(left, right, decoder)
            made += 1


def of_sides(boxes: Sequence[Box], seam: float) -> tuple[int, int] | None:
    """The best sighting on each side of a pair's seam; None where a side has none.

    Args:
        boxes: best first.
        seam: as a share of the width.
    """
    left = next((i for i, box in enumerate(boxes) if box.right < seam + _REACH), None)
    right = next((i for i, box in enumerate(boxes) if box.left > seam - _REACH), None)
    return None if left is None or right is None else (left, right)


def _of_pair(embedding: PhotoEmbedding, seam: float) -> tuple[bool, bool]:
    boxes = [sighting.box for sighting in embedding.sightings]
    return of_sides(boxes, seam) is not None, len(boxes) > 2  # noqa: PLR2004 - a pair


def _of_set(
    data_set: DataSet, embeddings: Mapping[str, PhotoEmbedding], accompanied: set[str]
) -> SetSightings:
    counts = {
        photo: len(embeddings[photo.key].sightings) for photo in data_set.photos if photo.key in embeddings
    }
    alone = {photo: count for photo, count in counts.items() if len(photo.animals) == 1}
    if not alone:
        raise DatasetError(f"expected embedded photos of one animal in {data_set.folder}, got none")
    of_two = [count for photo, count in counts.items() if len(photo.animals) == 2]  # noqa: PLR2004
    seconds = [photo for photo, count in alone.items() if count > 1]
    return SetSightings(
        name=data_set.name,
        photos=len(counts),
        found=sum(count > 0 for count in counts.values()) / len(counts),
        second=len(seconds) / len(alone),
        spurious=sum(photo.key not in accompanied for photo in seconds) / len(alone),
        both=sum(count > 1 for count in of_two),
        of_two=len(of_two),
    )
