"""Vectors as codes of some bytes, in lists, by FAISS: a fraction of the memory, similarities that are off.

Jégou et al. 2011, "Product quantization for nearest neighbor search".
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from jaxtyping import Float32, Int64, Shaped

from sploot_media_clustering.adapters.vector_index.exact import ExactIndex
from sploot_media_clustering.adapters.vector_index.faiss_library import (
    faiss_library,
    one_thread,
    packed,
    told,
    unpacked,
)
from sploot_media_clustering.adapters.vector_index.rows import (
    members,
    require_count,
    require_fit,
    require_new,
)
from sploot_media_clustering.errors import InputError
from sploot_media_clustering.services.ports import Neighbours

LEAST_TRAINING: Final = 9_984
"""Vectors that codes are learned from at least: FAISS asks for 39 for each of 256 values of a byte."""
_OF_A_LIST: Final = 39
"""The same of lists; more make no better ones, and take long."""
_LISTS_A_ROOT: Final = 4
"""Lists, in square roots of the vectors that they are learned from."""
_NUMBERS_A_BYTE: Final = 2
"""With 4, .72 of the ten nearest of 100 000 are found instead of .86, in half the room."""
_BITS: Final = 8
_SHARE_SEARCHED: Final = 32
"""Of the lists, one in so many, and ``_LEAST_SEARCHED`` at least."""
_LEAST_SEARCHED: Final = 8


class IvfPqIndex:
    """Implements :class:`~sploot_media_clustering.services.ports.VectorIndex` with ``IndexIVFPQ``.

    Until there are vectors enough to learn codes from it is an exact index. It learns once, from all that are
    there then: add the first many in one call; one that has grown to many times that is better made anew.
    Where FAISS finds a GPU, searches run there.

    Args:
        dimension: of the vectors, an even number.
        least_training: vectors that codes are learned from, at least.

    Raises:
        InputError: the dimension is odd.
        MissingExtraError: FAISS is not installed.
    """

    def __init__(self, dimension: int, least_training: int = LEAST_TRAINING) -> None:
        if dimension % _NUMBERS_A_BYTE:
            raise InputError(f"expected an even number of numbers in vectors, got {dimension}")
        self._faiss = faiss_library()
        self._dimension = dimension
        self._least_training = least_training
        self._few: ExactIndex | None = ExactIndex(dimension)
        self._ids = np.zeros(0, np.int64)
        self._codes: Any = None
        self._on_gpu: Any = None

    @classmethod
    def restored(cls, dimension: int, parts: Mapping[str, np.ndarray]) -> IvfPqIndex:
        """The index that told these parts.

        Raises:
            DamagedDataError: they do not fit together.
        """
        index = cls(dimension)
        if "codes" not in parts:
            index._few = ExactIndex.restored(dimension, parts)
            index._ids = parts["ids"].copy()
            return index
        index._few, index._ids = None, parts["ids"].copy()
        shape = len(index._ids), dimension
        index._codes = unpacked(index._faiss, parts["codes"], "IndexIVFPQ", shape)
        return index

    @property
    def trained(self) -> bool:
        """Whether it has learned codes; until then it is exact."""
        return self._few is None

    def add(self, ids: Int64[np.ndarray, " n"], vectors: Float32[np.ndarray, "n d"]) -> None:
        """Take in vectors."""
        require_fit(vectors, self._dimension)
        require_new(ids, self._ids)
        if self._few is None:
            self._encode(ids, vectors)
        else:
            self._few.add(ids, vectors)
            if len(self._ids) + len(ids) >= self._least_training:
                self._learn(self._few)
        self._ids = np.append(self._ids, ids)

    def remove(self, ids: Int64[np.ndarray, " n"]) -> None:
        """Forget vectors."""
        self._ids = self._ids[~members(ids, self._ids)]
        if self._few is None:
            self._codes.remove_ids(self._faiss.IDSelectorBatch(ids))
            self._on_gpu = None
        else:
            self._few.remove(ids)

    def search(self, vectors: Float32[np.ndarray, "q d"], k: int) -> Neighbours:
        """The k nearest to each vector by their codes."""
        require_count(k)
        require_fit(vectors, self._dimension)
        if self._few is not None:
            return self._few.search(vectors, k)
        return told(self._searched().search(vectors, k))

    def parts(self) -> Mapping[str, Shaped[np.ndarray, "..."]]:
        """Ids, and codes once they are learned."""
        if self._few is not None:
            return self._few.parts()
        return {"ids": self._ids, "codes": packed(self._faiss, self._codes)}

    def _learn(self, few: ExactIndex) -> None:
        """Codes from all vectors so far, which are kept as codes from here on."""
        kept = few.parts()
        lists = max(1, min(_LISTS_A_ROOT * math.isqrt(len(kept["ids"])), len(kept["ids"]) // _OF_A_LIST))
        self._codes = self._faiss.IndexIVFPQ(
            self._faiss.IndexFlatIP(self._dimension),
            self._dimension,
            lists,
            self._dimension // _NUMBERS_A_BYTE,
            _BITS,
            self._faiss.METRIC_INNER_PRODUCT,
        )
        self._codes.cp.max_points_per_centroid = _OF_A_LIST
        self._codes.nprobe = min(lists, max(_LEAST_SEARCHED, lists // _SHARE_SEARCHED))
        with one_thread(self._faiss):
            self._codes.train(kept["vectors"])
        self._few = None
        self._encode(kept["ids"], kept["vectors"])

    def _encode(self, ids: Int64[np.ndarray, " n"], vectors: Float32[np.ndarray, "n d"]) -> None:
        self._codes.add_with_ids(np.ascontiguousarray(vectors), ids)
        self._on_gpu = None

    def _searched(self) -> Any:  # noqa: ANN401
        """The index itself, or what a GPU holds of it since it last changed."""
        if getattr(self._faiss, "get_num_gpus", int)() == 0:
            return self._codes
        if self._on_gpu is None:
            gpu = self._faiss.StandardGpuResources()
            self._on_gpu = gpu, self._faiss.index_cpu_to_gpu(gpu, 0, self._codes)
        return self._on_gpu[1]
