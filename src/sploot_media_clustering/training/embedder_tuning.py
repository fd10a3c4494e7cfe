"""Tuning an embedder so that photos of one animal come together.

Supervised contrastive loss (Khosla et al. 2020, arXiv:2004.11362) among animals of one data set, since
telling a beach from a shelter is no task; pulled towards the original embeddings, so that what they know of
other things stays. The weights are averaged over steps, and kept where animals left out are told apart best.
Every step draws by a seed of its own, so that a run that goes on is the run that was never interrupted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any, Final, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float32, Int64

from sploot_media_clustering.training.embedder_loss import contrastive_loss
from sploot_media_clustering.training.embedder_sampling import (
    Batch,
    Labelled,
    Recipe,
    Sampler,
    left_out_rows,
    told_apart,
)
from sploot_media_clustering.training.tuned_weights import Weights

_LARGEST_GRADIENT: Final = 5.0
_WARM_UP: Final = 0.1
_BLOCK: Final = 64
_EARLY_STEPS: Final = 9
"""The moving average starts with a short memory, so that it forgets the start."""


@runtime_checkable
class Tunable(Protocol):
    """A network, the tensors of it that are tuned, and the photos that it is tuned on."""

    @property
    def labels(self) -> Labelled:
        """Of all photos."""

    @property
    def tensors(self) -> Mapping[str, Any]:
        """Those that are tuned, always in the same order."""

    def views(self, batch: Batch, rng: np.random.Generator) -> Any:  # noqa: ANN401 - torch is untyped
        """What the network is shown of a batch: crops, then whole photos."""

    def crops(self, rows: Int64[np.ndarray, " n"]) -> Any:  # noqa: ANN401 - torch is untyped
        """What the network is shown of some photos when they are not varied."""

    def vectors(self, views: Any) -> Any:  # noqa: ANN401 - torch is untyped
        """Unit vectors, with gradients."""

    def before(self, views: Any) -> Any:  # noqa: ANN401 - torch is untyped
        """Unit vectors as the original network has them."""


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the animals left out.

    Attributes:
        step: after which it was.
        loss: mean since the look before; not a number at the start.
        distance: mean of one minus the cosine with the original embeddings, likewise.
        told_apart: see :func:`told_apart`; not a number where no animal was left out.
    """

    step: int
    loss: float
    distance: float
    told_apart: float


@dataclass(frozen=True, slots=True, eq=False)
class Tuned:
    """The weights that told the animals left out apart best, and the way there, from step 0 on."""

    weights: Weights
    looks: tuple[Look, ...]


def tune(
    network: Tunable,
    rows: Int64[np.ndarray, " m"],
    recipe: Recipe,
    *,
    seed: int = 0,
    checkpoint: Path | None = None,
    progress: Callable[[Look], None] = lambda _: None,
    watch: Callable[[range], Iterable[int]] = iter,
) -> Tuned:
    """Tune a network, which is left as the last step left it.

    Args:
        network: with the original weights.
        rows: photos that may be used.
        recipe: how.
        seed: of the choice of animals, photos and views.
        checkpoint: file of what is half done, written at every look; where it is, it is gone on with. It has
            to be of this network, these photos, this recipe and this seed.
        progress: told each look.
        watch: passes the steps on, to show how far it is.
    """
    looked_at = left_out_rows(network.labels, rows, recipe.left_out, np.random.default_rng(seed))
    sampler = Sampler(network.labels, np.setdiff1d(rows, looked_at), recipe)
    run = _Run(network, recipe, looked_at)
    if checkpoint is not None and checkpoint.is_file():
        run.go_on_from(checkpoint)
    for step in watch(range(run.step + 1, recipe.steps + 1)):
        rng = np.random.default_rng((seed, step))
        run.one_step(step, sampler.draw(rng), rng)
        if step % recipe.look_every == 0 or step == recipe.steps:
            better = run.look()
            progress(run.looks[-1])
            if checkpoint is not None:
                run.keep(checkpoint)
            if not better:
                break
    return Tuned(run.best, tuple(run.looks))


class _Run:
    """A tuning on its way."""

    def __init__(self, network: Tunable, recipe: Recipe, looked_at: Int64[np.ndarray, " k"]) -> None:
        self._network, self._recipe, self._looked_at = network, recipe, looked_at
        tensors = list(network.tensors.values())
        self._optimiser = torch.optim.AdamW(tensors, lr=recipe.rate, weight_decay=recipe.weight_decay)
        self._rates = torch.optim.lr_scheduler.OneCycleLR(
            self._optimiser, recipe.rate, total_steps=recipe.steps, pct_start=_WARM_UP
        )
        self._mean = [tensor.detach().clone() for tensor in tensors]
        self._since: list[tuple[float, float]] = []
        self._misses = 0
        self.step = 0
        self.best = self._weights()
        self.looks = [Look(0, math.nan, 0.0, self._told_apart())]
        self._score = self.looks[0].told_apart

    def one_step(self, step: int, batch: Batch, rng: np.random.Generator) -> None:
        """One step of the optimiser, and of the moving average."""
        recipe, network = self._recipe, self._network
        views = network.views(batch, rng)
        vectors = network.vectors(views)
        with torch.no_grad():
            before = network.before(views)
        distance = (1 - (vectors * before).sum(1)).mean()
        animals = torch.from_numpy(batch.animals).to(vectors.device)
        loss = contrastive_loss(vectors[: len(animals)], animals, recipe.temperature)
        (loss + recipe.keep * distance).backward()
        torch.nn.utils.clip_grad_norm_(list(network.tensors.values()), _LARGEST_GRADIENT)
        self._optimiser.step()
        self._optimiser.zero_grad()
        self._rates.step()
        self._follow(min(recipe.averaging, step / (step + _EARLY_STEPS)))
        self._since.append((loss.item(), distance.item()))
        self.step = step

    def look(self) -> bool:
        """Look at the animals left out; False after too many looks without a gain."""
        loss, distance = np.mean(self._since, axis=0).tolist()
        self._since = []
        with self._averaged():
            self.looks.append(Look(self.step, loss, distance, self._told_apart()))
            if not self.looks[-1].told_apart <= self._score:  # so that "not a number" passes
                self.best, self._score, self._misses = self._weights(), self.looks[-1].told_apart, 0
            else:
                self._misses += 1
        return self._misses < self._recipe.patience

    def keep(self, file: Path) -> None:
        """Written beside its place and renamed."""
        file.parent.mkdir(parents=True, exist_ok=True)
        beside = file.with_suffix(".part")
        state = {
            "step": self.step,
            "misses": self._misses,
            "score": self._score,
            "looks": [astuple(look) for look in self.looks],
            "tensors": [tensor.detach() for tensor in self._network.tensors.values()],
            "mean": self._mean,
            "best": {name: torch.from_numpy(values) for name, values in self.best.items()},
            "optimiser": self._optimiser.state_dict(),
            "rates": self._rates.state_dict(),
        }
        torch.save(state, beside)
        beside.replace(file)

    def go_on_from(self, file: Path) -> None:
        """Take up what :meth:`keep` wrote."""
        state = torch.load(file, map_location="cpu", weights_only=True)
        self.step, self._misses, self._score = state["step"], state["misses"], state["score"]
        self.looks = [Look(*look) for look in state["looks"]]
        self.best = {name: values.numpy() for name, values in state["best"].items()}
        _put(self._network.tensors.values(), state["tensors"])
        _put(self._mean, state["mean"])
        self._optimiser.load_state_dict(state["optimiser"])
        self._rates.load_state_dict(state["rates"])

    def _weights(self) -> Weights:
        return {
            name: tensor.detach().float().cpu().numpy().copy()
            for name, tensor in self._network.tensors.items()
        }

    @contextmanager
    def _averaged(self) -> Iterator[None]:
        """The network with the moving average of its weights."""
        tensors = list(self._network.tensors.values())
        current = [tensor.detach().clone() for tensor in tensors]
        _put(tensors, self._mean)
        try:
            yield
        finally:
            _put(tensors, current)

    def _follow(self, past: float) -> None:
        with torch.no_grad():
            for average, current in zip(self._mean, self._network.tensors.values(), strict=True):
                average.mul_(past).add_(current, alpha=1 - past)

    def _told_apart(self) -> float:
        """Mean over data sets, by unchanged crops."""
        labels, rows = self._network.labels, self._looked_at
        inside = [rows[labels.sets[rows] == data_set] for data_set in np.unique(labels.sets[rows])]
        found = [told_apart(self._crop_vectors(own), labels.animals[own]) for own in inside]
        return float(np.mean(found)) if found else math.nan

    def _crop_vectors(self, rows: Int64[np.ndarray, " n"]) -> Float32[np.ndarray, "n d"]:
        network = self._network
        with torch.inference_mode():
            blocks = [
                network.vectors(network.crops(rows[at : at + _BLOCK])).float().cpu().numpy()
                for at in range(0, len(rows), _BLOCK)
            ]
        return np.concatenate(blocks)


def _put(tensors: Iterable[Any], values: Iterable[Any]) -> None:
    with torch.no_grad():
        for tensor, value in zip(tensors, values, strict=True):
            tensor.copy_(value)
