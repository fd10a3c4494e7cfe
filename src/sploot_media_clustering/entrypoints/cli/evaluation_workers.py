"""Processes of the evaluation: protocols are shared out to some, costs measured in one by itself.

Each that runs protocols has the photos and the fitted heads for itself.
"""

from __future__ import annotations

import atexit
import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from functools import lru_cache, partial
from pathlib import Path

from sploot_media_clustering import __version__
from sploot_media_clustering.adapters.model_package import load_package
from sploot_media_clustering.adapters.placement import Execution
from sploot_media_clustering.entrypoints.cli.evaluation_material import opened
from sploot_media_clustering.evaluation.embedders import Cost, cost_of
from sploot_media_clustering.evaluation.material import Material
from sploot_media_clustering.evaluation.protocols import run_all
from sploot_media_clustering.evaluation.results import Results, merged


def measured(
    folders: tuple[Path, ...],
    without: tuple[str, ...],
    names: Sequence[str],
    draws: int | None,
    *,
    workers: int,
    as_is: bool,
) -> Results:
    """Run protocols on the photos of some folders.

    Args:
        folders: of labelled photos.
        without: names of data sets that are left out.
        names: of protocols.
        draws: of each set; by default each protocol's own.
        workers: processes; what is measured does not depend on how many, but for times.
        as_is: whether the package's heads are judged as they are.

    Raises:
        DatasetError: the folders hold no labelled photos, or nothing can be measured.
    """
    with opened(
        list(folders), without, as_is=as_is
    ) as material:  # photos are embedded once, and kept for all
        if workers == 1:
            return merged([run_all(material, names, draws, version=__version__)])
    one = partial(_one, folders=folders, without=without, draws=draws, as_is=as_is)
    # Fresh processes: forking would copy the threads of the networks.
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        return merged(list(pool.map(one, names)))


def embedder_cost(package: Path, execution: Execution) -> Cost:
    """What the embedder of a package takes on one thread, in a process of its own.

    Args:
        package: folder of the package.
        execution: where it may run.
    """
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_cost, package, execution).result()


def _cost(package: Path, execution: Execution) -> Cost:
    return cost_of(partial(load_package(package).open_embedder, threads=1, execution=execution))


def _one(
    name: str, *, folders: tuple[Path, ...], without: tuple[str, ...], draws: int | None, as_is: bool
) -> Results:
    return run_all(_material(folders, without, as_is), [name], draws, version=__version__)


@lru_cache(maxsize=1)
def _material(folders: tuple[Path, ...], without: tuple[str, ...], as_is: bool) -> Material:
    """What this process works on, closed at its end."""
    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(opened(list(folders), without, as_is=as_is))
