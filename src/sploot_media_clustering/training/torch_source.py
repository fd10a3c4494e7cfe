"""Networks built by open_clip's and timm's own code, and weights that fit them to the last tensor.

timm and open_clip leave what a checkpoint lacks at random, with a warning at most; here such a checkpoint is
refused. Checkpoints are data: safetensors, or pickles of which torch reads nothing but tensors.
"""

from __future__ import annotations

import hashlib
import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from sploot_media_clustering.errors import ConfigurationError
from sploot_media_clustering.training.extras import require_extra
from sploot_media_clustering.training.lite_weights import by_timm_names
from sploot_media_clustering.training.torch_recipes import TorchRecipe

NEEDED: Final = ("torch", "timm", "open_clip", "onnx", "onnxscript", "safetensors")
"""Modules of the extra ``recipes``."""
_HUB_FILES: Final = {
    "open_clip": ("open_clip_model.safetensors", "open_clip_pytorch_model.bin"),
    "timm": ("model.safetensors", "pytorch_model.bin"),
}
_SEED: Final = 0
_SAID_CHARACTERS: Final = 400


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A network as it was published.

    Attributes:
        module: planes of floats [n, 3, s, s] to vectors [n, e]; a ``torch.nn.Module``.
        origin: of the weights, for people.
        random_weights: it was never trained.
    """

    module: Any
    origin: str
    random_weights: bool


def open_source(recipe: TorchRecipe, weights: Path | None = None, *, random_weights: bool = False) -> Source:
    """Build a network and give it its weights.

    Args:
        recipe: of the network.
        weights: a file of them; else they come from the hub, or from what was fetched of it before.
        random_weights: leave it untrained, to try speed and memory.

    Raises:
        MissingExtraError: the extra ``recipes`` is not installed.
        ConfigurationError: there are no weights, or they are not exactly those of the network.
    """
    require_extra("recipes", NEEDED)
    torch = import_module("torch")
    torch.manual_seed(_SEED)
    with quiet():
        whole = _built(recipe)
        if random_weights:
            return Source(_image_tower(recipe, whole), f"random weights, seed {_SEED}", random_weights=True)
        file = weights or _fetched(recipe)
        try:
            _load(recipe, whole, file)
        except Exception as error:  # torch, timm and safetensors have a dozen classes for it
            raise ConfigurationError(
                f"expected {file} to hold the weights of {recipe.name}, every tensor of them and no other, "
                f"got: {_short(error)}; name the right file with --weights"
            ) from error
    told = f"{file.name}, SHA-256 {_digest(file)}"
    origin = f"https://huggingface.co/{recipe.hub}: {told}" if weights is None else told
    return Source(_image_tower(recipe, whole), origin, random_weights=False)


@contextmanager
def quiet() -> Iterator[None]:
    """Without the warnings of libraries about themselves."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _built(recipe: TorchRecipe) -> Any:  # noqa: ANN401 - of an extra
    if recipe.built_by == "open_clip":
        open_clip = import_module("open_clip")
        return open_clip.create_model(recipe.architecture, pretrained=None, load_weights=False).eval()
    timm = import_module("timm")
    trained_px = timm.get_pretrained_cfg(recipe.architecture).input_size[-1]
    size = {} if recipe.scalable or trained_px == recipe.input_px else {"img_size": recipe.input_px}
    return timm.create_model(recipe.architecture, pretrained=False, num_classes=0, **size).eval()


def _image_tower(recipe: TorchRecipe, whole: Any) -> Any:  # noqa: ANN401
    return whole.visual if recipe.built_by == "open_clip" else whole


def _load(recipe: TorchRecipe, whole: Any, file: Path) -> None:  # noqa: ANN401
    if recipe.built_by == "open_clip":
        import_module("open_clip").load_checkpoint(whole, str(file), strict=True, weights_only=True)
        return
    tensors = import_module("timm.models").load_state_dict(str(file), use_ema=False, weights_only=True)
    convert = getattr(sys.modules[type(whole).__module__], "checkpoint_filter_fn", None)
    if convert is not None:  # other names of the same tensors, positions for another size
        tensors = convert(tensors, whole)
    if recipe.scalable:
        tensors = by_timm_names(tensors, whole)
    classifier = whole.pretrained_cfg.get("classifier", "")
    wanted = {name: value for name, value in tensors.items() if name.rpartition(".")[0] != classifier}
    whole.load_state_dict(wanted, strict=True)


def _fetched(recipe: TorchRecipe) -> Path:
    """The file of the weights, from the hub or from its cache."""
    hub = import_module("huggingface_hub")
    reasons = []
    for name in _HUB_FILES[recipe.built_by]:
        try:
            return Path(hub.hf_hub_download(recipe.hub, name))
        except hub.errors.EntryNotFoundError as error:
            reasons.append(_short(error))
            if isinstance(error, hub.errors.LocalEntryNotFoundError):
                break  # there is no way to the hub, and it would take as long to learn that of the next
        except Exception as error:  # noqa: BLE001 - of the hub, of HTTP, of the system
            reasons.append(_short(error))
            break
    raise ConfigurationError(
        f"expected the weights of {recipe.name} from {recipe.hub} of the hub, got: {reasons[-1]}; fetch "
        f"{_HUB_FILES[recipe.built_by][0]} where there is a network, and name it with --weights, "
        "or try speed and memory with --random-weights"
    )


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _short(error: Exception) -> str:
    said = " ".join(str(error).split()) or type(error).__name__
    return said if len(said) <= _SAID_CHARACTERS else f"{said[:_SAID_CHARACTERS]} ..."
