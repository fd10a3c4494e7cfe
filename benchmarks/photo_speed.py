"""What a photo costs, from its bytes to an updated album, beside its yardsticks, in one run.

    .venv/bin/python benchmarks/photo_speed.py [--rounds 15] [--photos 48]

The photo is a 12-megapixel JPEG of about 4 MB, made of scikit-image's cat with the fine grain of a phone's
camera; the album that it joins holds 100 snapshots of that cat, cut, lit and turned differently. Every
contender lives in a process of its own, so that none inherits another's warm memory, and they take turns;
figures are medians.

Yardsticks are Pillow's decoding of the same JPEG at full size, and the usual way: full decoding, a ViT-B/32
(random weights, which cost the same) and DBSCAN refitted on each arrival. The usual way needs the extras
``training`` (for onnx) and ``evaluation``; without them it is left out.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import os
import platform
import resource
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance

WIDTH_PX, HEIGHT_PX = 4032, 3024
JPEG_QUALITY = 90
GRAIN = ((1, 7.0), (2, 6.0))
"""Pixels and grey levels of the noise, at two scales: with them the file is as large as a phone's."""
ALBUM_PHOTOS = 100

Figures = dict[str, float]
Action = Callable[[], Figures]


def photo() -> bytes:
    """The JPEG; the same on every run."""
    from skimage import data  # noqa: PLC0415 - only the first process needs it

    rng = np.random.default_rng(0)
    cat = Image.fromarray(data.chelsea()).resize((WIDTH_PX, HEIGHT_PX), Image.Resampling.LANCZOS)
    pixels = np.asarray(cat, np.float32)
    for step, deviation in GRAIN:
        noise = Image.fromarray(rng.normal(size=(HEIGHT_PX // step, WIDTH_PX // step)).astype(np.float32))
        spread = np.asarray(noise.resize((WIDTH_PX, HEIGHT_PX), Image.Resampling.BICUBIC))
        pixels = pixels + deviation * spread[..., None]
    encoded = io.BytesIO()
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(encoded, "JPEG", quality=JPEG_QUALITY)
    return encoded.getvalue()


def snapshots(count: int) -> list[bytes]:
    """Small JPEGs of the cat, each another picture."""
    from skimage import data  # noqa: PLC0415

    rng, cat, made = np.random.default_rng(1), Image.fromarray(data.chelsea()), []
    for _ in range(count):
        left, top = rng.uniform(0, 0.4, 2) * cat.size
        right, bottom = (rng.uniform(0.6, 1, 2)) * cat.size
        snapshot = cat.crop((int(left), int(top), int(right), int(bottom))).rotate(rng.uniform(-20, 20))
        lit = ImageEnhance.Brightness(snapshot).enhance(rng.uniform(0.5, 1.4))
        encoded = io.BytesIO()
        lit.save(encoded, "JPEG", quality=JPEG_QUALITY)
        made.append(encoded.getvalue())
    return made


def full_decoding(data: bytes, album: list[bytes], photos: int) -> dict[str, Action]:
    """Pillow's decoding at full size, alone."""
    del album, photos

    def decode() -> Figures:
        return {"": timed_ms(lambda: Image.open(io.BytesIO(data)).load())}

    return {"Pillow, full decoding": decode}


def ours(data: bytes, album: list[bytes], photos: int) -> dict[str, Action]:
    """One photo at a time, its stages apart, and a folder of photos."""
    from sploot_media_clustering.adapters.images import ImageLimits, PillowDecoder  # noqa: PLC0415
    from sploot_media_clustering.adapters.model_package import default_package  # noqa: PLC0415
    from sploot_media_clustering.adapters.package_heads import read_heads  # noqa: PLC0415
    from sploot_media_clustering.domain import arrivals  # noqa: PLC0415
    from sploot_media_clustering.services.answering import Request  # noqa: PLC0415
    from sploot_media_clustering.services.clustering import ClusteringService  # noqa: PLC0415
    from sploot_media_clustering.services.embedding import EmbeddingService, PhotoInput  # noqa: PLC0415
    from sploot_media_clustering.services.photo_views import PhotoViews, sightings_of  # noqa: PLC0415

    package, threads = default_package(), os.cpu_count() or 1
    detector, embedder = package.open_detector(threads=threads), package.open_embedder(threads=threads)
    thresholds, decoder = package.manifest.detector.thresholds, PillowDecoder(ImageLimits())
    embedding = EmbeddingService(
        decoder=decoder,
        detector=detector,
        embedder=embedder,
        thresholds=thresholds,
        workers=threads,
    )
    clustering = ClusteringService(read_heads(package))
    names = (f"{number:06d}.jpg" for number in range(10**6))

    shown = (PhotoInput(next(names), snapshot) for snapshot in album)
    state = clustering.updated(clustering.empty(), embedding.embed(shown))
    request = Request(pet_id="album", at=datetime.now(UTC), top=3)

    def one() -> Figures:
        def arrive() -> None:
            clustering.add(state, embedding.embed_one(PhotoInput(next(names), data)))

        return {"": timed_ms(arrive)}

    def folder() -> Figures:
        inputs = (PhotoInput(next(names), data) for _ in range(photos))

        def arrive() -> None:
            grown = state
            for embedded in embedding.embed(inputs):
                grown, _ = arrivals.arrive(grown, clustering.project(embedded), clustering.model)
            clustering.settle(grown)

        return {"": timed_ms(arrive) / photos}

    def stages() -> Figures:
        clock = Clock()
        views = PhotoViews(decoder.decode(data), detector.input_px, embedder.input_px)
        clock.stop("decoding")
        looks = views.looks()
        detections = detector.detect(looks)
        clock.stop("detection, its view included")
        whole = embedder.embed(views.whole())
        clock.stop("embedding of the whole, view included")
        found = views.find(detections, lambda: whole.species[0], thresholds)
        crops = embedder.embed(views.crops(found))
        clock.stop("embedding of the crop, view included")
        seen = sightings_of(found, views.pixels(found), crops)
        clock.stop("pixel measures")
        embedded = views.embedding(next(names), whole.embeddings[0], seen, package.network_version)
        projected = clustering.project(embedded)
        clock.stop("heads")
        arrivals.add(state, projected, clustering.model)
        clock.stop("mixture")
        clustering.answer(state, request)
        clock.stop("heroes of the album, labels and answer")
        return clock.figures

    return {"ours, one at a time": one, "ours, a folder": folder, "stages": stages}


def usual_way(data: bytes, album: list[bytes], photos: int) -> dict[str, Action]:
    """Full decoding, an encoder of ViT-B/32's size, DBSCAN refitted on the album."""
    del photos
    import onnxruntime  # noqa: PLC0415
    from sklearn.cluster import DBSCAN  # noqa: PLC0415

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = os.cpu_count() or 1
    session = onnxruntime.InferenceSession(vision_transformer(), options)
    vectors = np.random.default_rng(0).normal(size=(len(album), VIT_WIDTH)).astype(np.float32)

    def one() -> Figures:
        def arrive() -> None:
            image = Image.open(io.BytesIO(data)).convert("RGB").resize((224, 224), Image.Resampling.BICUBIC)
            planes = (np.asarray(image, np.float32) / 127.5 - 1).transpose(2, 0, 1)[None]
            grown = np.concatenate([vectors, session.run(None, {"image": planes})[0]])
            DBSCAN(eps=0.3, min_samples=2, metric="cosine").fit(grown)

        return {"": timed_ms(arrive)}

    return {"the usual way, one at a time": one}


VIT_WIDTH, VIT_DEPTH, VIT_HEADS, VIT_PATCH, VIT_TOKENS = 768, 12, 12, 32, 49


def vision_transformer() -> bytes:
    """An encoder with the layers of ViT-B/32 and random weights."""
    from onnx import TensorProto, helper, numpy_helper  # noqa: PLC0415

    rng, nodes, weights = np.random.default_rng(0), [], []
    width, inner = VIT_WIDTH, VIT_WIDTH // VIT_HEADS

    def constant(value: np.ndarray) -> str:
        weights.append(numpy_helper.from_array(value, f"w{len(weights)}"))
        return weights[-1].name

    def random(*shape: int) -> str:
        return constant((rng.normal(size=shape) * 0.02).astype(np.float32))

    def add(operator: str, *inputs: str, **attributes: object) -> str:
        nodes.append(helper.make_node(operator, list(inputs), [f"t{len(nodes)}"], **attributes))
        return nodes[-1].output[0]

    def shaped(tensor: str, *shape: int) -> str:
        return add("Reshape", tensor, constant(np.array(shape, np.int64)))

    def dense(tensor: str, size: int, out: int) -> str:
        return add("Add", add("MatMul", tensor, random(size, out)), random(out))

    def normed(tensor: str) -> str:
        return add("LayerNormalization", tensor, random(width), random(width), axis=-1)

    def heads(tensor: str, order: tuple[int, ...]) -> str:
        return add("Transpose", shaped(dense(tensor, width, width), 0, 0, VIT_HEADS, inner), perm=order)

    patches = add("Conv", "image", random(width, 3, VIT_PATCH, VIT_PATCH), strides=[VIT_PATCH] * 2)
    tokens = add("Transpose", shaped(patches, 0, width, VIT_TOKENS), perm=(0, 2, 1))
    for _ in range(VIT_DEPTH):
        inside = normed(tokens)
        query, value = heads(inside, (0, 2, 1, 3)), heads(inside, (0, 2, 1, 3))
        scores = add("MatMul", query, heads(inside, (0, 2, 3, 1)))
        mixed = add("MatMul", add("Softmax", scores, axis=-1), value)
        joined = shaped(add("Transpose", mixed, perm=(0, 2, 1, 3)), 0, 0, width)
        tokens = add("Add", tokens, dense(joined, width, width))
        hidden = dense(normed(tokens), width, 4 * width)
        gated = add("Mul", hidden, add("Sigmoid", add("Mul", hidden, constant(np.float32(1.702).reshape(1)))))
        tokens = add("Add", tokens, dense(gated, 4 * width, width))
    pooled = add("ReduceMean", normed(tokens), axes=[1], keepdims=0)
    graph = helper.make_graph(
        nodes,
        "vit",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 224, 224])],
        [helper.make_tensor_value_info(pooled, TensorProto.FLOAT, [1, width])],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


class Clock:
    """Milliseconds between stops."""

    def __init__(self) -> None:
        self.figures: Figures = {}
        self._since = time.perf_counter()

    def stop(self, name: str) -> None:
        """Book the time since the last stop."""
        now = time.perf_counter()
        self.figures[name] = (now - self._since) * 1e3
        self._since = now


def timed_ms(action: Callable[[], object]) -> float:
    """Wall-clock milliseconds of one call."""
    start = time.perf_counter()
    action()
    return (time.perf_counter() - start) * 1e3


def largest_rss_mib() -> float:
    """Of this process so far. Where there is /proc: elsewhere a child's figure begins with its parent's."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def serve(name: str, data: bytes, album: list[bytes], photos: int, connection: Connection) -> None:
    """A contender's process: warm up, then run what is asked until nothing is."""
    actions = CONTENDERS[name](data, album, photos)
    for key, action in actions.items():
        if "folder" not in key:
            action()
    connection.send(list(actions))
    while (asked := connection.recv()) is not None:
        connection.send(actions[asked]())
    connection.send(largest_rss_mib())


CONTENDERS: dict[str, Callable[[bytes, list[bytes], int], dict[str, Action]]] = {
    "full": full_decoding,
    "ours": ours,
    "usual": usual_way,
}


def measure(data: bytes, *, rounds: int, photos: int) -> tuple[dict[str, Figures], dict[str, float]]:
    """Medians of every action's figures in milliseconds, and each process's largest RSS in MiB."""
    context = get_context("spawn")
    names = [name for name in CONTENDERS if name != "usual" or importlib.util.find_spec("onnx")]
    pipes, turns, album = {}, [], snapshots(ALBUM_PHOTOS)
    for name in names:
        here, there = context.Pipe()
        context.Process(target=serve, args=(name, data, album, photos, there), daemon=True).start()
        pipes[name] = here
        turns += [(name, action) for action in here.recv()]
    seen: dict[str, list[Figures]] = {}
    for turn in range(rounds):
        for name, action in turns:
            if "folder" in action and turn % 5:
                continue
            pipes[name].send(action)
            seen.setdefault(action, []).append(pipes[name].recv())
    medians = {
        action: {key: float(np.median([run[key] for run in runs])) for key in runs[0]}
        for action, runs in seen.items()
    }
    for pipe in pipes.values():
        pipe.send(None)
    return medians, {name: pipe.recv() for name, pipe in pipes.items()}


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="turns of each contender")
    parser.add_argument("--photos", type=int, default=48, help="photos of the folder")
    told = parser.parse_args()
    data = photo()
    cores, size_mb = os.cpu_count(), len(data) / 1e6
    print(f"{platform.machine()}, {cores} cores; JPEG of {WIDTH_PX} x {HEIGHT_PX}, {size_mb:.1f} MB")
    medians, memory_mib = measure(data, rounds=told.rounds, photos=told.photos)
    stages = medians.pop("stages")
    full = medians["Pillow, full decoding"][""]
    for name, figures in medians.items():
        print(f"{name:42}{figures['']:8.1f} ms a photo{figures[''] / full:8.2f} of full decoding")
    one, folder = medians["ours, one at a time"][""], medians["ours, a folder"][""]
    print(f"a folder runs at {one / folder:.2f} times the rate of one at a time")
    if "the usual way, one at a time" in medians:
        usual = medians["the usual way, one at a time"][""]
        print(f"{usual / one:.1f} times as fast as the usual way, in a folder {usual / folder:.1f} times")
    else:
        print("the usual way is left out: install the extras training and evaluation", file=sys.stderr)
    print("stages, one after the other:")
    for name, figure in stages.items():
        print(f"  {name:40}{figure:8.2f} ms")
    print(f"  {'sum':40}{sum(stages.values()):8.2f} ms")
    print("largest RSS: " + ", ".join(f"{name} {mib:.0f} MiB" for name, mib in memory_mib.items()))


if __name__ == "__main__":
    main()
