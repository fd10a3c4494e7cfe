"""An EfficientNet-Lite as an embedder: pooled features, and what animal the classifier sees.

EfficientNet-Lite (Tan and Le 2019, arXiv:1905.11946, and TensorFlow's "lite" variants) has neither swish nor
squeeze-and-excitation, only ReLU6, which is why 8-bit arithmetic costs it so little.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from jaxtyping import Float32, Float64

from sploot_media_clustering.domain.album import SPECIES
from sploot_media_clustering.training.export_graph import (
    PIXELS,
    Convolution,
    Layer,
    Network,
    OnnxGraph,
    Residual,
    same_pads,
)

IMAGENET_CLASSES: Final = 1000
IMAGENET_CATS: Final = (281, 282, 283, 284, 285, 287)
"""Tabby, tiger cat, Persian, Siamese, Egyptian; and lynx, which tabbies are taken for: the class has 2 to 3
% of the probability in photos of cats. The other wild cats count as other animals."""
IMAGENET_DOGS: Final = range(151, 269)
IMAGENET_ANIMALS: Final = range(398)

INPUT_NAME: Final = "views"
EMBEDDING_NAME: Final = "embedding"
SPECIES_NAME: Final = "species"
_MEAN, _DEVIATION = 127, 128
"""TensorFlow's preprocessing of these weights: (x - 127) / 128."""


def embedder_network(net: Any, *, input_px: int) -> Network:  # noqa: ANN401 - the package has no types
    """Read a PyTorch EfficientNet-Lite.

    Args:
        net: an ``efficientnet_lite_pytorch.EfficientNet``, pretrained or fine-tuned, in evaluation mode.
        input_px: side of the square input, even down to the last stride.
    """
    reader = _Reader(input_px)
    reader.convolution("stem", net._conv_stem, net._bn0, relu6=True)  # noqa: SLF001 - its only access
    for index, block in enumerate(net._blocks):  # noqa: SLF001
        reader.block(f"block{index}", block)
    reader.convolution("head", net._conv_head, net._bn1, relu6=True)  # noqa: SLF001
    fully_connected = net._fc  # noqa: SLF001
    weight, bias = (_array(value) for value in (fully_connected.weight, fully_connected.bias))

    def tail(graph: OnnxGraph, tensors: Mapping[str, str]) -> None:
        pooled = graph.add("GlobalAveragePool", tensors["head"])
        embedding = graph.add("Flatten", pooled, out=[EMBEDDING_NAME], axis=1)
        half = (graph.constant(value.astype(np.float16)) for value in (weight.T, bias))
        product, offset = (graph.add("Cast", value, to=1) for value in half)
        logits = graph.add("Gemm", embedding, product, offset)
        classes = graph.add("Softmax", logits, axis=1)
        graph.add("MatMul", classes, graph.constant(species_of_classes()), out=[SPECIES_NAME])

    return Network(
        name="embedder",
        input_name=INPUT_NAME,
        input_px=input_px,
        scale=1 / _DEVIATION,
        zero_point=_MEAN,
        layers=tuple(reader.layers),
        tail=tail,
        outputs={EMBEDDING_NAME: ["n", weight.shape[1]], SPECIES_NAME: ["n", len(SPECIES)]},
    )


def species_of_classes() -> Float32[np.ndarray, "1000 3"]:
    """The matrix that sums ImageNet's probabilities to those of cat, dog and another animal."""
    matrix = np.zeros((IMAGENET_CLASSES, len(SPECIES)), np.float32)
    matrix[list(IMAGENET_CATS), 0] = 1
    matrix[list(IMAGENET_DOGS), 1] = 1
    others = set(IMAGENET_ANIMALS) - set(IMAGENET_CATS) - set(IMAGENET_DOGS)
    matrix[list(others), 2] = 1
    return matrix


class _Reader:
    """Collects layers, keeping track of the last tensor and its size, on which SAME padding depends."""

    def __init__(self, input_px: int) -> None:
        self.layers: list[Layer] = []
        self._last = PIXELS
        self._size_px = input_px

    def convolution(self, name: str, convolution: Any, norm: Any, *, relu6: bool) -> None:  # noqa: ANN401
        """A convolution and its batch norm."""
        gain = _array(norm.weight) / np.sqrt(_array(norm.running_var) + norm.eps)
        weight = _array(convolution.weight)
        stride = convolution.stride[0]
        self.layers.append(
            Convolution(
                name=name,
                source=self._last,
                weight=weight * gain[:, None, None, None],
                bias=_array(norm.bias) - _array(norm.running_mean) * gain,
                stride=stride,
                pads=same_pads(self._size_px, weight.shape[2], stride),
                groups=convolution.groups,
                relu6=relu6,
            )
        )
        self._last, self._size_px = name, -(-self._size_px // stride)

    def block(self, name: str, block: Any) -> None:  # noqa: ANN401
        """An inverted residual: expansion, depthwise convolution, projection, sum."""
        source = self._last
        if hasattr(block, "_expand_conv"):
            self.convolution(f"{name}.expand", block._expand_conv, block._bn0, relu6=True)  # noqa: SLF001
        depthwise = block._depthwise_conv  # noqa: SLF001
        self.convolution(f"{name}.depthwise", depthwise, block._bn1, relu6=True)  # noqa: SLF001
        self.convolution(f"{name}.project", block._project_conv, block._bn2, relu6=False)  # noqa: SLF001
        shape = block._block_args  # noqa: SLF001
        if depthwise.stride[0] == 1 and shape.input_filters == shape.output_filters:
            self.layers.append(Residual(f"{name}.sum", self._last, source))
            self._last = f"{name}.sum"


def _array(tensor: Any) -> Float64[np.ndarray, "..."]:  # noqa: ANN401
    array: np.ndarray = tensor.detach().double().numpy()
    return array
