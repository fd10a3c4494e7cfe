"""The last layers of an embedder as tensors that can be tuned, and its networks before, between and after.

The layers before them stay as they are: what edges and textures are, a few hundred animals can't teach. So
their output is computed once for every view, and tuning costs minutes on a processor.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import replace
from typing import Any, Final

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch.nn import functional

from sploot_media_clustering.training.embedder_loss import rooted
from sploot_media_clustering.training.embedder_sampling import CROP, Batch, TrunkFeatures
from sploot_media_clustering.training.export_graph import (
    RELU6_LIMIT,
    Convolution,
    Network,
    OnnxGraph,
    Residual,
)
from sploot_media_clustering.training.tuned_weights import Weights

LAST_FROZEN: Final = "block10.sum"
"""Of EfficientNet-Lite0: five of sixteen blocks follow, two thirds of its weights and a third of its work."""

FEATURES_NAME: Final = "features"


def trunk_of(network: Network, last: str = LAST_FROZEN) -> Network:
    """The layers up to one, as a network that gives out what that layer gives."""
    layers = network.layers[: _place(network, last) + 1]

    def tail(graph: OnnxGraph, tensors: Mapping[str, str]) -> None:
        graph.add("Identity", tensors[last], out=[FEATURES_NAME])

    return replace(network, layers=layers, tail=tail, outputs={FEATURES_NAME: ["n", "c", "h", "w"]})


def with_weights(network: Network, weights: Weights) -> Network:
    """The network with some of its layers' weights replaced."""
    return replace(
        network,
        layers=tuple(
            replace(
                layer,
                weight=weights[f"{layer.name}.weight"].astype(np.float64),
                bias=weights[f"{layer.name}.bias"].astype(np.float64),
            )
            if isinstance(layer, Convolution) and f"{layer.name}.weight" in weights
            else layer
            for layer in network.layers
        ),
    )


class Tail:
    """Layers behind the trunk, and the pooling: features to embeddings, with gradients.

    Args:
        network: whose layers they are; batch norms are folded, so that their statistics stay frozen.
        last: name of the trunk's last layer.
        device: where the tensors live, as PyTorch names it.
    """

    def __init__(self, network: Network, last: str = LAST_FROZEN, *, device: str = "cpu") -> None:
        self._source = last
        self._layers = network.layers[_place(network, last) + 1 :]
        self._device = device
        self._tensors: dict[str, Any] = {}
        self.load(
            {
                f"{layer.name}.{part}": values.astype(np.float32)
                for layer in self._layers
                if isinstance(layer, Convolution)
                for part, values in (("weight", layer.weight), ("bias", layer.bias))
            }
        )

    @property
    def named(self) -> Mapping[str, Any]:
        """The tensors by name, always in the same order."""
        return self._tensors

    @property
    def weights(self) -> Weights:
        """A copy of the weights and biases."""
        return {name: tensor.detach().cpu().numpy().copy() for name, tensor in self._tensors.items()}

    def load(self, weights: Weights) -> None:
        """Start from other weights; gradients and what an optimiser knew are gone."""
        self._tensors = {
            name: torch.tensor(values, device=self._device, requires_grad=True)
            for name, values in weights.items()
        }

    def copy(self) -> Tail:
        """Another tail with the same weights, which goes its own way."""
        other = copy(self)
        other.load(self.weights)
        return other

    def batch(self, features: Float[np.ndarray, "n c h w"]) -> Any:  # noqa: ANN401 - torch is untyped
        """Features as a tensor of the tail's device, in the memory layout that convolutions like best."""
        tensor = torch.from_numpy(np.ascontiguousarray(features, np.float32)).to(self._device)
        return tensor.contiguous(memory_format=torch.channels_last)

    def __call__(self, features: Any) -> Any:  # noqa: ANN401 - torch is untyped
        """Embeddings [n, e] of features [n, c, h, w]."""
        outputs = {self._source: features}
        for layer in self._layers:
            if isinstance(layer, Residual):
                outputs[layer.name] = outputs[layer.left] + outputs[layer.right]
            else:
                outputs[layer.name] = self._convolved(layer, outputs[layer.source])
        return outputs[self._layers[-1].name].mean((2, 3))

    def _convolved(self, layer: Convolution, source: Any) -> Any:  # noqa: ANN401 - torch is untyped
        top, left, bottom, right = layer.pads
        padded = functional.pad(source, (left, right, top, bottom)) if any(layer.pads) else source
        weight, bias = (self._tensors[f"{layer.name}.{part}"] for part in ("weight", "bias"))
        output = functional.conv2d(padded, weight, bias, layer.stride, groups=layer.groups)
        return output.clamp(0.0, RELU6_LIMIT) if layer.relu6 else output


class TailTuning:
    """A tail and the features that it is tuned on; see :class:`~.embedder_tuning.Tunable`.

    Args:
        tail: with the original weights; it is the one that is tuned.
        features: of all photos.
        clean_share: of crops that are not varied.
    """

    def __init__(self, tail: Tail, features: TrunkFeatures, clean_share: float) -> None:
        self.labels = features
        self._tail, self._original, self._clean_share = tail, tail.copy(), clean_share

    @property
    def tensors(self) -> Mapping[str, Any]:
        """Weights and biases, ``layer.weight`` and ``layer.bias``."""
        return self._tail.named

    def views(self, batch: Batch, rng: np.random.Generator) -> Any:  # noqa: ANN401 - torch is untyped
        """Features of some view of each photo of a batch."""
        return self._tail.batch(self.labels.drawn(batch, self._clean_share, rng))

    def vectors(self, views: Any) -> Any:  # noqa: ANN401 - torch is untyped
        """Unit vectors by the tail."""
        return rooted(self._tail(views))

    def before(self, views: Any) -> Any:  # noqa: ANN401 - torch is untyped
        """Unit vectors by the original tail."""
        return rooted(self._original(views))

    def crops(self, rows: Int64[np.ndarray, " n"]) -> Any:  # noqa: ANN401 - torch is untyped
        """Features of unchanged crops."""
        return self._tail.batch(self.labels.values[rows, CROP])


def _place(network: Network, name: str) -> int:
    return [layer.name for layer in network.layers].index(name)
