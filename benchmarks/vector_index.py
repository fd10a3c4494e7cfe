"""Indexes of vectors beside each other: recall, queries a second, time to build, memory.

    .venv/bin/python benchmarks/vector_index.py [100000 1000000] [--kinds exact,hnsw] [--dimension 128]

Vectors are drawn as scenes of photos are: 128 numbers, the variance of axis i as 1 / (1 + i), five photos an
occasion, whose cosine is about .9. Queries are further photos of known occasions. Recall is the share of the
ten nearest by exact search that an index finds. Each index has a process of its own; memory is what it grew
by when the index was built from vectors that were there. All of it on one core, in processor time, which
leaves out waiting for a core.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import tempfile
import time
from pathlib import Path
from typing import Final

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from sploot_media_clustering.adapters.vector_index.kinds import KINDS, open_index

K: Final = 10
QUERIES: Final = 1000
ALONE: Final = 100
"""Queries that are asked one by one."""
OF_AN_OCCASION: Final = 5
SPREAD: Final = 0.33
"""Of photos around their occasion, in lengths of it."""
MB: Final = 1e6
PAGES_OF: Final = "/proc/self/statm"


def drawn(count: int, dimension: int) -> tuple[np.ndarray, np.ndarray]:
    """Vectors, and queries of the same occasions."""
    rng = np.random.default_rng(0)
    scale = (1.0 / np.sqrt(1.0 + np.arange(dimension))).astype(np.float32)
    occasions = rng.standard_normal((max(count // OF_AN_OCCASION, 1), dimension), np.float32) * scale
    owner = rng.integers(len(occasions), size=count)
    return tuple(
        unit(occasions[rows] + SPREAD * scale * rng.standard_normal((len(rows), dimension), np.float32))
        for rows in (owner, owner[:QUERIES])
    )


def unit(vectors: np.ndarray) -> np.ndarray:
    """Of length 1."""
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def resident_mb() -> float:
    """Memory of this process."""
    return int(Path(PAGES_OF).read_text(encoding="ascii").split()[1]) * resource.getpagesize() / MB


def measured(kind: str, folder: Path, answers: multiprocessing.Queue[tuple[str, ...]]) -> None:
    """One line of the table; the first kind that is measured also writes what is nearest."""
    vectors, queries = np.load(folder / "vectors.npy"), np.load(folder / "queries.npy")
    index = open_index(kind, vectors.shape[1])
    index.search(queries[:1], K)  # libraries load when they are first used
    before_mb, start = resident_mb(), time.process_time()
    index.add(np.arange(len(vectors)), vectors)
    index.search(queries[:1], K)
    built_s, grown_mb = time.process_time() - start, resident_mb() - before_mb
    start = time.process_time()
    found = index.search(queries, K).ids
    together_s = time.process_time() - start
    start = time.process_time()
    for row in range(ALONE):
        index.search(queries[row : row + 1], K)
    alone_s = time.process_time() - start
    nearest = folder / "nearest.npy"
    if not nearest.exists():
        np.save(nearest, found)
    hits = [len(set(a) & set(b)) / K for a, b in zip(found, np.load(nearest), strict=True)]
    answers.put(
        (
            f"{len(vectors):,}".replace(",", " "),
            kind,
            f"{np.mean(hits):.3f}",
            f"{ALONE / alone_s:,.0f}".replace(",", " "),
            f"{QUERIES / together_s:,.0f}".replace(",", " "),
            f"{built_s:,.1f} s",
            f"{grown_mb:,.0f} MB".replace(",", " "),
        )
    )


def main() -> None:
    """Print the table as its lines are measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", type=int, nargs="*", default=[100_000, 1_000_000])
    parser.add_argument("--kinds", default=",".join(KINDS), help="exact is measured first, for recall")
    parser.add_argument("--dimension", type=int, default=128)
    arguments = parser.parse_args()
    columns = (
        "vectors",
        "index",
        "recall@10",
        "queries/s, one by one",
        "in batches",
        "built in",
        "memory",
    )
    print(f"| {' | '.join(columns)} |\n| ---: | --- |{' ---: |' * (len(columns) - 2)}", flush=True)
    spawned = multiprocessing.get_context("spawn")
    for size in arguments.sizes:
        with tempfile.TemporaryDirectory() as folder:
            for name, array in zip(("vectors", "queries"), drawn(size, arguments.dimension), strict=True):
                np.save(Path(folder) / f"{name}.npy", array)
            for kind in dict.fromkeys(("exact", *arguments.kinds.split(","))):
                answers = spawned.Queue()
                process = spawned.Process(target=measured, args=(kind, Path(folder), answers))
                process.start()
                print(f"| {' | '.join(answers.get())} |", flush=True)
                process.join()


if __name__ == "__main__":
    main()
