"""Bulk work over the machines of a Ray cluster, by Ray Data. Needs the extra ``ray``."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib import import_module
from types import TracebackType
from typing import Any, Final

import msgspec

from sploot_media_clustering.errors import ConfigurationError, MissingExtraError, SourceUnavailableError
from sploot_media_clustering.services.embedding_ahead import (
    TOGETHER,
    OpenStages,
    Outcome,
    PhotoAhead,
    Spread,
)

LOCAL: Final = "local"
"""In place of a cluster's address: one of this machine's own, for as long as it is needed."""
LONGEST_S: Final = 900.0
"""Without any photo done: no machine is free, or a photo ends every process that looks at it, and Ray Data
starts those again for ever. Ten times what a portion takes of the slowest network on a busy processor."""
_PHOTOS: Final = "photo"
_OUTCOMES: Final = "outcome"
_MANNERS: Final = {
    "RAY_USAGE_STATS_ENABLED": "0",  # else it tells its makers how it is used
}
"""How Ray behaves where its variables don't say otherwise; read as it is imported."""


class RayStages:
    """An actor of the cluster: the stages, opened once and kept open; columns of JSON in and out.

    Args:
        open_stages: sent here from the process that spreads the work.
    """

    def __init__(self, open_stages: OpenStages) -> None:
        self._open = ExitStack()
        self._stages = self._open.enter_context(open_stages())

    def __call__(self, columns: dict[str, Any]) -> dict[str, list[str]]:
        """What became of each photo."""
        photos = [msgspec.json.decode(told, type=PhotoAhead) for told in columns[_PHOTOS]]
        return {_OUTCOMES: [msgspec.json.encode(one).decode() for one in self._stages(photos)]}


@contextmanager
def open_ray(
    open_stages: OpenStages, address: str, cores: int, longest_s: float = LONGEST_S
) -> Iterator[Spread]:
    """A way for photos through stages on all processors of a cluster, one actor each.

    Args:
        open_stages: what an actor opens; the package has to be installed on all machines.
        address: of the cluster (``HOST:6379``, ``ray://HOST:10001``), or :data:`LOCAL`.
        cores: that a cluster of this machine's own has.
        longest_s: that it may take until the next photo is done.

    Raises:
        ConfigurationError: there is no such cluster.
        MissingExtraError: Ray is not installed.
    """
    ray = _ray()
    try:
        ray.init(
            address=address,
            log_to_driver=False,
            logging_level=logging.ERROR,
            **({"num_cpus": cores, "include_dashboard": False} if address == LOCAL else {}),
        )
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise ConfigurationError(
            f"expected a cluster of Ray at {address}, got {type(error).__name__}; start it with 'ray start "
            f"--head', or say {LOCAL}"
        ) from error
    try:
        yield lambda photos: _spread(ray, open_stages, photos, longest_s)
    finally:
        ray.shutdown()


def _spread(
    ray: Any,  # noqa: ANN401 - a module
    open_stages: OpenStages,
    photos: Sequence[PhotoAhead],
    longest_s: float,
) -> Iterator[Outcome]:
    if not photos:
        return
    portions = -(-len(photos) // TOGETHER)
    actors = min(portions, max(1, int(ray.cluster_resources().get("CPU", 1))))
    data = ray.data.from_items(
        [{_PHOTOS: msgspec.json.encode(photo).decode()} for photo in photos], override_num_blocks=portions
    ).map_batches(
        RayStages,
        fn_constructor_args=(open_stages,),
        batch_size=TOGETHER,
        compute=ray.data.ActorPoolStrategy(size=actors),
        num_cpus=1,
    )
    try:
        with _Patience(longest_s) as patience:
            for row in data.iter_rows():
                patience.renew()
                yield msgspec.json.decode(row[_OUTCOMES], type=Outcome)
    except ray.exceptions.RayError as error:
        raise SourceUnavailableError(
            f"expected the cluster of Ray to go on, got {type(error).__name__}: {_first_line(error)}; "
            "what was embedded is kept, run it again"
        ) from error


class _Patience:
    """Ends a wait that is too long as Ctrl-C would: Ray has no limit of its own, and nothing else ends it.

    Of the main thread. A context manager.
    """

    def __init__(self, longest_s: float) -> None:
        self._longest_s = longest_s
        self._until_s = time.monotonic() + longest_s
        self._left, self._ended = threading.Event(), False
        self._watch = threading.Thread(target=self._watched, name="ray-patience", daemon=True)

    def renew(self) -> None:
        """Something came."""
        self._until_s = time.monotonic() + self._longest_s

    def __enter__(self) -> _Patience:  # noqa: PYI034 beartype takes Self only in classes it decorates
        self._watch.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._left.set()
        self._watch.join()
        if self._ended and kind is KeyboardInterrupt:
            raise SourceUnavailableError(
                f"expected the cluster of Ray to go on, no photo was done for {self._longest_s:.0f} s; look "
                "whether it has free processors and whether its processes live; what was embedded is kept, "
                "run it again"
            ) from error

    def _watched(self) -> None:
        while not self._left.wait(max(0.0, self._until_s - time.monotonic())):
            if time.monotonic() >= self._until_s:
                self._ended = True
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
                return


def _first_line(error: Exception) -> str:
    """Of what went wrong; what Ray adds below is for its makers."""
    cause = getattr(error, "cause", None) or error
    return next(iter(str(cause).strip().splitlines()), "")


def _ray() -> Any:  # noqa: ANN401 - a module
    for name, value in _MANNERS.items():
        os.environ.setdefault(name, value)
    try:
        ray, data = import_module("ray"), import_module("ray.data")
    except ImportError as error:
        raise MissingExtraError(
            "bulk work over a cluster needs the extra ray; run: pip install 'sploot-media-clustering[ray]'"
        ) from error
    context = data.DataContext.get_current()
    context.enable_progress_bars = False  # ours says how far it is
    context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    return ray
