"""Photos that an embedder is tuned on, and what is computed of each once and kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int64

from sploot_media_clustering.domain.album import Box
from sploot_media_clustering.services.ports import Picture

Opens = Callable[[str], Picture]
"""The decoded photo of a key."""


@dataclass(frozen=True, slots=True)
class TuningPhoto:
    """A photo of one animal.

    Attributes:
        key: of the photo.
        animal: its name.
        data_set: name of its set.
        box: of the best sighting; the whole photo where no animal was found.
        aspect: width of the photo in pixels over its height.
    """

    key: str
    animal: str
    data_set: str
    box: Box
    aspect: float


Watch = Callable[[Sequence[TuningPhoto]], Iterable[TuningPhoto]]
"""Passes photos on one by one, to show how far it is."""


def indices(names: Iterable[str]) -> Int64[np.ndarray, " n"]:
    """The place of each name among the different ones, sorted."""
    return np.unique(list(names), return_inverse=True)[1].astype(np.int64)


def kept_rows(
    file: Path, photos: Sequence[TuningPhoto], compute: Callable[[int], Any], watch: Watch = iter
) -> np.ndarray:
    """An array with what is computed of each photo, as a memory map.

    Args:
        file: of the array, of these photos and this computation; what is there is gone on with, by the number
            of finished photos in a file beside it.
        photos: one or more.
        compute: the array of a photo, told its place; all of one shape and type.
        watch: see :data:`Watch`.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    counter = file.with_suffix(".done")
    done = int(counter.read_text()) if counter.is_file() else 0
    values = np.load(file, mmap_mode="r+") if done else None
    for row, _ in enumerate(watch(photos)):
        if row >= done or values is None:
            computed = compute(row)
            if values is None:
                shape = (len(photos), *computed.shape)
                values = np.lib.format.open_memmap(file, "w+", computed.dtype, shape)
            values[row] = computed
            counter.write_text(str(row + 1))
    kept: np.ndarray = np.load(file, mmap_mode="r")
    return kept
