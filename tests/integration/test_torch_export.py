"""Networks of open_clip and timm exported both ways. Needs the extra ``recipes``.

The code that builds them is the libraries' own; small ones of it, with random weights.
"""

from __future__ import annotations

import hashlib
import json
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from sploot_media_clustering.adapters.placement import Execution
from sploot_media_clustering.entrypoints.cli.torch_export import Told, export_named
from sploot_media_clustering.errors import ConfigurationError, ModelPackageError
from sploot_media_clustering.services.manifest import Precision
from sploot_media_clustering.services.parity import NEEDED, drawn_pictures
from sploot_media_clustering.training import torch_export
from sploot_media_clustering.training.torch_export import Format, source_vectors
from sploot_media_clustering.training.torch_recipes import RECIPES, TorchRecipe
from sploot_media_clustering.training.torch_source import Source, open_source, quiet

WHY = "needs the extra recipes"
torch = pytest.importorskip("torch", reason=WHY)
timm = pytest.importorskip("timm", reason=WHY)
open_clip = pytest.importorskip("open_clip", reason=WHY)
safetensors_torch = pytest.importorskip("safetensors.torch", reason=WHY)
pytest.importorskip("onnxscript", reason=WHY)

# torch.export and torch.jit warn of what they themselves will do otherwise one day.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

TINY_TEXT = {"context_length": 8, "vocab_size": 64, "width": 32, "heads": 2, "layers": 1}
TINY_CLIPS = {
    "tiny-clip": {
        "embed_dim": 48,
        "vision_cfg": {"image_size": 64, "layers": 2, "width": 64, "head_width": 32, "patch_size": 16},
        "text_cfg": TINY_TEXT,
    },
    "tiny-timm-clip": {  # as EVA02-CLIP is built
        "embed_dim": 48,
        "vision_cfg": {
            "timm_model_name": "test_vit",
            "timm_model_pretrained": False,
            "timm_pool": "token",
            "timm_proj": None,
            "image_size": 160,
        },
        "text_cfg": TINY_TEXT,
    },
}


def recipe(
    built_by: Literal["open_clip", "timm"], architecture: str, input_px: int, dimension: int
) -> TorchRecipe:
    return TorchRecipe(
        name=architecture.replace("_", "-"),
        built_by=built_by,
        architecture=architecture,
        hub="nobody/nothing",
        input_px=input_px,
        dimension=dimension,
        parameters_m=0.1,
        licence="CC0-1.0",
        mean=(0.4, 0.5, 0.6),
        deviation=(0.2, 0.25, 0.3),
    )


CLIP = recipe("open_clip", "tiny-clip", 64, 48)
TIMM_CLIP = recipe("open_clip", "tiny-timm-clip", 160, 48)
VIT = recipe("timm", "test_vit", 160, 64)
EFFICIENTNET = recipe("timm", "test_efficientnet", 160, 256)


@pytest.fixture(scope="module", autouse=True)
def tiny_clips(tmp_path_factory: pytest.TempPathFactory) -> None:
    """open_clip knows the small ones as it knows its own."""
    folder = tmp_path_factory.mktemp("configs")
    for name, config in TINY_CLIPS.items():
        (folder / f"{name}.json").write_text(json.dumps(config))
    open_clip.add_model_config(folder)


def told(to: Format, precision: Precision = "fp32", weights: Path | None = None) -> Told:
    return Told(to, precision, weights, weights is None, ())


@pytest.mark.parametrize(
    ("which", "to", "precision"),
    [
        (CLIP, "onnx", "fp32"),
        (CLIP, "onnx", "fp16"),
        (CLIP, "onnx", "int8"),
        (CLIP, "torchscript", "fp32"),
        (CLIP, "torchscript", "fp16"),
        (CLIP, "torchscript", "int8"),
        (TIMM_CLIP, "onnx", "fp32"),
        (TIMM_CLIP, "torchscript", "fp32"),
        (VIT, "onnx", "fp32"),
        (VIT, "torchscript", "fp32"),
        (EFFICIENTNET, "onnx", "fp32"),
        (EFFICIENTNET, "onnx", "fp16"),
        (EFFICIENTNET, "torchscript", "fp32"),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_a_package_gives_the_vectors_of_its_source(
    which: TorchRecipe, to: Format, precision: Precision, tmp_path: Path
) -> None:
    """Alone, together and as the manifest says; nothing but the package is left behind."""
    package = export_named(which, told(to, precision), tmp_path / "package")
    parity = package.manifest.parity
    assert parity is not None
    assert (parity.precision, parity.random_weights, parity.drawn) == (precision, True, True)
    assert parity.least_cosine >= NEEDED[precision]
    assert "random" in package.manifest.name
    assert [path.name for path in tmp_path.iterdir()] == ["package"]

    views = drawn_pictures(which.input_px)[:11]
    expected = source_vectors(open_source(which, random_weights=True), which, views)
    assert expected.shape[1] == which.dimension
    trusted = frozenset({package.manifest.file(package.manifest.embedder.file).sha256})
    embedder = package.open_embedder(threads=1, execution=Execution(trusted=trusted))
    together = embedder.embed(views).embeddings
    alone = np.concatenate([embedder.embed(view[None]).embeddings for view in views[:3]])
    scale = np.linalg.norm(together[:3], axis=1).max()
    np.testing.assert_allclose(
        together[:3] / scale, alone / scale, atol=1e-4 if precision != "fp16" else 1e-3
    )
    signed = together if together.shape[1] == which.dimension else np.subtract(*np.split(together, 2, axis=1))
    cosines = (signed * expected).sum(1) / np.linalg.norm(signed, axis=1) / np.linalg.norm(expected, axis=1)
    assert cosines.min() >= NEEDED[precision]


def test_an_export_that_differs_is_no_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is written, and the message says how far off it was."""

    def another(*_: object) -> np.ndarray:
        return np.random.default_rng(0).normal(size=(16, CLIP.dimension)).astype(np.float32)

    monkeypatch.setattr("sploot_media_clustering.entrypoints.cli.torch_export.source_vectors", another)
    with pytest.raises(ModelPackageError, match="expected a cosine of at least"):
        export_named(CLIP, told("torchscript"), tmp_path / "package")
    assert list(tmp_path.iterdir()) == []


def whole(which: TorchRecipe) -> Any:  # noqa: ANN401 - of a library without types
    """The network with weights that nobody else has, its text tower or classifier with it."""
    torch.manual_seed(7)
    with quiet():
        if which.built_by == "timm":
            return timm.create_model(which.architecture, pretrained=False).eval()
        return open_clip.create_model(which.architecture, pretrained=None, load_weights=False).eval()


def saved(tensors: dict[str, Any], file: Path) -> Path:
    if file.suffix == ".safetensors":
        safetensors_torch.save_file(tensors, str(file))
    else:
        torch.save(tensors, file)
    return file


@pytest.mark.parametrize("which", [CLIP, TIMM_CLIP, VIT, EFFICIENTNET], ids=lambda one: one.name)
@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
def test_weights_of_a_file_are_those_that_are_used(which: TorchRecipe, suffix: str, tmp_path: Path) -> None:
    """The text tower or the classifier that published files have beside them does no harm."""
    trained = whole(which)
    file = saved(dict(trained.state_dict()), tmp_path / f"weights{suffix}")
    source = open_source(which, file)
    tower = trained.visual if which.built_by == "open_clip" else trained
    expected = {
        name: value for name, value in tower.state_dict().items() if name in source.module.state_dict()
    }
    assert expected.keys() == source.module.state_dict().keys()
    assert all(torch.equal(value, source.module.state_dict()[name]) for name, value in expected.items())
    assert hashlib.sha256(file.read_bytes()).hexdigest() in source.origin
    assert not source.random_weights


@pytest.mark.parametrize("which", [CLIP, TIMM_CLIP, VIT, EFFICIENTNET], ids=lambda one: one.name)
@pytest.mark.parametrize("wrong", ["missing", "surplus", "shape"])
def test_weights_that_do_not_all_match_are_refused(which: TorchRecipe, wrong: str, tmp_path: Path) -> None:
    """What a file lacks would else stay random, and nobody would notice."""
    tower = "visual." if which.built_by == "open_clip" else ""
    tensors = dict(whole(which).state_dict())
    name = next(name for name, value in tensors.items() if name.startswith(tower) and value.ndim > 1)
    if wrong == "missing":
        del tensors[name]
    elif wrong == "surplus":
        tensors[f"{tower}another.weight"] = tensors[name].clone()
    else:
        tensors[name] = tensors[name][:-1].clone()
    file = saved(tensors, tmp_path / "weights.safetensors")
    with pytest.raises(ConfigurationError, match="every tensor of them and no other") as caught:
        open_source(which, file)
    assert wrong == "shape" or (name if wrong == "missing" else "another") in str(caught.value)


def test_positions_are_resampled_for_another_size(tmp_path: Path) -> None:
    """As DINOv2's, whose weights are for 518 pixels."""
    file = saved(dict(whole(VIT).state_dict()), tmp_path / "weights.safetensors")
    smaller = replace(VIT, input_px=128)
    vectors = source_vectors(open_source(smaller, file), smaller, drawn_pictures(128))
    assert vectors.shape == (16, VIT.dimension)


class Trap:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path(Trap.mark),))

    mark = ""


@pytest.mark.parametrize("which", [CLIP, VIT], ids=lambda one: one.name)
def test_pickles_run_nothing(which: TorchRecipe, tmp_path: Path) -> None:
    """A checkpoint that would do something is refused, and has not done it."""
    Trap.mark = str(tmp_path / "done")
    file = tmp_path / "weights.pt"
    torch.save({"state_dict": Trap()}, file)
    with pytest.raises(ConfigurationError, match=r"expected .*weights\.pt to hold the weights"):
        open_source(which, file)
    (tmp_path / "plain.pt").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(ConfigurationError, match=r"expected .*plain\.pt to hold the weights"):
        open_source(which, tmp_path / "plain.pt")
    assert not Path(Trap.mark).exists()


@pytest.mark.parametrize("which", [CLIP, VIT], ids=lambda one: one.name)
def test_without_a_hub_or_a_file_one_sentence_says_so(
    which: TorchRecipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It names the hub's repository and both ways out."""
    hub = pytest.importorskip("huggingface_hub")

    def unreachable(*_: object) -> str:
        raise hub.errors.LocalEntryNotFoundError("no way there")

    monkeypatch.setattr(hub, "hf_hub_download", unreachable)
    with pytest.raises(ConfigurationError) as caught:
        open_source(which)
    said = str(caught.value)
    assert "nobody/nothing of the hub, got: no way there" in said
    assert "--weights" in said
    assert "--random-weights" in said
    assert "\n" not in said


def test_what_does_not_fit_is_told_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """8 bits for a network without matrices; an ONNX file beyond its limit."""
    with pytest.raises(ConfigurationError, match="int8 is for linear layers"):
        export_named(EFFICIENTNET, told("onnx", "int8"), tmp_path / "package")
    monkeypatch.setattr(torch_export, "_MOST_ONNX_BYTES", 1000)
    with pytest.raises(ConfigurationError, match="an ONNX file holds 2 GB; use --precision fp16"):
        export_named(CLIP, told("onnx"), tmp_path / "package")
    assert not (tmp_path / "package").exists()


@pytest.mark.parametrize("one", RECIPES, ids=lambda one: one.name)
def test_the_table_says_what_the_libraries_say(one: TorchRecipe) -> None:
    """Size, dimension and preprocessing of every recipe, without its weights."""
    with quiet(), torch.device("meta"):
        if one.built_by == "open_clip":
            module = open_clip.create_model(
                one.architecture, pretrained=None, load_weights=False, device="meta"
            ).visual
            config = open_clip.get_pretrained_cfg(one.architecture, one.weights)
            dimension = open_clip.get_model_config(one.architecture)["embed_dim"]
            assert config["hf_hub"].strip("/") == one.hub
            size_px = module.image_size[0]
        else:
            module = timm.create_model(one.architecture, pretrained=False, num_classes=0)
            config = timm.get_pretrained_cfg(one.architecture).to_dict()
            dimension = module.num_features
            assert config["hf_hub_id"] == one.hub
            size_px = config["input_size"][-1]
    parameters = sum(tensor.numel() for tensor in module.parameters())
    assert round(parameters / 1e6, 1) == one.parameters_m
    assert dimension == one.dimension
    assert (tuple(config["mean"]), tuple(config["std"])) == (one.mean, one.deviation)
    assert size_px == (518 if one.name.startswith("dinov2") else one.input_px)


def test_a_source_says_whether_it_was_trained() -> None:
    """Nobody may take random vectors for good ones."""
    source: Source = open_source(VIT, random_weights=True)
    assert source.random_weights
    assert "random" in source.origin
