"""Made-up rated albums in which looks, attributes and the best picture can be told from the vectors."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from sploot_media_clustering.domain.album import Box, PhotoEmbedding, SightingEmbedding
from sploot_media_clustering.domain.attributes import ABSENT, COMPANIONS, FLAWS, VOCABULARY
from sploot_media_clustering.domain.quality import PIXEL_MEASURES
from sploot_media_clustering.training.ratings import RatedPhotos, Rating, rated_photos

EMBEDDED = 24
LOOKS = ("asleep", "outside", "close")
KINDS = {
    "asleep": {"activity": "sleeping", "eyes": "closed", "setting": "indoors"},
    "outside": {"activity": "standing", "setting": "outdoors"},
    "close": {"activity": "sitting", "setting": "indoors", "framing": "face"},
}
_USUAL = {"view": "front", "eyes": "open", "framing": "full"}
_USUAL |= dict.fromkeys((*COMPANIONS, *FLAWS), ABSENT)


def sharp(value: float) -> np.ndarray:
    """Pixel measures of a picture that is more or less sharp, from 0 to 1."""
    usual = {
        "detail": -3.0,
        "acuity": 2.0,
        "noise": -5.5,
        "brightness": 0.5,
        "contrast": 0.2,
        "colourfulness": 0.1,
    }
    measured = usual | {"detail": -4.0 + 2.0 * value, "acuity": 1.0 + 2.0 * value, "source_px": 300.0}
    return np.array([measured.get(name, 0.0) for name in PIXEL_MEASURES], np.float32)


def ratings_and_embeddings(
    albums: int = 10, photos: int = 9, seed: int = 0
) -> tuple[tuple[Rating, ...], dict[str, PhotoEmbedding]]:
    """Albums of three looks each; the sharper a picture, the better its rating."""
    rng = np.random.default_rng(seed)
    axes = rng.uniform(0.0, 4.0, (len(LOOKS), 2 * EMBEDDED))
    ratings, embeddings = [], {}
    for album in range(albums):
        animal = rng.uniform(0.0, 1.0, 2 * EMBEDDED)
        for photo in range(photos):
            look = photo % len(LOOKS)
            quality = float(rng.uniform())
            key = f"home/{album}/{photo}.jpg"
            vector = np.maximum(axes[look] + animal + 0.2 * rng.normal(size=2 * EMBEDDED), 0.0)
            half = vector.astype(np.float16)
            sighting = SightingEmbedding(
                box=Box(0.2, 0.2, 0.7, 0.8),
                species=np.array([0.9, 0.05, 0.05], np.float32),
                detector_score=0.9,
                embedding=half[EMBEDDED:],
                pixels=sharp(quality),
            )
            embeddings[key] = PhotoEmbedding(key, None, 600, 400, half[:EMBEDDED], (sighting,), "made-up")
            ratings.append(
                Rating(
                    key=key,
                    rater="A",
                    album=f"home/{album}",
                    look=LOOKS[look],
                    moment=str(photo),
                    hero=float(1 + round(4 * quality)),
                    attributes=_USUAL | KINDS[LOOKS[look]],
                )
            )
    return tuple(ratings), embeddings


def rated(albums: int = 10, photos: int = 9, seed: int = 0) -> RatedPhotos:
    """The same, in columns."""
    return rated_photos(*ratings_and_embeddings(albums, photos, seed))


def write_ratings(folder: Path, rows: list[dict[str, str]]) -> None:
    """A ``ratings.csv`` of rows that differ from a usual one as told."""
    chosen = {group: values[0] for group, values in VOCABULARY.items() if group not in (*COMPANIONS, *FLAWS)}
    usual = {
        "file": "milo/1.jpg",
        "rater": "A",
        "album": "milo",
        "look": "asleep",
        "moment": "1",
        "hero": "4",
    }
    usual |= chosen | {"flaws": "", "others": ""}
    with (folder / "ratings.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(usual))
        writer.writeheader()
        writer.writerows(usual | row for row in rows)
