"""Networks on a GPU, as far as a machine without one can tell: its sessions run on the CPU here."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import onnxruntime
import pytest

from sploot_media_clustering.adapters import onnx_runtime
from sploot_media_clustering.adapters.model_package import default_package
from sploot_media_clustering.adapters.onnx_tensors import convolutions
from sploot_media_clustering.adapters.placement import Execution, Opened

BATCH = 3
SIDE_PX = 256


@pytest.fixture(scope="module")
def network() -> bytes:
    return default_package().read("embedder.onnx")


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> dict[int, set[int]]:
    """The CPU is taken for a GPU; of each session, by its number, how many pictures it was given."""
    seen: dict[int, set[int]] = defaultdict(set)
    run = onnxruntime.InferenceSession.run

    def watched(session: object, outputs: object, given: dict[str, np.ndarray]) -> object:
        seen[id(session)].add(len(given["views"]))
        return run(session, outputs, given)

    monkeypatch.setattr(onnxruntime.InferenceSession, "run", watched)
    monkeypatch.setattr(onnx_runtime, "_GPU", frozenset({"cpu"}))
    monkeypatch.setattr(onnx_runtime, "GPU_BATCH", BATCH)
    return seen


def opened(session: onnxruntime.InferenceSession, batch: int) -> Opened:
    return Opened(lambda views: session.run(["embedding", "species"], {"views": views}), batch)


def test_each_session_sees_one_number_of_pictures(network: bytes, sizes: dict[int, set[int]]) -> None:
    """One alone, or a full batch: CUDA plans convolutions anew for another number."""
    (rung,), _ = onnx_runtime.onnx_rungs(lambda: network, opened, threads=1, execution=Execution())
    found = rung.open()
    views = np.random.default_rng(0).integers(0, 256, (BATCH, SIDE_PX, SIDE_PX, 3), np.uint8)
    expected = found.run(views)
    for count in (1, 2):
        for one, other in zip(found.run(views[:count]), expected, strict=True):
            np.testing.assert_allclose(one, other[:count], atol=1e-5)
    assert sorted(sizes.values(), key=min) == [{1}, {BATCH}]


def test_convolutions_are_counted(network: bytes) -> None:
    """EfficientNet-Lite0 has 49, and a picture's means none."""
    assert convolutions(network) == 49
