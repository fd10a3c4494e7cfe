"""TensorFlow's SSDLite-MobileNetV2 (COCO) as an animal detector.

Reads the graph that tf2onnx made of it, folds its scattered batch norms, keeps the animal columns of the
class predictors only, and writes the decoding of boxes anew, behind a top-k, for any number of pictures at
once.
Architecture: Sandler et al. 2018, arXiv:1801.04381; anchors: Liu et al. 2016, arXiv:1512.02325, section 2.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from jaxtyping import Float64
from onnx import helper, numpy_helper

from sploot_media_clustering.domain.album import SPECIES
from sploot_media_clustering.errors import ModelPackageError
from sploot_media_clustering.training.export_graph import (
    PIXELS,
    Convolution,
    Layer,
    Network,
    OnnxGraph,
    Residual,
)

INPUT_NAME: Final = "images"
INPUT_PX: Final = 300
BOXES_NAME: Final = "boxes"
SCORES_NAME: Final = "scores"
CANDIDATES: Final = 64
"""Boxes kept for suppression; in photos of pets fewer than 40 have a score above 0.05."""

_SOURCE_INPUT: Final = "Preprocessor/sub:0"
_SCALE, _ZERO_POINT = 1 / 127.5, 127
"""The weights expect x / 127.5 - 1; a zero point is a whole number, and 127 for 127.5 moves scores by <
0.002."""

COCO_COLUMNS: Final = 91
"""Background and COCO ids 1 to 90."""
CAT, DOG = 17, 18
COCO_ANIMALS: Final = (CAT, DOG, 16, 19, 20, 21, 22, 23, 24, 25)
"""COCO ids: cat, dog; then bird, horse, sheep, cow, elephant, bear, zebra, giraffe."""

GRIDS: Final = (19, 10, 5, 3, 2, 1)
"""Cells on a side of the six feature maps."""
SMALLEST, LARGEST = 0.2, 0.95
_CENTRE_VARIANCE, _SIZE_VARIANCE = 0.1, 0.2
"""By these factors the box predictors' outputs are scaled."""


def detector_network(source: Path) -> Network:
    """Read the detector.

    Args:
        source: the ONNX file with the input ``Preprocessor/sub:0`` and predictors called ``BoxPredictor_*``.
    """
    return Network(
        name="detector",
        input_name=INPUT_NAME,
        input_px=INPUT_PX,
        scale=_SCALE,
        zero_point=_ZERO_POINT,
        layers=tuple(_Reader(onnx.load(str(source)).graph).layers.values()),
        tail=_decode,
        outputs={BOXES_NAME: ["n", CANDIDATES, 4], SCORES_NAME: ["n", CANDIDATES, len(SPECIES)]},
    )


def anchors() -> Float64[np.ndarray, "a 4"]:
    """Centre y, centre x, height and width of every anchor, in fractions of the picture."""
    steps = len(GRIDS) - 1
    scales = [SMALLEST + (LARGEST - SMALLEST) * step / steps for step in range(steps + 1)] + [1.0]
    rows: list[tuple[float, float, float, float]] = []
    for level, cells in enumerate(GRIDS):
        shapes = [(scales[level], ratio) for ratio in (1.0, 2.0, 0.5, 3.0, 1 / 3)]
        shapes.append((float(np.sqrt(scales[level] * scales[level + 1])), 1.0))
        if level == 0:  # the finest map has three anchors a cell
            shapes = [(SMALLEST / 2, 1.0), (SMALLEST, 2.0), (SMALLEST, 0.5)]
        for y in range(cells):
            for x in range(cells):
                rows += [
                    ((y + 0.5) / cells, (x + 0.5) / cells, scale / ratio**0.5, scale * ratio**0.5)
                    for scale, ratio in shapes
                ]
    return np.array(rows)


def _decode(graph: OnnxGraph, tensors: Mapping[str, str]) -> None:
    """Scores of :data:`SPECIES` and boxes (left, top, right, bottom) of the best candidates, best first."""
    classes, codes = (
        graph.add("Concat", *(_rows(graph, tensors[f"{kind}_{level}"], width) for level in range(6)), axis=1)
        for kind, width in (("class", len(COCO_ANIMALS)), ("box", 4))
    )
    other = graph.add("ReduceMax", _slice(graph, classes, 2, len(COCO_ANIMALS)), axes=[2], keepdims=1)
    logits = graph.add("Concat", _slice(graph, classes, 0, 2), other, axis=2)
    best = graph.add("ReduceMax", logits, axes=[2], keepdims=1)
    graph.add("TopK", best, graph.integers(CANDIDATES), out=["best_logits", "best"], axis=1)
    chosen = [graph.add("Expand", "best", graph.integers(1, 1, width)) for width in (len(SPECIES), 4)]
    graph.add("Sigmoid", graph.add("GatherElements", logits, chosen[0], axis=1), out=[SCORES_NAME])
    code = graph.add("GatherElements", codes, chosen[1], axis=1)
    rows = graph.add("Squeeze", "best", graph.integers(2))
    anchor = graph.add("Gather", graph.constant(anchors().astype(np.float32)), rows, axis=0)
    centre, size = (_slice(graph, anchor, first, first + 2) for first in (0, 2))
    shift, growth = (
        graph.add("Mul", _slice(graph, code, first, first + 2), graph.constant(np.float32(variance)))
        for first, variance in ((0, _CENTRE_VARIANCE), (2, _SIZE_VARIANCE))
    )
    middle = graph.add("Add", graph.add("Mul", shift, size), centre)
    half = graph.add("Mul", graph.add("Mul", graph.add("Exp", growth), size), graph.constant(np.float32(0.5)))
    corners = graph.add("Concat", graph.add("Sub", middle, half), graph.add("Add", middle, half), axis=2)
    xy_first = graph.integers(1, 0, 3, 2)
    inside = [graph.constant(np.float32(limit)) for limit in (0.0, 1.0)]
    graph.add("Clip", graph.add("Gather", corners, xy_first, axis=2), *inside, out=[BOXES_NAME])


def _rows(graph: OnnxGraph, planes: str, width: int) -> str:
    """A predictor's planes as one row of ``width`` numbers an anchor."""
    last = graph.add("Transpose", planes, perm=[0, 2, 3, 1])
    return graph.add("Reshape", last, graph.integers(0, -1, width))


def _slice(graph: OnnxGraph, tensor: str, start: int, stop: int) -> str:
    return graph.add("Slice", tensor, graph.integers(start), graph.integers(stop), graph.integers(2))


class _Reader:
    """Walks the source graph; every convolution swallows the scaling and clipping that follow it."""

    def __init__(self, graph: Any) -> None:  # noqa: ANN401 - onnx is untyped
        self.layers: dict[str, Layer] = {}
        self._constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
        self._followers: dict[str, list[Any]] = {}
        self._ours = {_SOURCE_INPUT: PIXELS}
        for node in graph.node:
            for name in node.input:
                self._followers.setdefault(name, []).append(node)
            if node.op_type == "Cast" and node.input[0] in self._constants:
                self._constants[node.output[0]] = self._constants[node.input[0]].astype(np.float64)
        for node in graph.node:
            self._read(node)

    def _read(self, node: Any) -> None:  # noqa: ANN401
        known = [self._ours.get(name) for name in node.input]
        if node.op_type == "Conv":
            self._convolution(node)
        elif node.op_type in {"Sum", "Add"} and len(known) == 2 and None not in known:  # noqa: PLR2004 - two terms
            self._residual(node)
        elif node.op_type in {"Transpose", "Reshape"} and known[0] is not None:
            self._ours[node.output[0]] = known[0]

    def _convolution(self, node: Any) -> None:  # noqa: ANN401
        attributes = {item.name: helper.get_attribute_value(item) for item in node.attribute}
        weight = self._constants[node.input[1]].astype(np.float64)
        has_bias = len(node.input) > 2  # noqa: PLR2004 - input, weight, bias
        layer = Convolution(
            name=node.name,
            source=self._ours[node.input[0]],
            weight=weight,
            bias=self._constants[node.input[2]].astype(np.float64) if has_bias else np.zeros(len(weight)),
            stride=attributes["strides"][0],
            pads=tuple(attributes["pads"]),
            groups=attributes["group"],
            relu6=False,
        )
        if node.name.endswith("Predictor/BiasAdd"):
            layer = _predictor(layer)
            self.layers[layer.name] = layer
            return
        layer, output = self._absorb(layer, node.output[0])
        self.layers[layer.name] = layer
        self._ours[output] = layer.name

    def _absorb(self, layer: Convolution, output: str) -> tuple[Convolution, str]:
        """Fold the batch norm and the clipping behind a convolution into it."""
        while len(followers := self._followers.get(output, [])) == 1:
            follower = followers[0]
            constant = self._constant_of(follower)
            if follower.op_type == "Clip":
                return replace(layer, relu6=True), follower.output[0]
            if follower.op_type == "BatchNormalization":
                gain, offset = self._norm(follower)
            elif follower.op_type == "Mul" and constant is not None:
                gain, offset = constant, np.zeros(1)
            elif follower.op_type == "Add" and constant is not None:
                gain, offset = np.ones(1), constant
            elif follower.op_type == "Reshape":  # of the shape that it already has
                gain, offset = np.ones(1), np.zeros(1)
            else:
                break
            layer = replace(
                layer, weight=layer.weight * gain[:, None, None, None], bias=layer.bias * gain + offset
            )
            output = follower.output[0]
        return layer, output

    def _residual(self, node: Any) -> None:  # noqa: ANN401
        """A sum; where the projection's batch norm was shifted behind it, its offset goes back."""
        left, right = (self._ours[name] for name in node.input)
        output = node.output[0]
        follower = self._followers[output][0]
        offset = self._constant_of(follower) if follower.op_type == "Add" else None
        if offset is not None:
            # The later one is the projection; the earlier one also feeds the block.
            projection = [self.layers[name] for name in self.layers if name in {left, right}][-1]
            if not isinstance(projection, Convolution):
                raise ModelPackageError(
                    f"expected a convolution before the sum {node.name}, got {projection}; "
                    "use the detector's file that the manifest names"
                )
            self.layers[projection.name] = replace(projection, bias=projection.bias + offset)
            output = follower.output[0]
        self.layers[node.name] = Residual(node.name, left, right)
        self._ours[output] = node.name

    def _constant_of(self, node: Any) -> Float64[np.ndarray, " c"] | None:  # noqa: ANN401
        constants = (self._constants[name] for name in node.input if name in self._constants)
        found = next(constants, None)
        return None if found is None else found.astype(np.float64).ravel()

    def _norm(self, node: Any) -> tuple[Float64[np.ndarray, " c"], Float64[np.ndarray, " c"]]:  # noqa: ANN401
        scale, bias, mean, variance = (self._constants[name].astype(np.float64) for name in node.input[1:5])
        epsilon = next(item.f for item in node.attribute if item.name == "epsilon")
        gain = scale / np.sqrt(variance + epsilon)
        return gain, bias - mean * gain


def _predictor(layer: Convolution) -> Convolution:
    """A predictor under a short name; of the class predictors only the animals."""
    level = layer.name.removeprefix("BoxPredictor_")[0]
    if "BoxEncoding" in layer.name:
        return replace(layer, name=f"box_{level}")
    animals = list(COCO_ANIMALS)
    weight = layer.weight.reshape(-1, COCO_COLUMNS, *layer.weight.shape[1:])[:, animals]
    return replace(
        layer,
        name=f"class_{level}",
        weight=weight.reshape(-1, *layer.weight.shape[1:]),
        bias=layer.bias.reshape(-1, COCO_COLUMNS)[:, animals].ravel(),
    )
