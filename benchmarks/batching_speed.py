"""Dynamic batching against fixed batches under load, and against none for a lone request, in one run.

    OMP_NUM_THREADS=1 .venv/bin/python benchmarks/batching_speed.py [--rounds 31] [--views 64] [--photos 32]

0 views, or 0 photos, leave them out.

Views go through the built-in embedder, photos (640 pixels, of scikit-image's cat) through decoder, detector
and embedder, as in a worker. Contenders take turns, many short ones. Under load, so many callers ask at once
that a batch is always full; fixed batches are cut beforehand and run one after another, which no server can
do. A lone caller asks again when he was answered; without batching that is a call in a thread, as any server
has to make it.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import os
import random
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Final

import numpy as np
from PIL import Image, ImageEnhance

from sploot_media_clustering.adapters.images import ImageLimits, PillowDecoder
from sploot_media_clustering.adapters.model_package import default_package
from sploot_media_clustering.adapters.placement import CPU_BATCH
from sploot_media_clustering.services.batching import BATCH, Batcher, Batching, ViewBatcher
from sploot_media_clustering.services.embedding import EmbeddingService, PhotoInput
from sploot_media_clustering.settings import EmbedderSettings

FIXED: Final = (1, 2, 4, 8, 16, 32)
CALLERS: Final = 32
LONE: Final = 10
"""Requests of a lone caller in a round."""
WIDTH_PX, JPEG_QUALITY = 640, 88
RESAMPLES: Final = 2000


def photos(count: int) -> list[bytes]:
    """Different JPEGs of one size; the same on every run."""
    from skimage import data  # noqa: PLC0415 - of the extra "demo"

    cat = Image.fromarray(data.chelsea())
    cat = cat.resize((WIDTH_PX, WIDTH_PX * cat.height // cat.width), Image.Resampling.LANCZOS)
    made = []
    for number in range(count):
        encoded = io.BytesIO()
        lit = ImageEnhance.Brightness(cat).enhance(0.6 + 0.8 * number / count)
        lit.save(encoded, "JPEG", quality=JPEG_QUALITY)
        made.append(encoded.getvalue())
    return made


async def fixed(run: Callable[[Sequence], object], items: Sequence, size: int) -> None:
    """Batches of one size, one after another."""

    def all_of_it() -> None:
        for start in range(0, len(items), size):
            run(items[start : start + size])

    await asyncio.to_thread(all_of_it)


async def loaded(ask: Callable[[object], Awaitable[object]], items: Sequence) -> None:
    """Many callers, each asking for the next item when it was answered."""
    left: Iterator[object] = iter(items)

    async def caller() -> None:
        for item in left:
            await ask(item)

    await asyncio.gather(*(caller() for _ in range(CALLERS)))


async def lone_ms(ask: Callable[[object], Awaitable[object]], item: object) -> float:
    """One caller's wait."""
    began_s = time.perf_counter()
    await ask(item)
    return (time.perf_counter() - began_s) * 1000


def interval(values: Sequence[float]) -> str:
    """Median, and where it lies in 95 of 100 samples drawn from the rounds with replacement."""
    rng = np.random.default_rng(0)
    drawn = np.median(rng.choice(values, (RESAMPLES, len(values))), axis=1)
    low, high = np.percentile(drawn, (2.5, 97.5))
    return f"{statistics.median(values):.3g} ({low:.3g} to {high:.3g})"


async def compare(
    what: str, run: Callable[[Sequence], object], batching: Batching, items: Sequence, rounds: int
) -> None:
    """Rounds of all contenders in turn, and what they come to."""
    speed: dict[object, list[float]] = {size: [] for size in (*FIXED, "dynamic")}
    used_ms: dict[object, list[float]] = {name: [] for name in speed}
    lone: dict[str, list[float]] = {"unbatched": [], "dynamic": []}

    async def unbatched(item: object) -> object:
        return await asyncio.to_thread(run, [item])

    async with batching.running():
        await loaded(batching.ask, items[: 2 * CALLERS])
        for _ in range(rounds):
            for name, rates in speed.items():
                began_s, used_s = time.perf_counter(), time.process_time()
                if name == "dynamic":
                    await loaded(batching.ask, items)
                else:
                    await fixed(run, items, int(str(name)))
                rates.append(len(items) / (time.perf_counter() - began_s))
                used_ms[name].append((time.process_time() - used_s) * 1000 / len(items))
            for item in items[:LONE]:
                for name in random.sample(sorted(lone), len(lone)):
                    lone[name].append(await lone_ms(batching.ask if name == "dynamic" else unbatched, item))
    best = max(FIXED, key=lambda size: statistics.median(speed[size]))
    ratios = [one / other for one, other in zip(speed["dynamic"], speed[best], strict=True)]
    print(f"{what}, medians of {rounds} interleaved rounds (95 % intervals of the median)")
    for name, values in speed.items():
        called = f"batches of {name}" if name != "dynamic" else name
        print(
            f"  {called:16} {interval(values)} a second, {interval(used_ms[name])} ms of processor time each"
        )
    print(f"  dynamic / best fixed (of {best}): {interval(ratios)}")
    for name, values in lone.items():
        print(f"  lone, {name:10} {interval(values)} ms, p95 {np.percentile(values, 95):.3g}")
    waits = [one - other for one, other in zip(lone["dynamic"], lone["unbatched"], strict=True)]
    print(f"  lone, dynamic - unbatched: {interval(waits)} ms\n", flush=True)


async def main() -> None:
    """Views, then photos."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=31)
    parser.add_argument("--views", type=int, default=64)
    parser.add_argument("--photos", type=int, default=32)
    told = parser.parse_args()
    package, threads = default_package(), 1
    embedder = package.open_embedder(threads=threads)
    side_px = embedder.input_px
    views = list(np.random.default_rng(0).integers(0, 256, (told.views, side_px, side_px, 3), np.uint8))
    if views:
        batcher = ViewBatcher(embedder, batch=CPU_BATCH, delay_s=EmbedderSettings().delay_s)
        await compare("views", lambda part: embedder.embed(np.stack(part)), batcher, views, told.rounds)
    with EmbeddingService(
        decoder=PillowDecoder(ImageLimits()),
        detector=package.open_detector(threads=threads),
        embedder=embedder,
        thresholds=package.manifest.detector.thresholds,
        workers=os.cpu_count() or 1,
    ) as service:

        def embedded(part: Sequence[PhotoInput]) -> object:
            return [service.embed_one(part[0])] if len(part) == 1 else list(service.embed(part))

        inputs = [PhotoInput(str(number), data) for number, data in enumerate(photos(told.photos))]
        if inputs:
            await compare("photos", embedded, Batcher(service, batch=BATCH), inputs, told.rounds)


if __name__ == "__main__":
    asyncio.run(main())
