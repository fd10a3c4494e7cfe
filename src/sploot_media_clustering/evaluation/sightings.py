"""How well animals are found: in labelled photos, in photos of two, and in pairs of photos side by side.

A *spurious* sighting is one too many: a second one in a photo of one animal in which no rater saw another. In
sets without raters second sightings are counted as they are; most of those of shelter dogs are right.

``python -m sploot_media_clustering.evaluation.sightings DATA`` prints all of it for the built-in package.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from sploot_media_clustering.adapters.images import ImageLimits, PillowDecoder
from sploot_media_clustering.adapters.model_package import default_package
from sploot_media_clustering.domain.album import PhotoEmbedding
from sploot_media_clustering.domain.attributes import PRESENT
from sploot_media_clustering.errors import DatasetError
from sploot_media_clustering.services.embedding import EmbeddingService, PhotoFailure, PhotoInput
from sploot_media_clustering.training.labelled import DataSet, LabelledPhoto, read_data_sets
from sploot_media_clustering.training.ratings import Rating, read_ratings

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
    data_set: DataSet, embed_one: Callable[[PhotoInput], PhotoEmbedding], *, pairs: int = PAIRS
) -> PairSightings:
    """Look for two animals in pairs of photos of different animals of one set."""
    results = [_of_pair(embed_one(pair.photo), pair.seam) for pair in make_pairs(data_set, pairs)]
    both, more = np.mean(results, axis=0)
    return PairSightings(pairs=len(results), both=float(both), more=float(more))


def make_pairs(data_set: DataSet, count: int) -> Iterator[Pair]:
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
            yield _joined(left, right)
            made += 1


def _joined(left: LabelledPhoto, right: LabelledPhoto) -> Pair:
    images = [Image.open(photo.path).convert("RGB") for photo in (left, right)]
    height_px = min(image.height for image in images)
    parts = [
        image.resize(
            (max(round(image.width * height_px / image.height), 1), height_px), Image.Resampling.BICUBIC
        )
        for image in images
    ]
    joined = Image.new("RGB", (sum(part.width for part in parts), height_px))
    joined.paste(parts[0], (0, 0))
    joined.paste(parts[1], (parts[0].width, 0))
    data = io.BytesIO()
    joined.save(data, "JPEG", quality=_JPEG_QUALITY)
    return Pair(PhotoInput(f"{left.key}|{right.key}", data.getvalue()), parts[0].width / joined.width)


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


def main(argv: Sequence[str] | None = None) -> int:
    """Print how well the built-in package finds animals."""
    parser = argparse.ArgumentParser(prog="evaluation.sightings", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path, help="folder of labelled data sets")
    parser.add_argument("--pairs", type=int, default=PAIRS, help="pairs to make, default %(default)s")
    arguments = parser.parse_args(argv)
    data_sets = read_data_sets([arguments.data])
    ratings = read_ratings([data_set.folder for data_set in data_sets])
    with _service() as service:
        embeddings = dict(_embedded(service, data_sets))
        for line in _table(evaluate_sets(data_sets, embeddings, ratings)):
            sys.stdout.write(line + "\n")
        paired = next((one for one in data_sets if one.name == PAIRS_SET), data_sets[0])
        result = evaluate_pairs(paired, service.embed_one, pairs=arguments.pairs)
    sys.stdout.write(
        f"{result.pairs} pairs of {paired.name} side by side: both found {result.both:.1%}, "
        f"more than two sightings {result.more:.1%}\n"
    )
    return 0


def _service() -> EmbeddingService:
    package = default_package()
    threads = os.cpu_count() or 1
    return EmbeddingService(
        decoder=PillowDecoder(ImageLimits()),
        detector=package.open_detector(threads=threads),
        embedder=package.open_embedder(threads=threads),
        thresholds=package.manifest.detector.thresholds,
        workers=threads,
    )


def _embedded(
    service: EmbeddingService, data_sets: Sequence[DataSet]
) -> Iterator[tuple[str, PhotoEmbedding]]:
    photos = (
        PhotoInput(photo.key, photo.path.read_bytes()) for data_set in data_sets for photo in data_set.photos
    )
    for result in service.embed(photos):
        if isinstance(result, PhotoFailure):
            sys.stderr.write(f"left out {result.image_id}: {result.error}\n")
        else:
            yield result.image_id, result


def _table(results: Iterable[SetSightings]) -> Iterator[str]:
    yield f"{'set':16}{'photos':>7}{'found':>8}{'second':>8}{'spurious':>10}{'both of two':>13}"
    for result in results:
        two = f"{result.both} of {result.of_two}" if result.of_two else "-"
        yield (
            f"{result.name:16}{result.photos:7d}{result.found:8.1%}{result.second:8.1%}"
            f"{result.spurious:10.1%}{two:>13}"
        )


if __name__ == "__main__":
    sys.exit(main())
