"""What memory a worker takes, at rest and at most: one photo of 12 megapixels after the other.

    .venv/bin/python benchmarks/worker_memory.py [PACKAGE ...] [--photos 12]

Real worker processes over a real store, one a package; where none is named, the built-in one. A package
without heads gets those of the built-in one, stretched: they find nothing, and take as much room as others.
TorchScript that is named here is trusted. Linux tells the figures (``/proc``).
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from service_freshness import write_photos

from sploot_media_clustering.adapters.embedded_store import embedded_store
from sploot_media_clustering.adapters.model_package import ModelPackage, default_package, load_package
from sploot_media_clustering.adapters.package_heads import read_heads, write_with_heads
from sploot_media_clustering.adapters.redis_connection import connect
from sploot_media_clustering.adapters.redis_jobs import RedisJobQueue
from sploot_media_clustering.adapters.redis_models import RedisModels
from sploot_media_clustering.services.job_request import JobImage, JobRequest
from sploot_media_clustering.services.manifest import Reference

WORKER: Final = "from sploot_media_clustering.entrypoints.cli import main; main()"
LONGEST_S: Final = 900.0
LOOK_S: Final = 0.005
PER_MB: Final = 1000.0
"""``/proc`` counts in kB."""


def with_heads(package: ModelPackage, folder: Path) -> ModelPackage:
    """The package itself, or a copy with stretched heads."""
    if package.manifest.heads is not None:
        return package
    known = default_package()
    old, new = known.manifest.embedder.dimension, package.manifest.embedder.dimension
    heads = stretched(read_heads(known), old, new)
    heads = replace(
        heads,
        network_version=package.network_version,
        tree=replace(heads.tree, version=f"{package.network_version}-stretched"),
    )
    nothing = Reference(photos=1, quantiles=(), statistics={})
    return write_with_heads(package, heads, origin="stretched", reference=nothing, out=folder)


def stretched(value: Any, old: int, new: int) -> Any:  # noqa: ANN401
    """The same with arrays for embeddings of another dimension: twice, for whole and crop, or once."""
    if isinstance(value, np.ndarray) and value.ndim and value.shape[-1] >= old:
        times = value.shape[-1] // old
        return np.resize(value, (*value.shape[:-1], value.shape[-1] + times * (new - old)))
    if is_dataclass(value) and not isinstance(value, type):
        parts = {one.name: stretched(getattr(value, one.name), old, new) for one in fields(value)}
        return replace(value, **parts)
    return value


def resident_mb(pid: int, figure: str) -> float:
    """``VmRSS``, now, or ``VmHWM``, at most so far."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(figure)) / PER_MB


def processor_s(pid: int) -> float:
    """What a process took of processors so far."""
    after_name = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")


async def measure(url: str, photos: Path, count: int, version: str, worker: subprocess.Popen[bytes]) -> str:
    """Hand photos in one by one, and look at the worker."""
    connection = connect(url)
    await RedisModels(connection).activate(version, unmeasured=True)
    queue = RedisJobQueue(connection)
    for number in range(count):
        image = JobImage(image_id=f"{number}.jpg", uri=f"file://{photos}/{number}.jpg")
        await queue.add(JobRequest(job_id=f"job-{number}", pet_id="milo", images=(image,)))
        async with asyncio.timeout(LONGEST_S):
            while (state := await queue.state(f"job-{number}")) is None or state.status not in {
                "done",
                "dead",
            }:
                if worker.poll() is not None:
                    raise SystemExit(f"the worker ended with {worker.returncode}")
                await asyncio.sleep(LOOK_S)
        if state.status == "dead":
            raise SystemExit(f"photo {number}: {state.error}")
        if number == 0:
            opened_mb, begun_s = resident_mb(worker.pid, "VmHWM"), processor_s(worker.pid)
    await connection.close()
    took_s = processor_s(worker.pid) - begun_s
    rest_mb, most_mb = resident_mb(worker.pid, "VmRSS"), resident_mb(worker.pid, "VmHWM")
    return (
        f"{version}: {rest_mb:.0f} MB at rest, {most_mb:.0f} at most ({opened_mb:.0f} to the first photo), "
        f"{took_s / (count - 1):.2f} s of a processor a photo"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packages", nargs="*", type=Path)
    parser.add_argument("--photos", type=int, default=12)
    told = parser.parse_args()
    for folder in told.packages or [default_package().folder]:
        with tempfile.TemporaryDirectory() as place:
            photos = Path(place) / "photos"
            photos.mkdir()
            write_photos(photos, told.photos)
            package = with_heads(load_package(folder), Path(place) / "package")
            with embedded_store(Path(place) / "store") as store:
                environment = {
                    **os.environ,
                    "REDIS_URL": store.url,
                    "SPLOOT_CACHE": f"{place}/cache",
                    "SPLOOT_FILE_ROOT": str(photos),
                    "SPLOOT_MODEL": str(package.folder),
                    "SPLOOT_TRUSTED_MODELS": package.manifest.file(package.manifest.embedder.file).sha256,
                    "SPLOOT_WORKER_PORT": "0",
                }
                with subprocess.Popen([sys.executable, "-c", WORKER, "worker"], env=environment) as worker:  # noqa: S603 - our own command
                    try:
                        version = read_heads(package).tree.version
                        print(asyncio.run(measure(store.url, photos, told.photos, version, worker)))
                    finally:
                        worker.terminate()


if __name__ == "__main__":
    main()
