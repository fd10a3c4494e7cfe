"""A PyTorch network of the recipes, tuned on views that change at every step."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Final

import numpy as np
import torch
from jaxtyping import Float32, Int64, UInt8

from sploot_media_clustering.training.embedder_loss import rooted
from sploot_media_clustering.training.embedder_sampling import Batch
from sploot_media_clustering.training.pixel_changes import planes, varied_crops, varied_wholes
from sploot_media_clustering.training.pixel_views import PixelViews
from sploot_media_clustering.training.torch_methods import merged, prepared, tuned_tensors
from sploot_media_clustering.training.torch_recipes import TorchRecipe
from sploot_media_clustering.training.tuned_weights import Weights
from sploot_media_clustering.training.tuning_method import Method

_BATCH: Final = 16


class TorchNetwork:
    """Views to embeddings, on a device.

    Args:
        module: planes of normalised floats to vectors.
        recipe: of the network, for what is done to pixels.
        device: as PyTorch names it.
    """

    def __init__(self, module: Any, recipe: TorchRecipe, device: str = "cpu") -> None:  # noqa: ANN401
        self.module, self.device = module.to(device).to(memory_format=torch.channels_last), device
        self._mean, self._deviation = (
            torch.tensor(three, device=device).view(1, 3, 1, 1) for three in (recipe.mean, recipe.deviation)
        )

    def __call__(self, pictures: Any) -> Any:  # noqa: ANN401 - torch is untyped
        """Embeddings [n, e] of planes in [0, 1]."""
        normal = (pictures - self._mean) / self._deviation
        return self.module(normal.contiguous(memory_format=torch.channels_last))

    def embed(self, views: UInt8[np.ndarray, "n s s 3"]) -> Float32[np.ndarray, "n e"]:
        """Embeddings of views, a few at a time."""
        with torch.inference_mode():
            found = [
                self(planes(views[at : at + _BATCH], self.device)).float().cpu().numpy()
                for at in range(0, len(views), _BATCH)
            ]
        return np.concatenate(found)


class TorchTuning:
    """A network that is tuned, and its photos; see :class:`~.embedder_tuning.Tunable`.

    Args:
        module: the original network, which stays as it is.
        recipe: of the network.
        method: what of it is tuned.
        views: of all photos.
        clean_share: of crops that are not varied.
        device: as PyTorch names it.
    """

    def __init__(
        self,
        module: Any,  # noqa: ANN401 - torch is untyped
        recipe: TorchRecipe,
        method: Method,
        views: PixelViews,
        clean_share: float,
        *,
        device: str = "cpu",
    ) -> None:
        self.labels, self._clean_share, self._device = views, clean_share, device
        self._method = method
        self._original = TorchNetwork(deepcopy(module).eval(), recipe, device)
        self._network = TorchNetwork(prepared(module, method), recipe, device)
        some = planes(views.crops[:_BATCH], device)
        with torch.inference_mode():
            self._signed = bool((self._original(some) < 0).any())

    @property
    def module(self) -> Any:  # noqa: ANN401 - torch is untyped
        """The network that is tuned, with its adapters."""
        return self._network.module

    @property
    def tensors(self) -> Mapping[str, Any]:
        """Those that take gradients."""
        return tuned_tensors(self.module)

    def merged(self, weights: Weights) -> Weights:
        """Tuned tensors as all of the original network's; see :func:`.torch_methods.merged`."""
        return merged(self.module, self._method, weights)

    def views(self, batch: Batch, rng: np.random.Generator) -> Any:  # noqa: ANN401 - torch is untyped
        """Planes of a batch: crops, most of them varied, then whole photos, all of them varied."""
        shown = self.labels
        clean = rng.random(len(batch.photos)) < self._clean_share
        wholes = self._planes(shown.wholes, batch.wholes)
        crops = varied_crops(
            self._planes(shown.wides, batch.photos),
            shown.places[batch.photos],
            shown.boxes[batch.photos],
            wholes,
            shown.crops.shape[1],
            rng,
        )
        if clean.any():
            crops[torch.from_numpy(clean)] = self._planes(shown.crops, batch.photos[clean])
        return torch.cat([crops, varied_wholes(wholes, rng)])

    def crops(self, rows: Int64[np.ndarray, " n"]) -> Any:  # noqa: ANN401 - torch is untyped
        """Planes of unchanged crops."""
        return self._planes(self.labels.crops, rows)

    def vectors(self, views: Any) -> Any:  # noqa: ANN401 - torch is untyped
        """Unit vectors by the network that is tuned."""
        return rooted(self._network(views), signed=self._signed)

    def before(self, views: Any) -> Any:  # noqa: ANN401 - torch is untyped
        """Unit vectors by the original network."""
        return rooted(self._original(views), signed=self._signed)

    def _planes(self, views: UInt8[np.ndarray, "n s s 3"], rows: Int64[np.ndarray, " m"]) -> Any:  # noqa: ANN401
        return planes(views[rows], self._device)
