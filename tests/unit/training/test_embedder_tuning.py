"""Tuning a tail: it learns what it is told, keeps what it knew, and comes back from its file unchanged."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra 'training' is not installed")
pytest.importorskip("onnx", reason="the extra 'training' is not installed")

from sploot_media_clustering.domain.album import WHOLE, PhotoEmbedding, SightingEmbedding  # noqa: E402
from sploot_media_clustering.training.cross_fitting import re_embedded  # noqa: E402
from sploot_media_clustering.training.embedder_folds import tuned_networks  # noqa: E402
from sploot_media_clustering.training.embedder_loss import contrastive_loss  # noqa: E402
from sploot_media_clustering.training.embedder_sampling import Recipe, TrunkFeatures, told_apart  # noqa: E402
from sploot_media_clustering.training.embedder_tail import (  # noqa: E402
    FEATURES_NAME,
    Tail,
    TailTuning,
    trunk_of,
    with_weights,
)
from sploot_media_clustering.training.embedder_trunk import Runner  # noqa: E402
from sploot_media_clustering.training.embedder_tuning import tune  # noqa: E402
from sploot_media_clustering.training.export_graph import (  # noqa: E402
    PIXELS,
    Convolution,
    Network,
    OnnxGraph,
    Residual,
    same_pads,
)
from sploot_media_clustering.training.fold_tuning import tune_folds  # noqa: E402
from sploot_media_clustering.training.tuned_weights import averaged, interpolated  # noqa: E402

SIDE_PX, CHANNELS, EMBEDDING = 8, 6, 10
LAST = "block10.sum"
RECIPE = Recipe(steps=30, animals=8, photos=4, wholes=2, look_every=10, rate=1e-2, left_out=0.0, keep=1.0)


def convolution(name: str, source: str, shape: tuple[int, ...], stride: int, size_px: int) -> Convolution:
    rng = np.random.default_rng(len(name))
    groups = shape[0] if shape[1] == 1 else 1
    return Convolution(
        name=name,
        source=source,
        weight=rng.normal(0, 1 / np.sqrt(np.prod(shape[1:])), shape),
        bias=rng.normal(0.5, 0.1, shape[0]),
        stride=stride,
        pads=same_pads(size_px, shape[2], stride),
        groups=groups,
        relu6=True,
    )


def network() -> Network:
    """A trunk of one layer and a tail with a stride, a residual and a depthwise layer."""

    def tail(graph: OnnxGraph, tensors: dict[str, str]) -> None:
        pooled = graph.add("GlobalAveragePool", tensors["head"])
        graph.add("Flatten", pooled, out=["embedding"], axis=1)

    return Network(
        name="small",
        input_name="views",
        input_px=SIDE_PX,
        scale=1 / 128,
        zero_point=127,
        layers=(
            convolution(LAST, PIXELS, (CHANNELS, 3, 3, 3), 1, SIDE_PX),
            convolution("down", LAST, (CHANNELS, CHANNELS, 3, 3), 2, SIDE_PX),
            convolution("depthwise", "down", (CHANNELS, 1, 3, 3), 1, SIDE_PX // 2),
            Residual("sum", "depthwise", "down"),
            convolution("head", "sum", (EMBEDDING, CHANNELS, 1, 1), 1, SIDE_PX // 2),
        ),
        tail=tail,
        outputs={"embedding": ["n", EMBEDDING]},
    )


def tuning(features: TrunkFeatures) -> TailTuning:
    return TailTuning(Tail(network()), features, RECIPE.clean_share)


@dataclass(frozen=True)
class Photos:
    """Two sets of ten animals that a colour tells apart, and much else does not."""

    sets: np.ndarray
    animals: np.ndarray
    features: TrunkFeatures


def photos() -> Photos:
    rng = np.random.default_rng(0)
    animals = np.repeat(np.arange(20), 6)
    colour = rng.normal(size=(20, 1, CHANNELS, 1, 1))[animals]
    noise = rng.normal(size=(len(animals), 5, CHANNELS, 1, 1))
    values = np.abs(1.2 * colour + 0.6 * noise + 0.1 * rng.normal(size=(len(animals), 5, CHANNELS, 8, 8)))
    sets = animals // 10
    return Photos(sets, animals, TrunkFeatures(values.astype(np.float16), animals, sets, 2))


def test_trunk_and_tail_together_are_the_network() -> None:
    """The tail has the padding, the groups and the sums of what is exported."""
    views = np.random.default_rng(0).integers(0, 255, (3, SIDE_PX, SIDE_PX, 3), np.uint8)
    trunk = Runner(trunk_of(network()), threads=1)
    tail = Tail(network())
    assert list(trunk_of(network()).outputs) == [FEATURES_NAME]
    parted = tail(tail.batch(trunk(views))).detach().numpy()
    np.testing.assert_allclose(parted, Runner(network(), threads=1)(views), rtol=1e-4, atol=1e-5)


def test_weights_go_back_into_the_network() -> None:
    """What was tuned is what is exported."""
    views = np.random.default_rng(0).integers(0, 255, (2, SIDE_PX, SIDE_PX, 3), np.uint8)
    doubled = {name: 2 * values for name, values in Tail(network()).weights.items()}
    changed = with_weights(network(), doubled)
    tail = Tail(network())
    tail.load(doubled)
    expected = tail(tail.batch(Runner(trunk_of(network()), threads=1)(views))).detach().numpy()
    np.testing.assert_allclose(Runner(changed, threads=1)(views), expected, rtol=1e-4, atol=1e-5)
    assert changed.layers[0] is network().layers[0] or np.array_equal(
        changed.layers[0].weight, network().layers[0].weight
    )


def test_between_original_and_tuned_lies_their_mixture() -> None:
    """0 is the original, 1 the tuned network; the mean of folds is a mean."""
    original, tuned = {"a.weight": np.zeros(2, np.float32)}, {"a.weight": np.ones(2, np.float32)}
    assert interpolated(original, tuned, 0.25)["a.weight"].tolist() == [0.25, 0.25]
    assert averaged([original, tuned])["a.weight"].tolist() == [0.5, 0.5]


def test_the_loss_is_lower_where_an_animals_photos_are_together() -> None:
    """And an animal with a single photo adds nothing."""
    together = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    right, wrong = torch.tensor([0, 0, 1, 1]), torch.tensor([0, 1, 0, 1])
    assert contrastive_loss(together, right, 0.1) < contrastive_loss(together, wrong, 0.1)
    lone = contrastive_loss(together[:3], torch.tensor([0, 0, 1]), 0.1)
    assert torch.isclose(lone, contrastive_loss(together[:3], torch.tensor([0, 0, 2]), 0.1))


def test_tuning_lowers_the_loss_and_stays_near_the_original() -> None:
    """The kept weights are finite, and have moved no further than the pull allows."""
    shown = photos()
    tuned = tune(tuning(shown.features), np.arange(len(shown.animals)), RECIPE)
    assert tuned.looks[-1].loss < tuned.looks[1].loss
    assert all(np.isfinite(values).all() for values in tuned.weights.values())
    assert max(look.distance for look in tuned.looks) < 0.2


def test_the_same_seed_gives_the_same_weights() -> None:
    """A figure can be had again."""
    shown = photos()
    rows = np.arange(len(shown.animals))
    one, two = (tune(tuning(shown.features), rows, RECIPE, seed=3) for _ in range(2))
    assert one.looks[1:] == two.looks[1:]
    assert all(np.array_equal(one.weights[name], two.weights[name]) for name in one.weights)


def test_no_gain_keeps_the_original_and_stops_early() -> None:
    """Steps so large that they destroy everything are not kept."""
    shown = photos()
    reckless = Recipe(
        steps=60, animals=4, photos=3, wholes=2, look_every=2, rate=30.0, patience=2, left_out=0.3
    )
    original = Tail(network()).weights
    tuned = tune(tuning(shown.features), np.arange(len(shown.animals)), reckless)
    assert len(tuned.looks) < 30
    kept = Tail(network())
    kept.load(tuned.weights)
    assert score(kept, shown) >= score(Tail(network()), shown) - 0.05
    assert original.keys() == tuned.weights.keys()


def score(tail: Tail, shown: Photos) -> float:
    with torch.inference_mode():
        vectors = tail(tail.batch(shown.features.values[:, 1])).numpy()
    return told_apart(np.sqrt(vectors), shown.animals)


def test_a_fold_is_tuned_without_its_sets_and_not_done_twice(tmp_path: Path) -> None:
    """What fold 0 left out does not change its weights; a second run reads them from their file."""
    shown = photos()
    tuned = tune_folds(lambda: tuning(shown.features), shown.sets, RECIPE, cache=tmp_path)
    other = shown.features.values.copy()
    other[shown.sets == 0] = 0
    changed = TrunkFeatures(other, shown.animals, shown.sets, 2)
    without = tune_folds(lambda: tuning(changed), shown.sets, RECIPE, cache=tmp_path / "other")
    assert all(np.array_equal(tuned[0].weights[n], without[0].weights[n]) for n in tuned[0].weights)
    assert any(not np.array_equal(tuned[1].weights[n], without[1].weights[n]) for n in tuned[1].weights)
    again = tune_folds(lambda: tuning(changed), shown.sets, RECIPE, cache=tmp_path)
    assert [look.loss for look in again[1].looks[1:]] == [look.loss for look in tuned[1].looks[1:]]
    assert all(np.array_equal(tuned[1].weights[n], again[1].weights[n]) for n in tuned[1].weights)


def test_at_strength_0_every_network_is_the_original(tmp_path: Path) -> None:
    """And the one to ship is the mean of the folds' networks."""
    shown = photos()
    tuned = tune_folds(lambda: tuning(shown.features), shown.sets, RECIPE, cache=tmp_path)
    views = np.random.default_rng(0).integers(0, 255, (2, SIDE_PX, SIDE_PX, 3), np.uint8)
    original = Runner(network(), threads=1)(views)
    same = tuned_networks(network(), {"a": 0, "b": 1}, tuned, strength=0.0)
    for one in (*same.networks, same.final):
        np.testing.assert_allclose(Runner(one, threads=1)(views), original, rtol=1e-5)


def test_a_photo_embedded_again_keeps_its_sightings() -> None:
    """Boxes, species and pixel measures are not the embedder's."""
    sighting = SightingEmbedding(
        WHOLE, np.full(3, 1 / 3, np.float32), 0.9, np.zeros(4, np.float16), np.zeros(5, np.float32)
    )
    photo = PhotoEmbedding("a", None, 10, 10, np.zeros(4, np.float16), (sighting,), "old")
    again = re_embedded(photo, np.array([[1, 1, 1, 1], [2, 2, 2, 2]], np.float32), "new")
    assert again.embedding.tolist() == [1] * 4
    assert again.sightings[0].embedding.tolist() == [2] * 4
    assert again.sightings[0].box == WHOLE
    assert again.network_version == "new"
