"""Where a network runs: the first place that works of those that were asked for, and the next when it fails.

The places are the rungs of a ladder that ends at the processor. Stepping down happens while photos are being
embedded, and loses none of them: what failed is computed again on the rung below.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np

from sploot_media_clustering.errors import ConfigurationError, TemporaryError

_log = logging.getLogger(__name__)

Run: TypeAlias = Callable[[np.ndarray], list[np.ndarray]]
"""A batch of pictures to the network's outputs."""

CPU: Final = "cpu"
PROVIDERS: Final = ("tensorrt", "cuda", "openvino", CPU)
"""Places to run at, fastest first."""
AUTO: Final = "auto"

CPU_BATCH: Final = 8
"""Pictures run at once: more gain nothing on a CPU and take memory."""
GPU_BATCH: Final = 32

_GIB: Final = 2**30
_OUT_OF_MEMORY: Final = (
    "out of memory",
    "out_of_memory",
    "failed to allocate",
    "is smaller than requested bytes",  # ONNX Runtime's arena, at the limit that was set
    "alloc_failed",
    "bad_alloc",
)
"""How CUDA, cuBLAS, ONNX Runtime and PyTorch say so, in lower case."""


@dataclass(frozen=True, slots=True)
class Execution:
    """Where networks may run.

    Attributes:
        providers: of :data:`PROVIDERS`, in the order in which they are tried, the CPU last; none: the best
            that there is.
        gpu_memory_bytes: that ONNX Runtime may take of a GPU for one network, beside its weights.
        trusted: SHA-256 of TorchScript files that may run; what they hold is code.
    """

    providers: tuple[str, ...] = (CPU,)
    gpu_memory_bytes: int = 2 * _GIB
    trusted: frozenset[str] = frozenset()


def asked_providers(told: str) -> tuple[str, ...]:
    """Names of :data:`PROVIDERS` separated by commas, ended by the CPU; of ``auto``, none.

    Raises:
        ConfigurationError: a name is none of them.
    """
    names = tuple(part.strip().lower() for part in told.split(",") if part.strip())
    if names in {(), (AUTO,)}:
        return ()
    unknown = [name for name in names if name not in PROVIDERS]
    if unknown:
        raise ConfigurationError(
            f"SPLOOT_PROVIDERS names {', '.join(unknown)}, expected {AUTO}, or some of {', '.join(PROVIDERS)}"
        )
    return tuple(dict.fromkeys((*names, CPU)))


@dataclass(frozen=True, slots=True)
class Opened:
    """A network ready to run.

    Attributes:
        run: computes a batch.
        batch: pictures in it, at most.
    """

    run: Run
    batch: int


@dataclass(frozen=True, slots=True)
class Rung:
    """A place where a network may run.

    Attributes:
        provider: of :data:`PROVIDERS`.
        open: loads it there; whatever it raises means that it can't.
    """

    provider: str
    open: Callable[[], Opened]


@dataclass(frozen=True, slots=True)
class Placement:
    """What was asked for, what was got, and why.

    Attributes:
        network: its file.
        asked: places, in the order asked; none: the best that there is.
        provider: where it runs.
        batch: pictures that it takes at once.
        why: each place that does not work, and what it said.
        check: how close the network comes to its canary there.
    """

    network: str
    asked: tuple[str, ...]
    provider: str
    batch: int
    why: tuple[str, ...]
    check: str

    def __str__(self) -> str:
        reasons = f" ({'; '.join(self.why)})" if self.why else ""
        return f"{self.network} runs on {self.provider}, up to {self.batch} pictures at once{reasons}"


class Ladder:
    """Runs a network; safe to share between threads.

    Args:
        network: its file, for messages.
        rungs: where it may run, best first; at least one.
        accept: says how close a network just opened comes to what it should compute; raises ModelPackageError
            where that is not close enough.
        side_px: of a picture. Before photos come, every rung but the CPU's runs the largest batch once: it
            plans and allocates then, and what comes later fits in.
        asked: places that were asked for; none: the best that there is.
        absent: those that are not to be had, and why.

    Raises:
        ModelPackageError: it works nowhere.
    """

    def __init__(
        self,
        network: str,
        rungs: Sequence[Rung],
        *,
        accept: Callable[[Run], str],
        side_px: int,
        asked: tuple[str, ...] = (),
        absent: Sequence[str] = (),
    ) -> None:
        self._network = network
        self._asked = asked
        self._accept = accept
        self._side_px = side_px
        self._why = list(absent)
        self._check = ""
        self._lock = threading.Lock()
        self._below = list(rungs)
        self._here = self._climb()
        _log.log(logging.WARNING if self._why else logging.INFO, "%s", self.placement)

    @property
    def placement(self) -> Placement:
        """Where it runs now."""
        rung, opened = self._here
        return Placement(
            self._network, self._asked, rung.provider, opened.batch, tuple(self._why), self._check
        )

    def run(self, pictures: np.ndarray) -> list[np.ndarray]:
        """The network's outputs for one picture or more.

        Raises:
            TemporaryError: not even one picture fits into the memory there is.
        """
        parts: list[list[np.ndarray]] = []
        start = 0
        while start < len(pictures):
            here = self._here
            part = pictures[start : start + here[1].batch]
            try:
                parts.append(here[1].run(part))
            except Exception as error:  # noqa: BLE001 - each runtime has a dozen classes; the last rung's goes on
                self._step_down(here, len(part), error)
                continue
            start += len(part)
        return [np.concatenate(arrays) for arrays in zip(*parts, strict=True)]

    def _step_down(self, failed: tuple[Rung, Opened], size: int, error: Exception) -> None:
        """A smaller batch where memory ran out, else the next rung."""
        with self._lock:
            rung, opened = self._here
            if self._here is not failed:  # another thread met the same, and has stepped down
                return
            if is_out_of_memory(error) and size > 1:
                self._here = (rung, Opened(opened.run, size // 2))
            elif self._below:
                self._why.append(f"{rung.provider}: {_first_line(error)}")
                self._here = self._climb()
            elif is_out_of_memory(error):
                raise TemporaryError(
                    f"{self._network}: no memory for one picture on {rung.provider}; give it more, or run "
                    "less beside it"
                ) from error
            else:
                raise error
            _log.warning("%s failed with %d pictures: %s", rung.provider, size, _first_line(error))
            _log.warning("%s", self.placement)

    def _climb(self) -> tuple[Rung, Opened]:
        """The first rung left on which the network opens and computes what it should."""
        while True:
            rung = self._below.pop(0)
            try:
                opened = rung.open()
                self._check = self._accept(opened.run)
                return rung, opened if rung.provider == CPU else self._warmed(opened)
            except Exception as error:
                if not self._below:
                    raise
                self._why.append(f"{rung.provider}: {_first_line(error)}")

    def _warmed(self, opened: Opened) -> Opened:
        """With the largest batch that memory has room for."""
        batch = opened.batch
        while True:
            try:
                opened.run(np.zeros((batch, self._side_px, self._side_px, 3), np.uint8))
            except Exception as error:
                if batch == 1 or not is_out_of_memory(error):
                    raise
                batch //= 2
            else:
                return Opened(opened.run, batch)


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error of a runtime says that memory is lacking."""
    said = str(error).lower()
    return isinstance(error, MemoryError) or any(words in said for words in _OUT_OF_MEMORY)


_SAID_CHARACTERS: Final = 200
_IN_ITS_SOURCES: Final = re.compile(r"\S+\.cc:\d+ .*?\) (?=[A-Z])")
"""File, line and signature, which ONNX Runtime puts before what it has to say."""


def _first_line(error: Exception) -> str:
    said = _IN_ITS_SOURCES.sub("", str(error)).strip() or type(error).__name__
    return said.splitlines()[0][:_SAID_CHARACTERS]
