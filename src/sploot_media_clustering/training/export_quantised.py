"""A network in 8-bit arithmetic: weights rounded so that each layer's output stays where it was.

Ranges and inputs of all layers are gathered from pictures first; :mod:`.export_rounding` rounds the weights.
The graph is in QDQ form: ONNX Runtime fuses it to integer convolutions, and any other runtime can read it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import onnxruntime
from jaxtyping import Float32, Float64, UInt8

from sploot_media_clustering.training.export_graph import (
    PIXELS,
    Convolution,
    Network,
    OnnxGraph,
    float_model,
)
from sploot_media_clustering.training.export_rounding import Inputs, rounded_weights

ACTIVATION_LEVELS: Final = 255
TAIL: Final = 1e-5
"""Share of activations that may saturate at either end: with 1e-4 scores move a fifth more, with 1e-3 six
times."""
_VALUES_PER_TENSOR: Final = 4096
"""Sampled from each tensor of each picture for its range."""
_PATCHES_PER_PICTURE: Final = 1024
"""Sampled from each convolution's input for its second moments."""
_LARGEST_BIAS: Final = 2.0**30
"""In steps of a bias: dead channels, whose weights are all but zero, need a coarser scale to hold theirs."""
_TINY: Final = 1e-8


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """What pictures do to a network: the range of each tensor, the inputs of each convolution."""

    ranges: Mapping[str, tuple[float, float]]
    inputs: Mapping[str, Inputs]


def calibrate(
    network: Network, pictures: Iterable[UInt8[np.ndarray, "s s 3"]], rng: np.random.Generator
) -> Calibration:
    """Run pictures through the float network and gather ranges and second moments.

    Args:
        network: what to calibrate.
        pictures: of the kind that the network will see, at its input size.
        rng: draws the samples.
    """
    session = onnxruntime.InferenceSession(float_model(network, all_tensors=True).SerializeToString())
    names = [*(layer.name for layer in network.layers), PIXELS]
    convolutions = [layer for layer in network.layers if isinstance(layer, Convolution)]
    samples: dict[str, list[np.ndarray]] = {name: [] for name in names}
    sums: dict[str, list[np.ndarray]] = {}
    count = 0
    for picture in pictures:
        tensors = session.run(None, {network.input_name: picture[None]})[len(network.outputs) :]
        seen = dict(zip(names, tensors, strict=True))
        for name, tensor in seen.items():
            samples[name].append(rng.choice(tensor.ravel(), _VALUES_PER_TENSOR))
        for layer in convolutions:
            rows = _patches(seen[layer.source][0], layer, rng).astype(np.float64)
            new = [rows.mean(axis=1), np.einsum("gni,gnj->gij", rows, rows, optimize=True) / rows.shape[1]]
            sums[layer.name] = [a + b for a, b in zip(sums.get(layer.name, (0.0, 0.0)), new, strict=True)]
        count += 1
    ranges = {name: _range(np.concatenate(values)) for name, values in samples.items()}
    inputs = {name: Inputs(mean / count, moments / count) for name, (mean, moments) in sums.items()}
    return Calibration(ranges, inputs)


def quantised_model(network: Network, calibration: Calibration) -> Any:  # noqa: ANN401 - onnx is untyped
    """The network with 8-bit weights and activations, 32-bit sums, and a float tail."""
    graph = OnnxGraph()
    codes = {name: _code(*limits) for name, limits in calibration.ranges.items()}
    codes[PIXELS] = (network.scale, network.zero_point)
    tensors = {
        PIXELS: graph.add("DequantizeLinear", graph.planes(network), *_constants(graph, codes[PIXELS]))
    }
    for layer in network.layers:
        if isinstance(layer, Convolution):
            inputs = calibration.inputs[layer.name]
            output = _convolve(graph, layer, inputs, tensors[layer.source], codes[layer.source][0])
        else:
            output = graph.add("Add", tensors[layer.left], tensors[layer.right])
        constants = _constants(graph, codes[layer.name])
        # Saturation at 0 and at the top of the range is the clipping of ReLU6.
        whole = graph.add("QuantizeLinear", output, *constants)
        tensors[layer.name] = graph.add("DequantizeLinear", whole, *constants)
    network.tail(graph, tensors)
    return graph.model(network)


def _constants(graph: OnnxGraph, code: tuple[float, int]) -> tuple[str, str]:
    scale, zero_point = code
    return graph.constant(np.float32(scale)), graph.constant(np.uint8(zero_point))


def _convolve(graph: OnnxGraph, layer: Convolution, inputs: Inputs, source: str, input_scale: float) -> str:
    rows = layer.weight.reshape(len(layer.weight), -1)
    rounded, scales, bias = rounded_weights(rows, layer.bias, inputs)
    scales = np.maximum(scales, np.abs(bias) / (_LARGEST_BIAS * input_scale))
    weight = _dequantised(graph, rounded.reshape(layer.weight.shape), scales)
    steps = scales * input_scale
    return graph.convolve(
        layer, source, weight, _dequantised(graph, np.round(bias / steps).astype(np.int32), steps)
    )


def _dequantised(graph: OnnxGraph, whole: np.ndarray, scales: Float64[np.ndarray, " o"]) -> str:
    zeros = np.zeros(len(scales), whole.dtype)
    constants = (graph.constant(value) for value in (whole, scales.astype(np.float32), zeros))
    return graph.add("DequantizeLinear", *constants, axis=0)


def _range(values: Float32[np.ndarray, " n"]) -> tuple[float, float]:
    """The range that all but :data:`TAIL` of the values at either end lie in, 0 included."""
    low, high = np.quantile(values, (TAIL, 1 - TAIL))
    return min(float(low), 0.0), max(float(high), _TINY)


def _code(low: float, high: float) -> tuple[float, int]:
    """Scale and zero point of unsigned bytes for a range."""
    scale = (high - low) / ACTIVATION_LEVELS
    return scale, round(-low / scale)


def _patches(
    tensor: Float32[np.ndarray, "c h w"], layer: Convolution, rng: np.random.Generator
) -> Float32[np.ndarray, "g n k"]:
    """Patches that a convolution sees: in one group, or for a depthwise one in a group a channel."""
    kernel = layer.weight.shape[2]
    top, left, bottom, right = layer.pads
    padded = np.pad(tensor, ((0, 0), (top, bottom), (left, right)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (kernel, kernel), axis=(1, 2))
    windows = windows[:, :: layer.stride, :: layer.stride]
    places = windows.shape[1] * windows.shape[2]
    chosen = np.sort(rng.permutation(places)[:_PATCHES_PER_PICTURE])
    picked = windows[:, chosen // windows.shape[2], chosen % windows.shape[2]].reshape(
        len(tensor), len(chosen), -1
    )
    if layer.groups > 1:
        return picked
    return picked.transpose(1, 0, 2).reshape(1, len(chosen), -1)
