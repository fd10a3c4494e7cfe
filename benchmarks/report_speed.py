"""How fast the report of a large album is in a browser: from opening to a page that answers.

    .venv/bin/python benchmarks/report_speed.py [--photos 1000 5000] [--rounds 5]

The page is opened from a file, offline, in a headless Chromium with a phone's screen; figures are medians.
Pictures are thumbnails of the size that the report embeds, drawn so that none is like another.
"""

from __future__ import annotations

import argparse
import io
import platform
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from playwright.sync_api import Page, sync_playwright

from sploot_media_clustering.report.page import compose
from sploot_media_clustering.report.pictures import embed, wanted
from sploot_media_clustering.services.answer import (
    Answer,
    Cluster,
    Hero,
    Image,
    Member,
    Metrics,
    SeenAnimal,
)

FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
PHONE = {"width": 390, "height": 844}
PHOTOS_OF_ANIMAL, LOOKS_OF_ANIMAL = 50, 4
BOX = (0.2, 0.2, 0.8, 0.9)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def album(photos: int) -> Answer:
    """Animals of fifty photos and four looks each, over a year."""
    clusters: list[Cluster] = []
    for animal in range(photos // PHOTOS_OF_ANIMAL):
        names = [f"{animal}/{number}.jpg" for number in range(PHOTOS_OF_ANIMAL)]
        clusters.append(cluster(f"s{animal}", None, f"Cat {animal + 1}", names))
        size = PHOTOS_OF_ANIMAL // LOOKS_OF_ANIMAL
        clusters += [
            cluster(f"l{animal}-{look}", f"s{animal}", f"Look {look + 1}", names[look * size :][:size])
            for look in range(LOOKS_OF_ANIMAL)
        ]
    names = [member.image_id for part in clusters if part.level == "subject" for member in part.members]
    return Answer(
        pet_id="home",
        version=1,
        updated_at=NOON,
        model_version="benchmark",
        pipeline="mixture",
        clusters=tuple(clusters),
        unclustered=(),
        metrics=Metrics(coverage={}, quality_score=0.9, processed_at=NOON),
        images=tuple(image(name, place) for place, name in enumerate(names)),
    )


def cluster(cluster_id: str, parent_id: str | None, label: str, names: list[str]) -> Cluster:
    """A cluster of some photos, the first of them its hero."""
    hero = Hero(
        image_id=names[0], rank=1, score=0.9, reasons=("Sharp.",), signals={"detail": 0.9}, box=BOX,
        focal_point=(0.5, 0.4),
    )  # fmt: skip
    return Cluster(
        id=cluster_id,
        level="subject" if parent_id is None else "look",
        parent_id=parent_id,
        label=label,
        name=None,
        provisional=False,
        descriptors=(),
        size=len(names),
        cohesion=0.9,
        hero_image_id=names[0],
        heroes=(hero,),
        members=tuple(
            Member(
                image_id=name, score=0.9, position=place, probability=0.9, box=BOX, species="cat",
                moment=place // 3,
            )
            for place, name in enumerate(names, start=1)
        ),
    )  # fmt: skip


def image(name: str, place: int) -> Image:
    """A photo, one every few hours."""
    return Image(
        image_id=name,
        captured_at=NOON + timedelta(hours=5 * place),
        width_px=4000,
        height_px=3000,
        moment=place // 3,
        sightings=(SeenAnimal(box=BOX, species="cat", score=0.9),),
    )


def thumbnail(_album: str, image_id: str, side_px: int) -> bytes:
    """A small JPEG, another one for each photo."""
    rng = np.random.default_rng([ord(letter) for letter in image_id])
    coarse = Pillow.fromarray(rng.integers(0, 255, (12, 16, 3), np.uint8)).resize((side_px, side_px * 3 // 4))
    encoded = io.BytesIO()
    coarse.save(encoded, "JPEG", quality=80)
    return encoded.getvalue()


def measured(page: Page, uri: str) -> dict[str, float]:
    """Milliseconds of what a person does first."""

    def timed(action: Callable[[], object]) -> float:
        start = time.perf_counter()
        action()
        page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
        return (time.perf_counter() - start) * 1e3

    def search() -> None:
        page.keyboard.press("/")
        page.keyboard.type("cat 7")

    def say() -> None:
        page.locator(".shelf .photo:visible").first.click()
        page.keyboard.press("h")

    return {
        "open, until it is painted": timed(lambda: page.goto(uri)),
        "search for a name of five letters": timed(search),
        "scroll to the end": timed(lambda: page.evaluate("scrollTo(0, document.body.scrollHeight)")),
        "open a photo and choose it": timed(say),
    }


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--photos", type=int, nargs="+", default=[1000, 5000])
    parser.add_argument("--rounds", type=int, default=5)
    told = parser.parse_args()
    path = shutil.which("chromium")
    if path is None:
        print("install a browser: apt-get install chromium", file=sys.stderr)
        return 1
    print(f"{platform.machine()}, Chromium, {PHONE['width']} x {PHONE['height']}")
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        for count in told.photos:
            answer = album(count)
            place = Path(folder) / f"{count}.html"
            place.write_text(compose({"home": answer}, embed(wanted({"home": answer}), thumbnail)), "utf-8")
            rounds = []
            for _ in range(told.rounds):
                context = browser.new_context(viewport=PHONE, offline=True)
                rounds.append(measured(context.new_page(), place.as_uri()))
                context.close()
            print(f"{count} photos, {place.stat().st_size / 1e6:.1f} MB:")
            for name in rounds[0]:
                print(f"  {name:36} {statistics.median(one[name] for one in rounds):8.0f} ms")
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
