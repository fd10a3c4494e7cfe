"""From a job handed in to the album that shows it: a 12-megapixel photo, one worker, real networks.

``python benchmarks/service_freshness.py --photos 40`` prints percentiles in milliseconds of an idle service;
``--photos 10 --waiting 2000`` those of photos that come while as many others wait, one a job: handed in as
back-fill, and then, in the same way, as live ones.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from PIL import Image

from sploot_media_clustering.adapters.embedded_store import embedded_store
from sploot_media_clustering.adapters.redis_jobs import RedisJobQueue
from sploot_media_clustering.adapters.redis_store import RedisPetStore
from sploot_media_clustering.bootstrap_service import open_connection
from sploot_media_clustering.bootstrap_worker import Tools, open_consumer, open_tools
from sploot_media_clustering.services.answer import Answer
from sploot_media_clustering.services.canary import canary_picture
from sploot_media_clustering.services.job_request import JobImage, JobRequest
from sploot_media_clustering.settings import Settings, UriSettings

WIDTH_PX: Final = 4000
HEIGHT_PX: Final = 3000
WARM_UP: Final = 3
"""Photos that are not counted; where others wait, seconds until the first one comes."""
BULK_ALBUM: Final = 10
POLL_S: Final = 0.001
POLL_WAITING_S: Final = 0.05


@dataclass(frozen=True)
class Bulk:
    """Jobs of others, and the lane that they name."""

    jobs: int
    lane: str

    @property
    def poll_s(self) -> float:
        """Between two looks, which cost those who work."""
        return POLL_WAITING_S if self.jobs else POLL_S


def write_photos(folder: Path, count: int) -> None:
    """A drawn cat, elsewhere in each photo."""
    cat = canary_picture(HEIGHT_PX)
    wide = np.concatenate([cat, cat[:, ::-1]], axis=1)[:, :WIDTH_PX]
    for number in range(count):
        moved = np.roll(wide, 16 * number, axis=1)
        Image.fromarray(moved).save(folder / f"{number}.jpg", quality=90)


async def measure(url: str, folder: Path, tools: Tools, count: int, bulk: Bulk) -> list[float]:
    """Milliseconds from handing in to the answer that has the photo.

    One after the other; where others wait, a second apart, whether the one before is seen or not.
    """
    stop = asyncio.Event()
    async with open_connection(url) as connection, open_consumer(url, tools) as consumer:
        queue, pets = RedisJobQueue(connection), RedisPetStore(connection)
        await hand_in(queue, folder, count, bulk)
        running = asyncio.create_task(consumer.run(stop))

        async def one(number: int) -> float:
            if bulk.jobs:
                await asyncio.sleep(WARM_UP + number)
            image = JobImage(image_id=f"{number}.jpg", uri=f"file://{folder}/{number}.jpg")
            begun = time.perf_counter()
            await queue.add(JobRequest(job_id=f"job-{number}", pet_id="milo", images=(image,)))
            while not await shows(pets, image.image_id):  # noqa: ASYNC110 - seen as a reader sees it
                await asyncio.sleep(bulk.poll_s)
            return (time.perf_counter() - begun) * 1000

        if bulk.jobs:
            took_ms = list(await asyncio.gather(*map(one, range(count))))
        else:
            took_ms = [await one(number) for number in range(count)]
        stop.set()
        await running
    return took_ms


async def hand_in(queue: RedisJobQueue, folder: Path, photos: int, bulk: Bulk) -> None:
    """The photos of others, one a job, ten an album."""
    for number in range(bulk.jobs):
        image = JobImage(image_id=f"{number}.jpg", uri=f"file://{folder}/{number % photos}.jpg")
        pet_id = f"pet-{number // BULK_ALBUM}"
        await queue.add(JobRequest(job_id=f"bulk-{number}", pet_id=pet_id, images=(image,), lane=bulk.lane))


async def shows(pets: RedisPetStore, image_id: str) -> bool:
    """Whether the answer kept ready has a photo in a cluster."""
    payload = await pets.payload("milo")
    if payload is None or image_id.encode() not in payload:
        return False
    answer = msgspec.json.decode(payload, type=Answer)
    return any(part.image_id == image_id for part in answer.images)


def run(photos: Path, count: int, bulk: Bulk) -> list[float]:
    """Milliseconds of each photo, in a service that begins with what waits."""
    with tempfile.TemporaryDirectory() as place:
        settings = Settings(model=None, cache=f"{place}/cache")
        with (
            embedded_store(Path(place) / "store") as store,
            open_tools(settings, UriSettings(file_root=photos)) as tools,
        ):
            return asyncio.run(measure(store.url, photos, tools, count, bulk))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=40)
    parser.add_argument("--waiting", type=int, default=0, help="jobs of others that wait")
    told = parser.parse_args()
    warm_up = 0 if told.waiting else WARM_UP
    with tempfile.TemporaryDirectory() as place:
        photos = Path(place)
        write_photos(photos, told.photos + warm_up)
        for lane in ("backfill", "live") if told.waiting else ("live",):
            took_ms = run(photos, told.photos + warm_up, Bulk(told.waiting, lane))[warm_up:]
            if told.waiting:
                print(f"while {told.waiting} jobs wait in the lane {lane}:")
            for share in (50, 95, 100):
                print(f"p{share}: {np.percentile(took_ms, share):.0f} ms", flush=True)


if __name__ == "__main__":
    main()
