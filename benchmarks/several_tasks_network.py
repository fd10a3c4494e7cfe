"""The network of ``several_tasks.py``: an embedder, the heads that read it, and what both learn by.

Heads begin as those that are fitted on the original vectors, and the network follows them (Kumar et al. 2022,
"Fine-tuning can distort pretrained features", arXiv:2202.10054). Normalisation layers keep their statistics.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from fine_tuning import RECIPE, SIDE_PX
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from sploot_media_clustering.domain.attributes import COMPANIONS, FLAWS, VOCABULARY
from sploot_media_clustering.domain.heads import WHOLE_SHARE, features
from sploot_media_clustering.training.appeal import fit_appeal
from sploot_media_clustering.training.cue_basis import cue_basis
from sploot_media_clustering.training.embedder_loss import contrastive_loss, rooted
from sploot_media_clustering.training.logistic import logistic_regression
from sploot_media_clustering.training.pictures import LOOK_FIT, LOOK_TEMPERATURE
from sploot_media_clustering.training.pixel_changes import varied_crops, varied_wholes
from sploot_media_clustering.training.pixel_views import PixelViews
from sploot_media_clustering.training.torch_recipes import recipe_named
from sploot_media_clustering.training.torch_source import open_source
from sploot_media_clustering.training.torch_tuning import TorchNetwork
from sploot_media_clustering.training.two_covariance import fit_two_covariance

if TYPE_CHECKING:
    from several_tasks import Arm, Labels

SETS, PHOTOS, OF_GROUP = 2, 36, 6
"""Of a batch: data sets, photos of each, and photos of each album."""
UNRATED_SHARE: Final = 0.3
"""How often a photo is drawn that nobody rated, a rated one being drawn once."""
BACKGROUNDS: Final = 0.5
"""Share of crops whose background may be changed: it does not say who it is, but where and what it does."""
SMOOTHING: Final = 0.1
START_DECAY: Final = 2e-3
"""L2 penalty on the heads that are begun with, ten times that of the package's: those know their training
photos by heart, and leave the network nothing to learn."""
IMPORTANCE: Final = (
    dict.fromkeys(VOCABULARY, 1.0) | dict.fromkeys(COMPANIONS, 0.5) | dict.fromkeys(FLAWS, 0.1)
)
TEMPERATURE: Final = 0.07
AVERAGING: Final = 0.98
LARGEST_GRADIENT: Final = 5.0
HEAD_RATE: Final = 1e-3
WEIGHT_DECAY: Final = 1e-2
WARM_UP: Final = 0.1
_WIDTHS: Final = [len(values) for values in VOCABULARY.values()]
_NO_BACKGROUND: Final = np.array([-99.0, -99.0, 100.0, 100.0], np.float32)
_CHOSEN: Final = len(VOCABULARY) - len(COMPANIONS) - len(FLAWS)
_BARRED: Final = -1e4
_BRIGHTEST: Final = 255


class Draws:
    """Batches of some data sets' albums, and of animals where nobody rated: always of as many photos.

    Args:
        sets: data set of each photo.
        labels: of all photos.
        rows: photos that may be drawn.
    """

    def __init__(self, sets: np.ndarray, labels: Labels, rows: np.ndarray) -> None:
        self._groups = labels.groups
        self._pools = [rows[sets[rows] == one] for one in np.unique(sets[rows])]
        weights = [np.where(labels.albums[pool] < 0, UNRATED_SHARE, 1.0).sum() for pool in self._pools]
        self._shares = np.array(weights) / np.sum(weights)

    def draw(self, rng: np.random.Generator) -> list[np.ndarray]:
        """Rows of each data set of a batch."""
        chosen = rng.choice(len(self._pools), min(SETS, len(self._pools)), replace=False, p=self._shares)
        return [self._of_set(rng.permutation(self._pools[one]), rng) for one in chosen]

    def _of_set(self, rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        groups = self._groups[rows]
        some = [rows[groups == group][:OF_GROUP] for group in rng.permutation(np.unique(groups))]
        return np.resize(np.concatenate(some), PHOTOS)


class Heads(torch.nn.Module):
    """What reads cues: attributes and appeal; and the projection in which looks are told apart.

    Args:
        cues: of rated photos, by the original network.
        labels: of the same photos.
    """

    def __init__(self, cues: np.ndarray, labels: Labels) -> None:
        super().__init__()
        basis = cue_basis(cues)
        z = basis.components(cues)
        ticked = [
            logistic_regression(z, np.eye(width)[truth], START_DECAY)
            for width, truth in zip(_WIDTHS, labels.truth.T, strict=True)
        ]
        weight, bias = basis.unfolded(*(np.concatenate(one) for one in zip(*ticked, strict=True)))
        appeal = fit_appeal(cues, labels.hero, labels.albums, labels.albums * 0, basis).head
        x = cues[:, : cues.shape[1] - labels.context.shape[1]]
        look = fit_two_covariance(x, labels.looks, labels.albums, LOOK_FIT)
        self.weight = _parameter(np.vstack([weight, appeal.weight]))
        self.bias = _parameter(np.append(bias, appeal.bias))
        self.look = _parameter(look.weight)

    def forward(self, cues: Any) -> tuple[tuple[Any, ...], Any]:  # noqa: ANN401 - torch is untyped
        """Logits of each group of attributes, and appeal."""
        said = functional.linear(cues, self.weight, self.bias)
        return said[:, :-1].split(_WIDTHS, 1), said[:, -1]


class Original:
    """The network before tuning, and all photos as it sees them.

    Args:
        weights: of the network; None: random ones.
        views: of all photos.
        device: as PyTorch names it.
    """

    def __init__(self, weights: Path | None, views: PixelViews, device: str) -> None:
        self.views, self.device = views, device
        self.recipe = replace(recipe_named(RECIPE), input_px=SIDE_PX)
        self.module = open_source(self.recipe, weights, random_weights=weights is None).module
        self.pixels = {
            name: torch.from_numpy(np.array(getattr(views, name))).to(device) for name in ("wholes", "wides")
        }
        self.embeddings = self.embedded(deepcopy(self.module), np.arange(len(views.sets)))

    def embedded(self, module: Any, rows: np.ndarray) -> np.ndarray:  # noqa: ANN401 - torch is untyped
        """Embeddings of whole photos and of crops by some network, as they are: [n, 2, e]."""
        network = TorchNetwork(module, self.recipe, self.device)
        return np.stack([network.embed(kind[rows]) for kind in (self.views.wholes, self.views.crops)], 1)

    def shown(self, rows: np.ndarray, rng: np.random.Generator) -> Any:  # noqa: ANN401
        """Planes of whole photos, then of crops, all varied."""
        views, there = self.views, torch.from_numpy(rows).to(self.device)
        wholes, wides = (
            self.pixels[name][there].permute(0, 3, 1, 2).float() / _BRIGHTEST for name in ("wholes", "wides")
        )
        boxes = np.where(rng.random((len(rows), 1)) < BACKGROUNDS, views.boxes[rows], _NO_BACKGROUND)
        crops = varied_crops(wides, views.places[rows], boxes, wholes, SIDE_PX, rng)
        return torch.cat([varied_wholes(wholes, rng), crops])


class SeveralTasks:
    """An embedder that is tuned with its heads.

    Args:
        original: the network before.
        labels: of all photos.
        rows: photos that it is tuned on.
        arm: how.
    """

    def __init__(self, original: Original, labels: Labels, rows: np.ndarray, arm: Arm) -> None:
        self._original, self._labels, self._arm = original, labels, arm
        self._draws = Draws(original.views.sets, labels, rows)
        before = rooted(torch.from_numpy(original.embeddings))
        self._before, self._context, self._hero = (
            torch.as_tensor(one).float().to(original.device) for one in (before, labels.context, labels.hero)
        )
        rated = rows[labels.albums[rows] >= 0]
        heads = Heads(self._cues(original.embeddings[rated], rated), labels.taken(rated))
        parts = {"network": deepcopy(original.module), "heads": heads}
        self._tuned = torch.nn.ModuleDict(parts).to(original.device).eval()
        self._network = TorchNetwork(self._tuned["network"], original.recipe, original.device)
        self._begun = deepcopy(self._tuned)
        self._mean = AveragedModel(self._tuned, multi_avg_fn=get_ema_multi_avg_fn(AVERAGING))
        rates = _rates(self._tuned, arm)
        self._optimiser = torch.optim.AdamW(rates, weight_decay=WEIGHT_DECAY)
        self._schedule = torch.optim.lr_scheduler.OneCycleLR(
            self._optimiser, [one["lr"] for one in rates], total_steps=arm.steps + 1, pct_start=WARM_UP
        )

    def step(self, rng: np.random.Generator) -> None:
        """One step of the optimiser, and of the moving average."""
        batch = self._draws.draw(rng)
        rows = np.concatenate(batch)
        device = self._original.device
        with torch.autocast(device, torch.bfloat16, enabled=device != "cpu"):
            embeddings = self._network(self._original.shown(rows, rng))
        wholes, crops = rooted(embeddings.float()).chunk(2)
        before = self._before[self._there(rows)]
        animals = self._there(self._original.views.animals[rows])
        arm = self._arm
        loss = arm.keep * (2 - (wholes * before[:, 0]).sum(1) - (crops * before[:, 1]).sum(1)).mean() / 2
        for own, of in zip(crops.split(PHOTOS), animals.split(PHOTOS), strict=True):
            loss = loss + arm.identity / len(batch) * contrastive_loss(own, of, TEMPERATURE)
        loss = loss + self._rated_loss(torch.cat([WHOLE_SHARE * wholes, crops], 1), rows)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._tuned.parameters(), LARGEST_GRADIENT)
        self._optimiser.step()
        self._optimiser.zero_grad()
        self._schedule.step()
        self._mean.update_parameters(self._tuned)

    def look(self, rows: np.ndarray) -> dict[str, float]:
        """What the averaged network says of rated photos: log loss and share right of the groups."""
        rated = rows[self._labels.albums[rows] >= 0]
        said = self.outputs(rated, 1.0)[1]
        found, start = {}, 0
        for group, truth in list(zip(VOCABULARY, self._labels.truth[rated].T, strict=True))[:_CHOSEN]:
            p = said[:, start : start + len(VOCABULARY[group])]
            start += p.shape[1]
            found[group] = round(float((p.argmax(1) == truth).mean()), 4)
            loss = -np.log(np.maximum(p[np.arange(len(p)), truth], 1e-9)).mean()
            found["loss"] = round(found.get("loss", 0.0) + float(loss) / _CHOSEN, 4)
        hero, albums = self._labels.hero[rated], self._labels.albums[rated]
        better, worse = np.nonzero((albums[:, None] == albums) & (hero[:, None] > hero))
        found["pairs"] = round(float((said[better, -1] > said[worse, -1]).mean()), 4)
        return found

    def at(self, strength: float) -> Any:  # noqa: ANN401 - torch is untyped
        """Network and heads between the original weights (0) and the tuned ones (1)."""
        mixed = deepcopy(self._begun)
        with torch.no_grad():
            for tensor, tuned in zip(mixed.parameters(), self._mean.module.parameters(), strict=True):
                tensor.lerp_(tuned, strength)
        return mixed

    def outputs(self, rows: np.ndarray, strength: float) -> tuple[np.ndarray, np.ndarray]:
        """Embeddings [n, 2, e] of wholes and crops; the probability of each attribute, then appeal."""
        mixed = self.at(strength)
        embeddings = self._original.embedded(mixed["network"], rows)
        with torch.inference_mode():
            groups, appeal = mixed["heads"](self._there(self._cues(embeddings, rows)))
            said = torch.cat([*(one.softmax(1) for one in groups), appeal[:, None]], 1)
        return embeddings, said.cpu().numpy()

    def _rated_loss(self, x: Any, rows: np.ndarray) -> Any:  # noqa: ANN401 - torch is untyped
        """Of what people said of some photos."""
        known = np.flatnonzero(self._labels.albums[rows] >= 0)
        if not len(known):
            return x.sum() * 0
        rows, x = rows[known], x[self._there(known)]
        groups, appeal = self._tuned["heads"](torch.cat([x, self._context[self._there(rows)]], 1))
        truth, albums = self._there(self._labels.truth[rows]), self._there(self._labels.albums[rows])
        attributes = sum(
            weight * functional.cross_entropy(said, told, label_smoothing=SMOOTHING)
            for said, told, weight in zip(groups, truth.T, IMPORTANCE.values(), strict=True)
        )
        wrong = _centred(appeal - self._hero[self._there(rows)], albums)
        projected = functional.linear(x, self._tuned["heads"].look)
        looks = _looks_loss(projected, self._there(self._labels.looks[rows]), albums)
        return (
            self._arm.attributes * attributes + self._arm.hero * (wrong**2).mean() + self._arm.looks * looks
        )

    def _there(self, values: np.ndarray) -> Any:  # noqa: ANN401
        return torch.from_numpy(values).to(self._original.device)

    def _cues(self, embeddings: np.ndarray, rows: np.ndarray) -> np.ndarray:
        x = features(embeddings[:, 0], embeddings[:, 1])
        return np.concatenate([x, self._labels.context[rows]], 1).astype(np.float32)


def _rates(tuned: Any, arm: Arm) -> list[dict[str, Any]]:  # noqa: ANN401 - torch is untyped
    """The heads' rate, and the network's by depth: a share less for each stage below the last one."""
    network = tuned["network"]
    depth = len(network.blocks)
    groups: list[dict[str, Any]] = [{"params": list(tuned["heads"].parameters()), "lr": HEAD_RATE}]
    stages: list[tuple[int, list[Any]]] = [
        (depth + 1, [network.conv_stem, network.bn1]),
        (0, [network.conv_head, network.bn2]),
    ]
    stages += [(depth - place, [stage]) for place, stage in enumerate(network.blocks)]
    for below, layers in stages:
        tensors = [tensor for layer in layers for tensor in layer.parameters()]
        groups.append({"params": tensors, "lr": arm.rate * arm.falling**below})
    return groups


def _centred(values: Any, albums: Any) -> Any:  # noqa: ANN401 - torch is untyped
    """Values less the mean of their album."""
    same = (albums[:, None] == albums).float()
    return values - same @ values / same.sum(1)


def _looks_loss(vectors: Any, looks: Any, albums: Any) -> Any:  # noqa: ANN401 - torch is untyped
    """Contrastive, among photos of an album, by the distances and the temperature of the head of looks."""
    distance = ((vectors[:, None] - vectors) ** 2).sum(2) / (4 * LOOK_TEMPERATURE)
    other = (albums[:, None] != albums) | torch.eye(len(looks), dtype=torch.bool, device=looks.device)
    log_share = functional.log_softmax((-distance).masked_fill(other, _BARRED), dim=1)
    own = (looks[:, None] == looks) & ~other
    count = own.sum(1)
    return -((log_share * own).sum(1) / count.clamp_min(1)).sum() / (count > 0).sum().clamp_min(1)


def _parameter(values: np.ndarray) -> Any:  # noqa: ANN401 - torch is untyped
    return torch.nn.Parameter(torch.from_numpy(np.ascontiguousarray(values, np.float32)))
