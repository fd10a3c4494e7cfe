"""How fast packages embed where their networks run, and what memory that takes: on a GPU, or on the CPU.

    python benchmarks/gpu_speed.py [PACKAGE ...] [--providers cuda,cpu] [--json FILE]

Each package has a process of its own; where none is named, the built-in one is measured. Photos are JPEGs of
12 megapixels with the grain of a camera. They take the way of the product: decoder, detector and embedder of
the package, on the first place of ``--providers`` that works, which the table names. Views go through the
embedder in the batches that it takes there, however many are handed in. "Decoded before" leaves out the
decoder alone. Vectors are compared with those of the same package on the CPU.

GPU memory is what ``nvidia-smi`` says to be taken more than before, of the whole GPU, so nothing else should
use it; neither ONNX Runtime nor PyTorch gives back what it once had, so this is the most that was needed.
TorchScript that is named here is trusted.
"""

from __future__ import annotations

import argparse
import io
import json
import platform
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import cycle, islice
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image

from sploot_media_clustering.adapters.images import ImageLimits, PillowDecoder
from sploot_media_clustering.adapters.model_package import ModelPackage, default_package, load_package
from sploot_media_clustering.adapters.placement import CPU, Execution, asked_providers
from sploot_media_clustering.adapters.processors import available_cores
from sploot_media_clustering.services.canary import canary_picture
from sploot_media_clustering.services.embedding import BATCH, EmbeddingService, PhotoFailure, PhotoInput
from sploot_media_clustering.services.parity import drawn_pictures
from sploot_media_clustering.services.ports import ImageDecoder, Picture

MOST_MS: Final = 200.0
MOST_GPU_MB: Final = 8192.0
"""What was promised: of a photo alone, and of the memory of a GPU."""

VIEWS: Final = (1, 8, 32, 128)
WIDTH_PX, HEIGHT_PX, JPEG_QUALITY = 4032, 3024, 90
GRAIN: Final = 8.0
"""Grey levels: with it a file has the 4 MB of a phone's."""
DIFFERENT: Final = 8
"""Photos that differ; more are these again."""
LOOKS: Final = 8
"""Windows that the detector looks at together."""
LEAST_RUNS: Final = 3


@dataclass(frozen=True, slots=True)
class Told:
    """What is to be done with each package."""

    providers: tuple[str, ...]
    photos: int
    batch: int
    seconds: float
    threads: int
    compared: int


class Decoded:
    """Photos that were decoded before."""

    def __init__(self, decoder: ImageDecoder, photos: Sequence[bytes]) -> None:
        self._pictures = {data: decoder.decode(data) for data in photos}

    def decode(self, data: bytes) -> Picture:
        """The picture of a photo."""
        return self._pictures[data]


def photos() -> list[bytes]:
    """JPEGs of a drawn cat, elsewhere in each."""
    drawn = Image.fromarray(canary_picture(HEIGHT_PX // 4))
    cat = np.asarray(drawn.resize((HEIGHT_PX, HEIGHT_PX), Image.Resampling.BICUBIC))
    wide = np.concatenate([cat, cat[:, ::-1]], axis=1)[:, :WIDTH_PX]
    grain = np.random.default_rng(0).normal(0, GRAIN, wide.shape).astype(np.int8)
    made = []
    for number in range(DIFFERENT):
        moved = np.roll(wide, 16 * number, axis=1).astype(np.int16) + np.roll(grain, 100 * number, axis=0)
        encoded = io.BytesIO()
        Image.fromarray(np.clip(moved, 0, 255).astype(np.uint8)).save(encoded, "JPEG", quality=JPEG_QUALITY)
        made.append(encoded.getvalue())
    return made


def gpu_mb() -> float | None:
    """Memory of the first GPU that is taken; None where there is none."""
    command = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits", "--id=0"]
    try:
        return float(subprocess.run(command, capture_output=True, check=True, text=True).stdout)  # noqa: S603 - our own command
    except (OSError, subprocess.CalledProcessError):
        return None


def gpu_name() -> str:
    """What the GPU is called."""
    command = ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader", "--id=0"]
    try:
        return subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()  # noqa: S603 - our own command
    except (OSError, subprocess.CalledProcessError):
        return "no GPU"


def resident_mb() -> float:
    """The most memory of this process so far, GPU apart; 0 where the system doesn't tell."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0.0
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1000


def timed_ms(action: Callable[[], object], seconds: float) -> list[float]:
    """Milliseconds of each of some runs, after one that is not counted."""
    action()
    took: list[float] = []
    end = time.perf_counter() + seconds
    while len(took) < LEAST_RUNS or time.perf_counter() < end:
        began = time.perf_counter()
        action()
        took.append((time.perf_counter() - began) * 1000)
    return took


def of_photos(service: EmbeddingService, photo: Sequence[bytes], told: Told, batch: int) -> dict[str, float]:
    """A folder's photos a second, the median of some runs; with the product's batch, a photo alone, too."""
    figures, turns = {}, cycle(photo)

    def folder() -> None:
        inputs = (PhotoInput(str(number), data) for number, data in enumerate(islice(turns, told.photos)))
        failed = [one.error for one in service.embed(inputs) if isinstance(one, PhotoFailure)]
        if failed:
            raise failed[0]

    if batch == BATCH:
        took = timed_ms(lambda: service.embed_one(PhotoInput("one", next(turns))), told.seconds)
        figures["alone_ms"], figures["alone_p95_ms"] = statistics.median(took), float(np.percentile(took, 95))
    figures[f"photos_a_second_{batch}"] = (
        1000 * told.photos / statistics.median(timed_ms(folder, told.seconds))
    )
    return figures


def measure(folder: str, photo: Sequence[bytes], told: Told) -> Iterator[dict[str, Any]]:
    """Figures of a package, as they come."""
    before_mb, began = gpu_mb(), time.perf_counter()
    package = load_package(Path(folder))
    yield {"package": package.network_version}
    embedder = package.open_embedder(threads=told.threads, execution=trusting(package, told.providers))
    yield {"embedder": asdict(embedder.placement), "embedder_opened_s": time.perf_counter() - began}
    detector = package.open_detector(threads=told.threads, execution=trusting(package, told.providers))
    yield {"detector": asdict(detector.placement), "opened_s": time.perf_counter() - began}
    rng = np.random.default_rng(0)
    for count in VIEWS:
        views = rng.integers(0, 256, (count, embedder.input_px, embedder.input_px, 3), np.uint8)
        took = timed_ms(partial(embedder.embed, views), told.seconds)
        yield {f"views_{count}_ms": statistics.median(took)}
    looks = rng.integers(0, 256, (LOOKS, detector.input_px, detector.input_px, 3), np.uint8)
    yield {f"looks_{LOOKS}_ms": statistics.median(timed_ms(partial(detector.detect, looks), told.seconds))}
    decoder = PillowDecoder(ImageLimits())
    for name, reader in (("", decoder), ("decoded_", Decoded(decoder, photo))):
        for batch in sorted({BATCH, told.batch}):
            with EmbeddingService(
                decoder=reader,
                detector=detector,
                embedder=embedder,
                thresholds=package.manifest.detector.thresholds,
                workers=told.threads,
                batch=batch,
            ) as service:
                figures = of_photos(service, photo, told, batch)
                yield {f"{name}{key}": value for key, value in figures.items()}
        after_mb = gpu_mb()
        if before_mb is not None and after_mb is not None:
            yield {"gpu_mb": after_mb - before_mb}
        yield {"resident_mb": resident_mb()}
    yield {"at_the_end": [str(embedder.placement), str(detector.placement)]}
    if told.compared:
        yield {"least_cosine_to_cpu": likeness(package, embedder.embed, told)}


def trusting(package: ModelPackage, providers: tuple[str, ...]) -> Execution:
    """That runs the package's TorchScript, too."""
    return Execution(
        providers, trusted=frozenset({package.manifest.file(package.manifest.embedder.file).sha256})
    )


def likeness(package: ModelPackage, embed: Callable[[np.ndarray], Any], told: Told) -> float:
    """Least cosine between vectors of the same views here and on the CPU."""
    views = drawn_pictures(package.manifest.embedder.input_px)[: told.compared]
    on_cpu = package.open_embedder(threads=told.threads, execution=trusting(package, (CPU,)))
    ours, theirs = embed(views).embeddings, on_cpu.embed(views).embeddings
    lengths = np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
    return float(((ours * theirs).sum(axis=1) / lengths).min())


def serve(folder: str, photo: Sequence[bytes], told: Told, answer: Connection) -> None:
    """A package's process."""
    for figures in measure(folder, photo, told):
        answer.send(figures)


def figures_of(folder: Path, photo: Sequence[bytes], told: Told) -> Iterator[dict[str, Any]]:
    """What a package's process sends until it ends."""
    context = get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=serve, args=(str(folder), photo, told, there))
    process.start()
    there.close()
    try:
        while True:
            yield here.recv()
    except EOFError:
        process.join()


def cell(row: dict[str, Any], figure: str, digits: int = 1) -> str:
    """A figure; empty where it was not taken."""
    return "" if row.get(figure) is None else f"{row[figure]:.{digits}f}"


def table(rows: Sequence[dict[str, Any]], batch: int) -> str:
    """Figures as Markdown."""
    batches = sorted({BATCH, batch})
    at_once = [f"{size} at once" for size in batches]
    heads = [
        "package",
        "embedder, detector on",
        "a photo alone, ms (p95)",
        "decoded before, ms",
        *(f"{count} views, ms" for count in VIEWS),
        *(f"photos a second, {size}" for size in at_once),
        *(f"decoded before, {size}" for size in at_once),
        "GPU, MB",
        "resident, MB",
        "least cosine to the CPU's",
    ]
    lines = [heads, ["---"] + ["---:"] * (len(heads) - 1)]
    for row in rows:
        places = [row.get(network, {}).get("provider", "") for network in ("embedder", "detector")]
        cells = [
            row["package"],
            ", ".join(places),
            f"{cell(row, 'alone_ms')} ({cell(row, 'alone_p95_ms')})",
            cell(row, "decoded_alone_ms"),
            *(cell(row, f"views_{count}_ms") for count in VIEWS),
            *(cell(row, f"photos_a_second_{size}") for size in batches),
            *(cell(row, f"decoded_photos_a_second_{size}") for size in batches),
            cell(row, "gpu_mb", 0),
            cell(row, "resident_mb", 0),
            cell(row, "least_cosine_to_cpu", 5),
        ]
        lines.append(cells)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def verdict(row: dict[str, Any]) -> str:
    """What was promised, and whether it is kept."""
    alone_ms, taken_mb = row.get("alone_ms"), row.get("gpu_mb")
    if alone_ms is None:
        return f"{row['package']}: not all could be measured"
    memory = "none of a GPU" if taken_mb is None else f"{taken_mb:.0f} of {MOST_GPU_MB:.0f} MB of a GPU"
    return f"{row['package']}: a photo alone takes {alone_ms:.0f} of {MOST_MS:.0f} ms, and {memory}"


def main() -> None:
    """Measure each package, and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("packages", nargs="*", type=Path, help="folders; default: the built-in package")
    parser.add_argument("--providers", default="auto", help="where networks may run, as SPLOOT_PROVIDERS")
    parser.add_argument("--photos", type=int, default=64, help="of the folder")
    parser.add_argument("--batch", type=int, default=32, help="photos at once, beside the product's 4")
    parser.add_argument("--seconds", type=float, default=2.0, help="that each figure is measured")
    parser.add_argument("--threads", type=int, default=available_cores())
    parser.add_argument("--compared", type=int, default=8, help="views compared with the CPU's, at most 16")
    parser.add_argument("--json", type=Path, help="file for all figures")
    asked = parser.parse_args()
    told = Told(
        providers=asked_providers(asked.providers),
        photos=asked.photos,
        batch=asked.batch,
        seconds=asked.seconds,
        threads=asked.threads,
        compared=asked.compared,
    )
    photo = photos()
    rows: list[dict[str, Any]] = []
    print(f"{platform.machine()}, {told.threads} cores, {gpu_name()}; JPEGs of {len(photo[0]) / 1e6:.1f} MB")
    for folder in asked.packages or [default_package().folder]:
        row: dict[str, Any] = {"package": str(folder)}
        rows.append(row)
        for figures in figures_of(folder, photo, told):
            row |= figures
            if asked.json:
                asked.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")
        print("; ".join([verdict(row), *row.get("at_the_end", ["its process ended early"])]), flush=True)
    print(table(rows, told.batch))


if __name__ == "__main__":
    main()
