"""A PyTorch network written as ONNX or TorchScript, in full, half or 8-bit precision."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from jaxtyping import Float32, UInt8

from sploot_media_clustering.errors import ConfigurationError
from sploot_media_clustering.services.manifest import Precision
from sploot_media_clustering.training.torch_recipes import TorchRecipe
from sploot_media_clustering.training.torch_source import Source, quiet

Format = Literal["onnx", "torchscript"]

SUFFIXES: Final[dict[Format, str]] = {"onnx": ".onnx", "torchscript": ".pt"}
INPUT: Final = "pixels"
OUTPUT: Final = "features"
_BATCH: Final = 4
_EXAMPLE_BATCH: Final = 2
"""One picture would be taken for the only number of pictures there is."""
_ONE_BY_ONE: Final = """
def forward(self, pixels):
    return torch.cat([self.inner(picture.unsqueeze(0)) for picture in pixels])
"""
_FLOAT_BYTES: Final = 4
_MOST_ONNX_BYTES: Final = 2 * 10**9
"""A protocol buffer ends at 2 GiB, and the graph needs some of it."""
_LEAST_LINEAR: Final = 0.5
_BRIGHTEST: Final = 255


def source_vectors(
    source: Source, recipe: TorchRecipe, views: UInt8[np.ndarray, "n s s 3"]
) -> Float32[np.ndarray, "n e"]:
    """What the network makes of pictures, in full precision, prepared by PyTorch.

    Args:
        source: as it was published.
        recipe: of it.
        views: the pictures.
    """
    torch = import_module("torch")
    mean, deviation = (torch.tensor(three).view(1, 3, 1, 1) for three in (recipe.mean, recipe.deviation))
    found = []
    with torch.inference_mode():
        for start in range(0, len(views), _BATCH):
            planes = torch.from_numpy(views[start : start + _BATCH]).permute(0, 3, 1, 2) / _BRIGHTEST
            found.append(source.module((planes - mean) / deviation).float().numpy())
    return np.concatenate(found)


def write_network(
    source: Source, recipe: TorchRecipe, *, to: Format, precision: Precision, folder: Path
) -> Path:
    """Write the network into a folder; the source can't be used any more after that.

    Args:
        source: as it was published.
        recipe: of it.
        to: the format.
        precision: of the weights; of fp16 the arithmetic too, where the machine has it. An int8 network takes
            pictures one by one: it measures what comes, and a vector must not depend on others of the batch.
        folder: to write into; nothing but the file that is returned is to be kept of it.

    Raises:
        ConfigurationError: it is too large for the format, or has little that 8 bits are for.
    """
    check_fits(source, recipe, to=to, precision=precision)
    torch = import_module("torch")
    at_once = 1 if precision == "int8" else _EXAMPLE_BATCH
    example = torch.zeros(at_once, 3, recipe.input_px, recipe.input_px)
    file = folder / f"{recipe.name}{SUFFIXES[to]}"
    with quiet():
        module = _halved(torch, source.module) if precision == "fp16" else source.module
        if to == "torchscript":
            if precision == "int8":
                torch.ao.quantization.quantize_dynamic(module, {torch.nn.Linear}, inplace=True)
            with torch.inference_mode():
                traced = torch.jit.trace(module, (example,))
            torch.jit.save(_one_by_one(torch, traced) if precision == "int8" else traced, str(file))
            return file
        whole = file if precision != "int8" else folder / f"whole{SUFFIXES[to]}"
        _write_onnx(torch, module, example, whole, beside=precision == "int8")
        if precision == "int8":
            _quantise(whole, file)
    return file


def check_fits(source: Source, recipe: TorchRecipe, *, to: Format, precision: Precision) -> None:
    """Before anything is computed.

    Raises:
        ConfigurationError: it is too large for the format, or has little that 8 bits are for.
    """
    parameters = sum(tensor.numel() for tensor in source.module.parameters())
    if to == "onnx" and precision == "fp32" and parameters * _FLOAT_BYTES > _MOST_ONNX_BYTES:
        raise ConfigurationError(
            f"{recipe.name} has {parameters * _FLOAT_BYTES / 1e9:.1f} GB of fp32 weights, an ONNX file "
            "holds 2 GB; use --precision fp16 or int8, or --format torchscript"
        )
    if precision == "int8" and _linear(source.module) < _LEAST_LINEAR * parameters:
        raise ConfigurationError(
            f"int8 is for linear layers, and {recipe.name} has {_linear(source.module) / parameters:.0%} of "
            "its weights in them; use --precision fp16"
        )


def _linear(module: Any) -> int:  # noqa: ANN401
    """Weights in layers that multiply by a matrix."""
    nn = import_module("torch").nn
    return sum(
        tensor.numel()
        for layer in module.modules()
        if isinstance(layer, nn.Linear | nn.MultiheadAttention)
        for tensor in layer.parameters(recurse=False)
    )


def _halved(torch: Any, module: Any) -> Any:  # noqa: ANN401
    class Halved(torch.nn.Module):  # type: ignore[misc]
        """Half precision inside, floats outside."""

        def __init__(self) -> None:
            super().__init__()
            self.inner = module.half()

        def forward(self, pixels: Any) -> Any:  # noqa: ANN401
            return self.inner(pixels.half()).float()

    return Halved().eval()


def _one_by_one(torch: Any, traced: Any) -> Any:  # noqa: ANN401
    """A batch as so many batches of one."""

    class OneByOne(torch.jit.ScriptModule):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.inner = traced

    module = OneByOne()
    module.define(_ONE_BY_ONE)
    return module


def _write_onnx(torch: Any, module: Any, example: Any, file: Path, *, beside: bool) -> None:  # noqa: ANN401
    """The tensors in a file beside, where more than 2 GB may come."""
    torch.onnx.export(
        module,
        (example,),
        input_names=[INPUT],
        output_names=[OUTPUT],
        dynamic_shapes=({0: torch.export.Dim("n")},) if len(example) > 1 else None,
        dynamo=True,
        verbose=False,
    ).save(str(file), external_data=beside)


def _quantise(whole: Path, file: Path) -> None:
    """Matrices in 7 bits, so that processors without VNNI compute the same; see :mod:`.export_rounding`."""
    quantization = import_module("onnxruntime.quantization")
    quantization.quantize_dynamic(
        whole,
        file,
        op_types_to_quantize=["MatMul", "Gemm"],
        per_channel=True,
        reduce_range=True,
        weight_type=quantization.QuantType.QInt8,
    )
