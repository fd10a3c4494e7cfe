"""An answer and pictures for tests of the report: two animals, their looks, moments, and what went wrong."""

from __future__ import annotations

import io
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
from msgspec.structs import replace
from PIL import Image as PillowImage

from sploot_media_clustering.services.answer import (
    Answer,
    BestGuess,
    Cluster,
    Descriptor,
    FailedImage,
    Hero,
    Image,
    Level,
    Member,
    Metrics,
    Reason,
    SeenAnimal,
    Unclustered,
)
from sploot_media_clustering.services.shapes import BoxFractions

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
BOX: BoxFractions = (0.2, 0.1, 0.7, 0.9)


def picture(name: str, width_px: int, height_px: int) -> bytes:
    """A JPEG with a gradient in a colour of its own for every name."""
    colour = zlib.crc32(name.encode(errors="surrogatepass"))
    down, across = np.mgrid[0:height_px, 0:width_px].astype(float)
    share = (across / width_px + down / height_px) / 2
    channels = [60 + ((colour >> shift) % 150) * share for shift in (0, 8, 16)]
    out = io.BytesIO()
    PillowImage.fromarray(np.stack(channels, axis=-1).astype(np.uint8)).save(out, "JPEG", quality=60)
    return out.getvalue()


def thumbnail(album: str, image_id: str, side_px: int) -> bytes:
    """A thumbnail that needs no file: landscape, small."""
    side_px = min(side_px, 120)
    return picture(f"{album}/{image_id}", side_px, side_px * 3 // 4)


def hero(image_id: str, rank: int = 1, reasons: Sequence[str] = ("Looks at the camera.",)) -> Hero:
    return Hero(
        image_id=image_id,
        rank=rank,
        score=0.9,
        reasons=tuple(reasons),
        signals={"sharpness": 0.8, "eyes_open": 0.95},
        box=BOX,
        focal_point=(0.45, 0.4),
    )


def member(image_id: str, position: int, moment: int) -> Member:
    return Member(
        image_id=image_id,
        score=0.8,
        position=position,
        probability=0.93,
        box=BOX,
        species="cat",
        moment=moment,
    )


def cluster(
    cluster_id: str,
    parent_id: str | None,
    label: str,
    photos: Sequence[tuple[str, int]],
    heroes: Sequence[str],
) -> Cluster:
    """A cluster of photos, each with its moment, in the order of their positions."""
    return Cluster(
        id=cluster_id,
        level="subject" if parent_id is None else "look",
        parent_id=parent_id,
        label=label,
        name=None,
        provisional=False,
        descriptors=(Descriptor(attribute="setting", value="indoors", share=0.8),),
        size=len(photos),
        cohesion=0.7,
        hero_image_id=heroes[0] if heroes else None,
        heroes=tuple(hero(image_id, rank) for rank, image_id in enumerate(heroes, start=1)),
        members=tuple(
            member(image_id, position, moment) for position, (image_id, moment) in enumerate(photos, start=1)
        ),
    )


def aside(image_id: str, reason: Reason, level: Level = "subject", best: str | None = None) -> Unclustered:
    return Unclustered(
        image_id=image_id,
        level=level,
        reason=reason,
        best=None if best is None else BestGuess(id=best, probability=0.41),
        box=None if reason == "no_animal" else BOX,
    )


def image(image_id: str, moment: int | None, days: int | None = 0) -> Image:
    return Image(
        image_id=image_id,
        captured_at=None if days is None else NOON + timedelta(days=days),
        width_px=4000,
        height_px=3000,
        moment=moment,
        sightings=(SeenAnimal(box=BOX, species="cat", score=0.9),),
    )


def answer(
    clusters: Sequence[Cluster] = (),
    unclustered: Sequence[Unclustered] = (),
    failed: Sequence[FailedImage] = (),
    images: Sequence[Image] = (),
) -> Answer:
    return Answer(
        pet_id="home",
        version=1,
        updated_at=NOON,
        model_version="test-1",
        pipeline="mixture",
        clusters=tuple(clusters),
        unclustered=tuple(unclustered),
        metrics=Metrics(coverage={}, quality_score=0.9, processed_at=NOON),
        failed_images=tuple(failed),
        images=tuple(images),
    )


def household() -> Answer:
    """Milo with two looks and a moment of three photos, Luna provisional, three photos aside, one broken."""
    sofa = [("milo/1.jpg", 1), ("milo/2.jpg", 1), ("milo/3.jpg", 2), ("milo/4.jpg", 1)]
    garden = [("milo/5.jpg", 3), ("milo/6.jpg", 4)]
    luna = [("luna/1.jpg", 5)]
    aside_photos = [
        aside("x/sofa.jpg", "no_animal"),
        aside("x/who.jpg", "unsure", best="milo"),
        aside("milo/6.jpg", "alone", level="look", best="milo-sofa"),
    ]
    photos = [*sofa, *garden, *luna]
    subject = cluster("milo", None, "cat 1", [*sofa, *garden], ["milo/3.jpg", "milo/1.jpg", "milo/5.jpg"])
    newcomer = cluster("luna", None, "cat 2", luna, ["luna/1.jpg"])
    return answer(
        clusters=[
            replace(subject, name="Milo"),
            cluster("milo-sofa", "milo", "asleep on the sofa", sofa, ["milo/3.jpg"]),
            cluster("milo-garden", "milo", "in the garden", garden, ["milo/5.jpg"]),
            replace(newcomer, provisional=True),
        ],
        unclustered=aside_photos,
        failed=[
            FailedImage(image_id="broken.jpg", error="TruncatedImageError", message="it ends after 12 bytes")
        ],
        images=[
            *(image(image_id, moment, days=3 * moment) for image_id, moment in photos),
            image("x/sofa.jpg", None, days=None),
            image("x/who.jpg", None),
        ],
    )
