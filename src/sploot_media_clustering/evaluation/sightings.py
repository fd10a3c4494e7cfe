"""How well animals are found: in labelled photos, in photos of two, and in pairs of photos side by side.

A *spurious* sighting is one too many: a second one in a photo of one animal in which no rater saw another. In
sets without raters second sightings are counted as they are; most of those of shelter dogs are right.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image

from sploot_media_clustering.domain.album import WHOLE, PhotoEmbedding
from sploot_media_clustering.domain.attributes import PRESENT
from sploot_media_clustering.errors import DatasetError
from sploot_media_clustering.services.embedding import PhotoInput
from sploot_media_clustering.services.ports import ImageDecoder
from sploot_media_clustering.training.labelled import DataSet, LabelledPhoto
from sploot_media_clustering.training.ratings import Rating

PAIRS: Final = 200
PAIRS_SET: Final = "home_cats"
_SEED: Final = 5
_REACH: Final = 0.08
"""Of a pair's width: so far a sighting may reach over the seam and still be of its side."""
_JPEG_QUALITY: Final = 92
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


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """Two photos joined into one.

    Attributes:
        photo: the joined picture, as a JPEG.
        seam: where the second begins, as a share of the width.
    """

    photo: PhotoInput
    seam: float


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
            yield _joined(left, right, decoder)
            made += 1


def _joined(left: LabelledPhoto, right: LabelledPhoto, decoder: ImageDecoder) -> Pair:
    pictures = [decoder.decode(photo.path.read_bytes()) for photo in (left, right)]
    height_px = min(picture.size_px[1] for picture in pictures)
    widths_px = [max(round(height_px * width / height), 1) for width, height in (p.size_px for p in pictures)]
    parts = [picture.view(WHOLE, px, height_px) for picture, px in zip(pictures, widths_px, strict=True)]
    data = io.BytesIO()
    Image.fromarray(np.hstack(parts)).save(data, "JPEG", quality=_JPEG_QUALITY)
    return Pair(PhotoInput(f"{left.key}|{right.key}", data.getvalue()), widths_px[0] / sum(widths_px))


def _of_pair(embedding: PhotoEmbedding, seam: float) -> tuple[bool, bool]:
    boxes = [sighting.box for sighting in embedding.sightings]
    left = any(box.right < seam + _REACH for box in boxes)
    right = any(box.left > seam - _REACH for box in boxes)
    return left and right, len(boxes) > 2  # noqa: PLR2004 - a pair


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
