"""``sploot-clustering demo``: the whole service for one album, from jobs to the report, then gone again."""

from __future__ import annotations

import asyncio
import re
import socket
import tempfile
import time
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final, TypeVar

import msgspec
import typer

from sploot_media_clustering.entrypoints.cli import EXIT_INTERRUPTED
from sploot_media_clustering.entrypoints.cli.console import err, out, tracked
from sploot_media_clustering.entrypoints.cli.desk import service
from sploot_media_clustering.entrypoints.cli.fetched import write_album
from sploot_media_clustering.entrypoints.cli.jobs import album_images, photo_jobs
from sploot_media_clustering.entrypoints.cli.results import CLUSTERS, REPORT
from sploot_media_clustering.entrypoints.cli.table import counted, print_clusters, tally
from sploot_media_clustering.entrypoints.cli.up import ENDING, service_commands
from sploot_media_clustering.entrypoints.local_api import LocalApi
from sploot_media_clustering.entrypoints.supervisor import supervise
from sploot_media_clustering.errors import StoreUnavailableError
from sploot_media_clustering.services.answer_pages import ClusterPage
from sploot_media_clustering.services.desk import JobState, Submitted
from sploot_media_clustering.services.job_request import JobRequest
from sploot_media_clustering.settings import EMBEDDED, StoreSettings

T = TypeVar("T")

_PHOTOS_OF_A_JOB: Final = 8
"""Few, as they come from a phone, so that something is seen to go on."""
_START_S: Final = 60.0
_JOB_S: Final = 120.0
"""For the photos of one job on a slow machine, with those that wait before it."""
_ID_CHARACTERS: Final = 128
_LOOK_AGAIN_S: Final = 0.1
_LINES_KEPT: Final = 40
_WAITING: Final = frozenset({"queued", "running"})


def demo(
    photos: Annotated[
        Path, typer.Argument(exists=True, file_okay=False, help="Folder of one album, which is only read.")
    ],
    out_folder: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for clusters.json and report.html.")
    ] = Path("sploot-clusters"),
) -> None:
    """Run the service for one album: photos go in as jobs, the API's answer and a report come out.

    Store, API and a worker are started as `up` does, keep what they keep in a temporary folder, and are
    stopped at the end.

    Example:

        sploot-clustering demo ~/Pictures/Milo --out milo
    """
    pet, images = _album_id(photos.resolve().name), album_images([str(photos)])
    jobs = photo_jobs(pet, images, "demo", most=_PHOTOS_OF_A_JOB)
    out_folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="sploot-demo-", ignore_cleanup_errors=True) as folder:
        store = StoreSettings(url=EMBEDDED, folder=Path(folder) / "store")
        with service().open_store(store) as url:
            environment = {
                "PYTHONUNBUFFERED": "1",
                "REDIS_URL": url,
                "SPLOOT_LOCAL": "1",
                "SPLOOT_API_HOST": "",
                "SPLOOT_API_TOKENS": "",
                "SPLOOT_CACHE": str(Path(folder) / "cache"),
                "SPLOOT_FILE_ROOT": str(photos.resolve()),
            }
            stopped = not asyncio.run(_Demo(url, environment, _free_port()).run(jobs, out_folder))
    if stopped:
        err.print("\nStopped; nothing of it is left.")
        raise typer.Exit(EXIT_INTERRUPTED)


def _album_id(name: str) -> str:
    """A folder's name, as albums may be called."""
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[:_ID_CHARACTERS] or "album"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(slots=True)
class _Demo:
    """A service for one album.

    Attributes:
        url: of its store.
        environment: of its processes.
        port: of its API.
        lines: the last ones that its processes said.
    """

    url: str
    environment: dict[str, str]
    port: int
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=_LINES_KEPT))

    async def run(self, jobs: Sequence[JobRequest], folder: Path) -> bool:
        """Hand jobs in, wait, show; False where somebody did not want to wait.

        Raises:
            StoreUnavailableError: the service did not do it.
        """
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        if task is not None:
            for kind in ENDING:
                loop.add_signal_handler(kind, task.cancel)
        try:
            async with self._service():
                await self._shown(jobs, folder)
        except asyncio.CancelledError:
            return False
        except StoreUnavailableError:
            err.print(*self.lines, sep="\n", markup=False, soft_wrap=True)
            raise
        return True

    @asynccontextmanager
    async def _service(self) -> AsyncIterator[None]:
        """API and worker, ended at the end."""
        stop = asyncio.Event()
        commands = service_commands(1, self.port)
        service_task = asyncio.create_task(supervise(commands, self.environment, self._tell, stop))
        try:
            yield
        finally:
            stop.set()
            await service_task

    def _tell(self, name: str, line: str) -> None:
        self.lines.append(f"{name} | {line}")

    async def _shown(self, jobs: Sequence[JobRequest], folder: Path) -> None:
        api, pet = LocalApi(self.port), jobs[0].pet_id
        with err.status("Starting store, API and worker ..."):
            await self._started(api)
        for job in jobs:
            await asyncio.to_thread(api.post, "/internal/cluster-jobs", job, Submitted)
        photos = sum(len(job.images) for job in jobs)
        handed = f"{counted(photos, 'photo')} in {counted(len(jobs), 'job')}"
        err.print(f"{handed} handed to POST /internal/cluster-jobs")
        await self._worked_on(api, jobs)
        path = f"/internal/pets/{pet}/clusters?level=all&members=ids"
        page = await asyncio.to_thread(api.get, path, ClusterPage)
        out.print(f"\nGET {path}", markup=False, soft_wrap=True)
        print_clusters(pet, page.clusters)
        ids = (part.member_ids for part in page.clusters if part.level == "subject")
        placed = {image_id for part in ids if part is not msgspec.UNSET for image_id in part}
        failed = len(page.failed_images)
        out.print(tally(photos - failed, placed, page.unclustered, failed))
        with err.status("Writing the report ..."):
            await write_album(self.url, pet, folder)
        out.print(
            f"\nclusters  {folder / CLUSTERS}\nreport    {folder / REPORT}", soft_wrap=True, markup=False
        )

    async def _started(self, api: LocalApi) -> None:
        until = time.monotonic() + _START_S
        while not await asyncio.to_thread(api.ready):
            if time.monotonic() > until:
                raise StoreUnavailableError(f"expected the API to be ready within {_START_S:g} s")
            await asyncio.sleep(_LOOK_AGAIN_S)

    async def _worked_on(self, api: LocalApi, jobs: Sequence[JobRequest]) -> None:
        names = [str(job.job_id) for job in jobs for _ in job.images]
        ended: set[str] = set()
        for name in tracked(names, len(names), "Working"):
            if name not in ended:
                await self._ended(api, name)
                ended.add(name)

    async def _ended(self, api: LocalApi, name: str) -> None:
        until = time.monotonic() + _JOB_S
        while True:
            state = await asyncio.to_thread(api.get, f"/internal/cluster-jobs/{name}", JobState)
            if state.status == "dead":
                raise StoreUnavailableError(f"the job {name} was given up: {state.error}")
            if state.status not in _WAITING:
                return
            if time.monotonic() > until:
                raise StoreUnavailableError(f"expected the job {name} to end within {_JOB_S:g} s")
            await asyncio.sleep(_LOOK_AGAIN_S)
