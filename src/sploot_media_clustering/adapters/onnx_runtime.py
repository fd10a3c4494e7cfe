"""Networks run by ONNX Runtime: on a GPU, on OpenVINO or on the CPU, whichever is asked for and works."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any, Final

import numpy as np
import onnxruntime

from sploot_media_clustering.adapters.onnx_tensors import (
    convolutions,
    has_half_precision,
    require_self_contained,
)
from sploot_media_clustering.adapters.placement import (
    CPU,
    CPU_BATCH,
    GPU_BATCH,
    PROVIDERS,
    Execution,
    Opened,
    Run,
    Rung,
)
from sploot_media_clustering.errors import ModelPackageError

Shapes = Mapping[str, list[int | str]]
"""Name to the sizes behind the batch."""

_ORT_NAMES: Final = {
    "tensorrt": "TensorrtExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    CPU: "CPUExecutionProvider",
}
_GPU: Final = frozenset({"tensorrt", "cuda"})
_CRASHES_ON_HALVES: Final = "NchwcTransformer"
"""ONNX Runtime 1.32 ends the process where this optimiser meets a convolution in half precision on a CPU."""
_ERRORS_ONLY: Final = 3
_FATAL_ONLY: Final = 4
_WARNINGS: Final = 2
"""ONNX Runtime's levels; the last is what it begins with."""
_MANY_CONVOLUTIONS: Final = 2
"""A vision transformer has one."""


def choose(asked: Sequence[str], available: Sequence[str]) -> tuple[list[str], list[str]]:
    """Providers to try, and those that were asked for in vain, with the reason.

    Args:
        asked: of :data:`~sploot_media_clustering.adapters.placement.PROVIDERS`; none: the best there is.
        available: as ONNX Runtime names those that it was built with.
    """
    there = [name for name in asked or PROVIDERS if _ORT_NAMES[name] in available]
    absent = [
        f"{name}: ONNX Runtime {onnxruntime.__version__} was installed without it"
        for name in asked
        if name not in there
    ]
    return there, absent


def onnx_rungs(
    read: Callable[[], bytes],
    opened: Callable[[onnxruntime.InferenceSession, int], Opened],
    *,
    threads: int,
    execution: Execution,
) -> tuple[list[Rung], list[str]]:
    """Where a network may run, and which places are not to be had, and why.

    Args:
        read: gives the bytes of the ONNX file; again for every rung, since large ones are not kept.
        opened: checks a session and makes it ready to run batches of at most as many pictures.
        threads: that one run on the CPU may use.
        execution: what was asked for.
    """
    names, absent = choose(execution.providers, onnxruntime.get_available_providers())

    def on(provider: str) -> Opened:
        data, batch = read(), GPU_BATCH if provider in _GPU else CPU_BATCH
        open_one = partial(open_session, data, threads=threads, provider=provider, execution=execution)
        whole = opened(open_one(), batch)
        if provider not in _GPU or whole.batch == 1 or convolutions(data) < _MANY_CONVOLUTIONS:
            return whole
        return Opened(partial(_filled, opened(open_one(), 1).run, whole), batch)

    return [Rung(name, partial(on, name)) for name in names], absent


def _filled(alone: Run, whole: Opened, pictures: np.ndarray) -> list[np.ndarray]:
    """Outputs of a picture alone, or of a full batch, whose rest is made up and left out.

    Whenever the number of pictures changes, CUDA's provider plans each convolution anew, which takes far
    longer than computing it. So each of two sessions sees one number of them alone.
    """
    if len(pictures) == 1:
        return alone(pictures)
    padded = np.zeros((whole.batch, *pictures.shape[1:]), pictures.dtype)
    padded[: len(pictures)] = pictures
    return [found[: len(pictures)] for found in whole.run(padded)]


def open_session(
    data: bytes,
    *,
    threads: int,
    provider: str = CPU,
    execution: Execution | None = None,
) -> onnxruntime.InferenceSession:
    """Load a network.

    Two things make inference on a shared machine steady: threads that don't spin while they wait (the decoder
    wants the core), and no memory arena, which would keep what the largest batch ever needed.

    Args:
        data: of an ONNX file.
        threads: that one run may use.
        provider: where it shall run.
        execution: how much of a GPU it may take.

    Raises:
        ModelPackageError: it is no network that ONNX Runtime can run there, or not the whole of one.
    """
    require_self_contained(data)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.log_severity_level = _ERRORS_ONLY if provider == CPU else _FATAL_ONLY
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.use_device_allocator_for_initializers", "1")  # beside the arena
    name = _ORT_NAMES[provider]
    if provider in _GPU:
        onnxruntime.preload_dlls()  # of CUDA, where pip installed it
    try:
        with nullcontext() if provider == CPU else _quiet():
            session = onnxruntime.InferenceSession(
                data,
                options,
                providers=[(name, _options(provider, threads, execution or Execution()))],
                enable_fallback=0,  # ours tells why
                disabled_optimizers=[_CRASHES_ON_HALVES] if has_half_precision(data) else None,
            )
    except Exception as error:  # ONNX Runtime raises a class of its own for each of a dozen reasons
        raise ModelPackageError(
            f"expected a network that ONNX Runtime {onnxruntime.__version__} can run, got: {error}"
        ) from error
    session.disable_fallback()
    if session.get_providers()[0] != name:
        raise ModelPackageError(
            f"expected ONNX Runtime to run on {provider}, got {session.get_providers()[0]}; check its driver "
            "and libraries"
        )
    return session


@contextmanager
def _quiet() -> Iterator[None]:
    """What a GPU complains of, the exception tells, and it is no error where the next place works."""
    onnxruntime.set_default_logger_severity(_FATAL_ONLY)
    try:
        yield
    finally:
        onnxruntime.set_default_logger_severity(_WARNINGS)


def _options(provider: str, threads: int, execution: Execution) -> dict[str, object]:
    """Of a provider. On a GPU memory grows by what is needed, and beside the weights not beyond the limit."""
    if provider == "cuda":
        return {
            "gpu_mem_limit": execution.gpu_memory_bytes,
            "arena_extend_strategy": "kSameAsRequested",
            "cudnn_conv_algo_search": "HEURISTIC",  # the exhaustive one tries anew for every size of batch
            "use_tf32": 0,  # an album's vectors come from processors, too
        }
    if provider == "tensorrt":
        return {"trt_max_workspace_size": execution.gpu_memory_bytes}
    return {"device_type": "CPU", "num_of_threads": str(threads)} if provider == "openvino" else {}


def check_shapes(session: onnxruntime.InferenceSession, file: str, inputs: Shapes, outputs: Shapes) -> None:
    """Compare a network with its manifest.

    Raises:
        ModelPackageError: its inputs or outputs are others.
    """
    for kind, expected, found in (
        ("inputs", inputs, shapes(session.get_inputs())),
        ("outputs", outputs, shapes(session.get_outputs())),
    ):
        if found != expected:
            raise ModelPackageError(
                f"{file}: expected {kind} {expected} behind the batch, got {found}; correct the manifest, or "
                "make the package again"
            )


def shapes(arguments: Sequence[Any]) -> Shapes:
    """The sizes behind the batch; a size that is free is a name."""
    return {argument.name: list(argument.shape[1:]) for argument in arguments}
