"""FAISS (Douze et al. 2024, "The Faiss library"), which comes with an extra."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import numpy as np
from jaxtyping import Float32, Int64, UInt8

from sploot_media_clustering.adapters.vector_index.rows import ranked
from sploot_media_clustering.errors import DamagedDataError, MissingExtraError
from sploot_media_clustering.services.ports import Neighbours


def faiss_library() -> Any:  # noqa: ANN401 - of an extra
    """The module.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        with warnings.catch_warnings():
            # Its wrappers were made by a SWIG whose types Python 3.12 and newer complain about.
            warnings.simplefilter("ignore", DeprecationWarning)
            return import_module("faiss")
    except ImportError as error:
        raise MissingExtraError(
            "the indexes of FAISS need the extra: pip install 'sploot-media-clustering[index]'"
        ) from error


@contextmanager
def one_thread(faiss: Any) -> Iterator[None]:  # noqa: ANN401
    """Threads race for places in a graph: two would build another one each time."""
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(threads)


def packed(faiss: Any, index: Any) -> UInt8[np.ndarray, " b"]:  # noqa: ANN401
    """An index as bytes."""
    return faiss.serialize_index(index)


def unpacked(faiss: Any, data: UInt8[np.ndarray, " b"], kind: str, shape: tuple[int, int]) -> Any:  # noqa: ANN401
    """An index from bytes; FAISS's own reader is not made for bytes that somebody wrote with evil intent.

    Args:
        faiss: the module.
        data: from :func:`packed`.
        kind: FAISS's name of the class.
        shape: how many vectors it has to hold, and of how many numbers.

    Raises:
        DamagedDataError: they are no index of the kind, or not of these vectors.
    """
    try:
        index = faiss.deserialize_index(data)
    except RuntimeError as error:
        raise DamagedDataError(f"expected an index of FAISS, got damaged bytes: {error}") from error
    if type(index).__name__ != kind:
        raise DamagedDataError(f"expected an {kind} of FAISS, got an {type(index).__name__}")
    if (index.ntotal, index.d) != shape:
        raise DamagedDataError(
            f"expected an {kind} of {shape[0]} vectors of {shape[1]} numbers, got {index.ntotal} of {index.d}"
        )
    return index


def told(
    found: tuple[Float32[np.ndarray, "q k"], Int64[np.ndarray, "q k"]],
    ids: Int64[np.ndarray, " n"] | None = None,
) -> Neighbours:
    """What a search of FAISS found, in our order.

    Args:
        found: similarities, and labels below 0 where there is nobody.
        ids: that the labels are places in; None where they are ids themselves.
    """
    near, label = found
    row, column = np.nonzero(label >= 0)
    somebody = label[row, column]
    return ranked(row, somebody if ids is None else ids[somebody], near[row, column], near.shape)
