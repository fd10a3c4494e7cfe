"""The built-in embedder in full, half and 8-bit precision: speed, cosines, and animals told apart.

    .venv/bin/python benchmarks/embedder_variants.py ~/labelled [--photos 60]

Needs the extra ``training``. The 8-bit one is the one that is shipped; the others are of the same weights.
Times are of a processor, one thread, the median of runs that take turns. Cosines and areas under the curve
(same animal or another, by the cosine of square-rooted vectors, the mean of data sets) are of whole photos.
"""

from __future__ import annotations

import argparse
import time
from copy import deepcopy
from pathlib import Path
from statistics import mean, median
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from onnxruntime.transformers.float16 import DEFAULT_OP_BLOCK_LIST, convert_float_to_float16

from sploot_media_clustering.adapters.images import ImageLimits, PillowDecoder
from sploot_media_clustering.adapters.model_package import default_package
from sploot_media_clustering.adapters.onnx_runtime import open_session
from sploot_media_clustering.domain.album import WHOLE
from sploot_media_clustering.domain.heads import root
from sploot_media_clustering.services.parity import same_animal_auc
from sploot_media_clustering.training.export_embedder import embedder_network
from sploot_media_clustering.training.export_graph import float_model
from sploot_media_clustering.training.export_package import pretrained
from sploot_media_clustering.training.labelled import read_data_sets

if TYPE_CHECKING:
    from sploot_media_clustering.training.labelled import DataSet

RUNS: Final = 40
BATCHES: Final = (1, 8)
_SEED: Final = 0


def variants() -> dict[str, bytes]:
    """Files by precision."""
    package = default_package()
    entry = package.manifest.embedder
    whole = float_model(embedder_network(pretrained(), input_px=entry.input_px))
    half = convert_float_to_float16(
        deepcopy(whole), keep_io_types=True, op_block_list=[*DEFAULT_OP_BLOCK_LIST, "DequantizeLinear"]
    )
    return {
        "fp32": whole.SerializeToString(),
        "fp16": half.SerializeToString(),
        "int8": package.read(entry.file),
    }


def views_of(data_set: DataSet, most: int, side_px: int) -> tuple[np.ndarray, np.ndarray]:
    """Whole photos of one animal each, and which."""
    decoder = PillowDecoder(ImageLimits())
    known = [photo for photo in data_set.photos if len(photo.animals) == 1]
    chosen = [known[row] for row in np.random.default_rng(_SEED).permutation(len(known))[:most]]
    views = [decoder.decode(photo.path.read_bytes()).view(WHOLE, side_px, side_px) for photo in chosen]
    return np.stack(views), np.unique([photo.animals[0] for photo in chosen], return_inverse=True)[1]


def embedded(session: Any, views: np.ndarray) -> np.ndarray:  # noqa: ANN401 - ONNX Runtime has no types
    """Embeddings of views."""
    batches = range(0, len(views), BATCHES[-1])
    found = [session.run(["embedding"], {"views": views[s : s + BATCHES[-1]]})[0] for s in batches]
    return np.concatenate(found)


def view_ms(sessions: dict[str, Any], views: np.ndarray) -> dict[str, float]:
    """Median processor time of a view, in batches of as many as there are."""
    took: dict[str, list[float]] = {name: [] for name in sessions}
    for _ in range(RUNS):
        for name, session in sessions.items():
            begun_s = time.process_time()
            session.run(None, {"views": views})
            took[name].append((time.process_time() - begun_s) / len(views))
    return {name: 1000 * median(values) for name, values in took.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="+", type=Path)
    parser.add_argument("--photos", type=int, default=60, help="of each data set, at most")
    told = parser.parse_args()
    files = variants()
    sessions = {name: open_session(data, threads=1) for name, data in files.items()}
    side_px = default_package().manifest.embedder.input_px
    cosines: dict[str, list[float]] = {name: [] for name in sessions}
    areas: dict[str, list[float]] = {name: [] for name in sessions}
    for data_set in read_data_sets(told.data):
        views, animals = views_of(data_set, told.photos, side_px)
        rooted = {name: root(embedded(session, views)) for name, session in sessions.items()}
        for name, vectors in rooted.items():
            cosines[name] += (vectors * rooted["fp32"]).sum(axis=1).tolist()
            area = same_animal_auc(vectors, animals.astype(np.int64))
            areas[name] += [] if area is None else [area]
    alone, together = (view_ms(sessions, views[:size]) for size in BATCHES)
    for name, data in files.items():
        print(
            f"{name}: {len(data) / 1e6:.1f} MB, {alone[name]:.1f} ms a view, {together[name]:.1f} in a batch "
            f"of {BATCHES[-1]}, cosine {mean(cosines[name]):.4f} (least {min(cosines[name]):.4f}), AUC "
            f"{mean(areas[name]):.4f} of {len(areas[name])} data sets"
        )


if __name__ == "__main__":
    main()
