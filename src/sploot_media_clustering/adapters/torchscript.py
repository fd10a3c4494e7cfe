"""Networks as TorchScript, which is code: only files run whose checksum was trusted. Needs ``torch``."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any, Final

import numpy as np

from sploot_media_clustering.adapters.placement import (
    CPU,
    CPU_BATCH,
    GPU_BATCH,
    PROVIDERS,
    Execution,
    Opened,
    Rung,
)
from sploot_media_clustering.adapters.preparation import pooled, prepared
from sploot_media_clustering.errors import MissingExtraError, ModelPackageError
from sploot_media_clustering.services.manifest import Preparation

_CUDA: Final = "cuda"


def torchscript_rungs(
    read: Callable[[], bytes],
    recipe: Preparation,
    *,
    file: str,
    threads: int,
    execution: Execution,
) -> tuple[list[Rung], list[str]]:
    """Where a network may run, and which places are not to be had, and why.

    Args:
        read: gives the bytes of the file.
        recipe: what is done before and after it.
        file: for messages.
        threads: that one run on the CPU may use.
        execution: what was asked for, and what is trusted.

    Raises:
        ModelPackageError: the file is not trusted.
        MissingExtraError: there is no torch.
    """
    data = read()
    require_trusted(data, file=file, trusted=execution.trusted)
    torch = _torch()
    torch.set_num_threads(threads)
    torch.backends.cudnn.allow_tf32 = False  # an album's vectors come from processors, too
    asked = execution.providers or PROVIDERS
    there = [name for name in asked if name == CPU or (name == _CUDA and torch.cuda.is_available())]
    absent = [f"{name}: PyTorch {torch.__version__} has it not here" for name in execution.providers]
    rungs = [Rung(name, partial(_opened, torch, data, name, recipe, file)) for name in there]
    return rungs, [
        reason for reason, name in zip(absent, execution.providers, strict=True) if name not in there
    ]


def require_trusted(data: bytes, *, file: str, trusted: frozenset[str]) -> None:
    """Refuse code that nobody has vouched for.

    Raises:
        ModelPackageError: with what to set where its origin is trusted.
    """
    digest = hashlib.sha256(data).hexdigest()
    if digest not in trusted:
        raise ModelPackageError(
            f"{file} is TorchScript, which can do whatever a program can; if you trust whoever made it, set "
            f"SPLOOT_TRUSTED_MODELS={digest}"
        )


def _opened(torch: Any, data: bytes, provider: str, recipe: Preparation, file: str) -> Opened:  # noqa: ANN401
    try:
        module = torch.jit.load(io.BytesIO(data), map_location=provider).eval()
    except Exception as error:  # it raises RuntimeError, ValueError and others for damaged files
        raise ModelPackageError(
            f"{file}: expected TorchScript that PyTorch {torch.__version__} can load, got: {error}"
        ) from error

    def run(views: np.ndarray) -> list[np.ndarray]:
        # Optimised, it would be compiled anew for every size of batch, which takes longer than it saves.
        with torch.inference_mode(), torch.jit.optimized_execution(should_optimize=False):
            found = module(torch.from_numpy(prepared(views, recipe)).to(provider))
            first = found[0] if isinstance(found, tuple | list) else found
            return [pooled(first.float().cpu().numpy(), recipe, views=len(views), file=file)]

    return Opened(run, GPU_BATCH if provider == _CUDA else CPU_BATCH)


def _torch() -> Any:  # noqa: ANN401 - of an extra
    try:
        return import_module("torch")
    except ImportError as error:
        raise MissingExtraError(
            "TorchScript needs torch, which is not installed; pip install 'sploot-media-clustering[torch]'"
        ) from error
