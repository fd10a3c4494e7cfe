"""A convolutional network as data, and as an ONNX graph with float weights.

The exporters turn what they find in a checkpoint into a :class:`Network`: convolutions with their batch norms
folded in, residual sums, and a float tail. Two back ends write it: :func:`float_model` here, and
:func:`~sploot_media_clustering.training.export_quantised.quantised_model`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from jaxtyping import Float64
from onnx import TensorProto, checker, helper, numpy_helper

OPSET: Final = 17
IR_VERSION: Final = 8
"""Read by ONNX Runtime 1.14 and later."""

RELU6_LIMIT: Final = 6.0


@dataclass(frozen=True, slots=True, eq=False)
class Convolution:
    """A convolution with folded batch norm; its output tensor carries its name.

    Attributes:
        name: of the layer and of its output.
        source: the input tensor's name.
        weight: out, in / groups, height, width.
        bias: one an output channel.
        stride: in both directions.
        pads: top, left, bottom, right.
        groups: 1, or the number of channels for a depthwise convolution.
        relu6: whether min(max(x, 0), 6) follows.
    """

    name: str
    source: str
    weight: Float64[np.ndarray, "o i h w"]
    bias: Float64[np.ndarray, " o"]
    stride: int
    pads: tuple[int, int, int, int]
    groups: int
    relu6: bool


@dataclass(frozen=True, slots=True)
class Residual:
    """The sum of two tensors; its output carries its name."""

    name: str
    left: str
    right: str


Layer = Convolution | Residual


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """A network whose input is a batch of square RGB pictures of unsigned bytes.

    Attributes:
        name: of the graph.
        input_name: of the input, uint8 [n, px, px, 3].
        input_px: side of the input.
        scale: a byte b becomes (b - zero_point) * scale.
        zero_point: see ``scale``.
        layers: in an order in which they can run; the first reads :data:`PIXELS`.
        tail: adds the float nodes from the layers' outputs (name to tensor) to the graph's outputs.
        outputs: name to shape, every output float32.
    """

    name: str
    input_name: str
    input_px: int
    scale: float
    zero_point: int
    layers: tuple[Layer, ...]
    tail: Callable[[OnnxGraph, Mapping[str, str]], None]
    outputs: Mapping[str, Sequence[int | str]]


PIXELS: Final = "pixels"
"""The tensor that the first layer reads: preprocessed, channels first."""


class OnnxGraph:
    """An ONNX graph under construction: nodes in running order, and constants."""

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def constant(self, value: np.ndarray | np.generic) -> str:
        """Add a constant and return its tensor's name."""
        name = f"constant_{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.asarray(value, order="C"), name))
        return name

    def integers(self, *values: int) -> str:
        """Add a constant vector of axes or sizes."""
        return self.constant(np.array(values, np.int64))

    def add(self, operator: str, *inputs: str, out: Sequence[str] | None = None, **attributes: object) -> str:
        """Add a node and return the name of its first output."""
        name = f"{operator}_{len(self._nodes)}"
        outputs = list(out) if out is not None else [name]
        self._nodes.append(helper.make_node(operator, list(inputs), outputs, name=name, **attributes))
        return outputs[0]

    def convolve(self, layer: Convolution, source: str, weight: str, bias: str) -> str:
        """Add the convolution of a layer, without what follows it."""
        return self.add(
            "Conv",
            source,
            weight,
            bias,
            strides=[layer.stride] * 2,
            pads=list(layer.pads),
            group=layer.groups,
            kernel_shape=list(layer.weight.shape[2:]),
        )

    def model(self, network: Network, extra_outputs: Sequence[str] = ()) -> Any:  # noqa: ANN401 - onnx is untyped
        """The checked model, its outputs those of the network and then ``extra_outputs``."""
        shape = ["n", network.input_px, network.input_px, 3]
        outputs = [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))
            for name, shape in network.outputs.items()
        ] + [helper.make_empty_tensor_value_info(name) for name in extra_outputs]
        graph = helper.make_graph(
            self._nodes,
            network.name,
            [helper.make_tensor_value_info(network.input_name, TensorProto.UINT8, shape)],
            outputs,
            self._constants,
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
        )
        if not extra_outputs:
            checker.check_model(model)
        return model

    def planes(self, network: Network) -> str:
        """Add the transposition of the input to channels first, still bytes."""
        return self.add("Transpose", network.input_name, perm=[0, 3, 1, 2])


def same_pads(size_px: int, kernel: int, stride: int) -> tuple[int, int, int, int]:
    """TensorFlow's SAME padding: as even as can be, the odd pixel at the bottom and right."""
    total = max((-(-size_px // stride) - 1) * stride + kernel - size_px, 0)
    before, after = total // 2, total - total // 2
    return before, before, after, after


def float_model(network: Network, *, all_tensors: bool = False) -> Any:  # noqa: ANN401 - onnx is untyped
    """The network with float32 weights.

    Args:
        network: what to write.
        all_tensors: also give out what every layer gives and :data:`PIXELS`, in that order, for calibration.
    """
    graph = OnnxGraph()
    code = (graph.constant(np.float32(network.scale)), graph.constant(np.uint8(network.zero_point)))
    tensors = {PIXELS: graph.add("DequantizeLinear", graph.planes(network), *code)}
    for layer in network.layers:
        if isinstance(layer, Residual):
            tensors[layer.name] = graph.add("Add", tensors[layer.left], tensors[layer.right])
            continue
        weight, bias = (graph.constant(value.astype(np.float32)) for value in (layer.weight, layer.bias))
        output = graph.convolve(layer, tensors[layer.source], weight, bias)
        if layer.relu6:
            limits = [graph.constant(np.float32(limit)) for limit in (0.0, RELU6_LIMIT)]
            output = graph.add("Clip", output, *limits)
        tensors[layer.name] = output
    network.tail(graph, tensors)
    extra = [tensors[name] for name in (*(layer.name for layer in network.layers), PIXELS)]
    return graph.model(network, extra if all_tensors else ())
