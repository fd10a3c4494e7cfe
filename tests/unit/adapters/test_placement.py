"""Where a network runs, and what happens when it no longer does."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from sploot_media_clustering.adapters.onnx_runtime import choose
from sploot_media_clustering.adapters.placement import Ladder, Opened, Rung
from sploot_media_clustering.errors import ModelPackageError, TemporaryError

SIDE_PX = 2
ALL = [
    "TensorrtExecutionProvider",
    "CUDAExecutionProvider",
    "OpenVINOExecutionProvider",
    "CPUExecutionProvider",
]
AT_ITS_LIMIT = "Available memory of 0 is smaller than requested bytes of 4096"
NO_ROOM = (
    "Failed to allocate memory for requested buffer of size 4096",
    f"/build/bfc_arena.cc:376 void *onnxruntime::BFCArena::AllocateRawInternal(size_t, bool) {AT_ITS_LIMIT}",
    "CUDA out of memory. Tried to allocate 2.00 MiB.",
)
"""As ONNX Runtime says it where the GPU is full and where the limit is reached, and as PyTorch does."""


def sums(pictures: np.ndarray) -> list[np.ndarray]:
    """What every place computes."""
    return [pictures.astype(np.float32).sum(axis=(1, 2, 3)), pictures[:, 0, 0, 0]]


class Place:
    """Computes :func:`sums`, but with more pictures than it has room for, or once it is broken, it fails."""

    def __init__(self, room: int = 100, broken: bool = False, full: str = NO_ROOM[0]) -> None:
        self.room, self.broken, self.full, self.batches = room, broken, full, []

    def run(self, pictures: np.ndarray) -> list[np.ndarray]:
        if self.broken:
            raise RuntimeError("CUDA failure 719: unspecified launch failure\nand where")
        if len(pictures) > self.room:
            raise RuntimeError(self.full)
        self.batches.append(len(pictures))
        return sums(pictures)


def rung(provider: str, place: Place, batch: int = 4) -> Rung:
    return Rung(provider, lambda: Opened(place.run, batch))


def refused(provider: str, reason: str) -> Rung:
    def opened() -> Opened:
        raise ModelPackageError(reason)

    return Rung(provider, opened)


def ladder(*rungs: Rung, accept: Callable[..., str] = lambda _run: "as it should") -> Ladder:
    return Ladder("net.onnx", rungs, accept=accept, side_px=SIDE_PX)


def pictures(count: int) -> np.ndarray:
    return np.random.default_rng(count).integers(0, 256, (count, SIDE_PX, SIDE_PX, 3), np.uint8)


def assert_right(found: list[np.ndarray], shown: np.ndarray) -> None:
    for one, other in zip(found, sums(shown), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("asked", "available", "there", "absent"),
    [
        ((), ALL, ["tensorrt", "cuda", "openvino", "cpu"], 0),
        ((), [ALL[3], "AzureExecutionProvider"], ["cpu"], 0),
        ((), [ALL[2], ALL[3]], ["openvino", "cpu"], 0),
        (("cuda", "cpu"), [ALL[3]], ["cpu"], 1),
        (("openvino", "cuda", "cpu"), ALL, ["openvino", "cuda", "cpu"], 0),
    ],
)
def test_the_best_that_there_is_or_what_was_asked_for(
    asked: tuple[str, ...], available: list[str], there: list[str], absent: int
) -> None:
    """TensorRT before CUDA before OpenVINO before the CPU; a place named in vain is told."""
    found, missing = choose(asked, available)
    assert found == there
    assert len(missing) == absent
    assert all("installed without it" in reason for reason in missing)


def test_the_first_place_that_opens_is_taken_and_the_others_tell_why() -> None:
    """A driver that is missing costs nothing but speed."""
    found = ladder(refused("cuda", "no driver"), rung("openvino", Place()), rung("cpu", Place()))
    assert (found.placement.provider, found.placement.why) == ("openvino", ("cuda: no driver",))
    assert "runs on openvino" in str(found.placement)
    assert_right(found.run(pictures(9)), pictures(9))


def test_a_place_that_computes_something_else_is_not_taken() -> None:
    """The canary is shown wherever a network was put."""
    wrong, right = Place(), Place()

    def accept(run: Callable[..., object]) -> str:
        if run == wrong.run:
            raise ModelPackageError("expected the canary's embedding")
        return "close"

    found = ladder(rung("cuda", wrong), rung("cpu", right), accept=accept)
    assert found.placement.provider == "cpu"
    assert found.placement.check == "close"
    assert found.placement.why == ("cuda: expected the canary's embedding",)


def test_where_it_works_nowhere_the_last_reason_is_raised() -> None:
    """The CPU's, which is about the network and not about a machine."""
    with pytest.raises(ModelPackageError, match="no network"):
        ladder(refused("cuda", "no driver"), refused("cpu", "no network"))


def test_the_largest_batch_is_tried_before_photos_come() -> None:
    """What memory has no room for is made smaller then; a CPU needs no trial."""
    gpu, cpu = Place(room=5), Place()
    assert ladder(rung("cuda", gpu, batch=16), rung("cpu", cpu)).placement.batch == 4
    assert (gpu.batches, cpu.batches) == ([4], [])


@pytest.mark.parametrize("full", NO_ROOM)
def test_out_of_memory_while_serving_makes_batches_smaller_and_loses_nothing(full: str) -> None:
    """Also on the way: batches before it are kept, later ones are as small."""
    gpu = Place(full=full)
    found = ladder(rung("cuda", gpu, batch=8), rung("cpu", Place()))
    gpu.room = 3
    assert_right(found.run(pictures(9)), pictures(9))
    assert (found.placement.provider, found.placement.batch) == ("cuda", 2)


def test_a_place_that_fails_while_serving_is_left_for_the_next() -> None:
    """No photo is lost, and it is told why; out of memory with a single picture is a failure too."""
    for spoil in ({"broken": True}, {"room": 0}):
        gpu, cpu = Place(), Place()
        found = ladder(rung("cuda", gpu), rung("cpu", cpu))
        vars(gpu).update(spoil)
        assert_right(found.run(pictures(6)), pictures(6))
        assert found.placement.provider == "cpu"
        assert found.placement.why[0].startswith("cuda: ")
        assert "\n" not in found.placement.why[0]


def test_reasons_begin_with_what_is_wrong() -> None:
    """Not with the place in ONNX Runtime's sources that found it."""
    found = ladder(refused("cuda", f"expected a network that runs, got: {NO_ROOM[1]}"), rung("cpu", Place()))
    assert found.placement.why == (f"cuda: expected a network that runs, got: {AT_ITS_LIMIT}",)


def test_a_processor_without_memory_for_one_picture_is_temporary() -> None:
    """Its photos are tried again later; what else it raises is told as it is."""
    cpu = Place()
    found = ladder(rung("cpu", cpu))
    cpu.room = 0
    with pytest.raises(TemporaryError, match="no memory for one picture on cpu"):
        found.run(pictures(3))
    cpu.broken = True
    with pytest.raises(RuntimeError, match="launch failure"):
        found.run(pictures(3))


def test_threads_that_meet_the_same_failure_step_down_once() -> None:
    """Every thread gets its own pictures' results, and the CPU's network is opened a single time."""
    gpu, cpu, opened = Place(), Place(), []
    together = threading.Barrier(4)

    def open_cpu() -> Opened:
        opened.append(1)
        return Opened(cpu.run, 4)

    found = ladder(rung("cuda", gpu), Rung("cpu", open_cpu))
    gpu.broken = True

    def embed(count: int) -> list[np.ndarray]:
        together.wait(30)
        return found.run(pictures(count))

    with ThreadPoolExecutor(4) as threads:
        for count, result in zip(range(3, 7), threads.map(embed, range(3, 7)), strict=True):
            assert_right(result, pictures(count))
    assert opened == [1]
