"""Which tensors of a PyTorch network are tuned: small ones beside its matrices, its last blocks, or all.

LoRA (Hu et al. 2021, arXiv:2106.09685) leaves every matrix W as it is and learns B A of a low rank beside it;
afterwards W + B A takes its place, and nothing is slower than before. Matrices are those of linear layers,
of attention, and of convolutions of one pixel, which is where an EfficientNet has nearly all its weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from importlib import import_module
from typing import Any, Final

import numpy as np
import torch

from sploot_media_clustering.errors import ConfigurationError
from sploot_media_clustering.training.torch_source import quiet
from sploot_media_clustering.training.tuned_weights import Weights
from sploot_media_clustering.training.tuning_method import Method

_BLOCK_LISTS: Final = ("blocks", "resblocks")
"""What timm and open_clip call them."""
_SEED: Final = 0


def prepared(module: Any, method: Method) -> Any:  # noqa: ANN401 - torch is untyped
    """A copy of a network in which what is tuned takes gradients, and nothing else does.

    Args:
        module: the original one, which stays as it is.
        method: how.

    Raises:
        ConfigurationError: there is nothing of that kind in it.
    """
    copied = deepcopy(module).eval()
    if method.name == "lora":
        return _with_adapters(copied, method)
    tuned = _from_block(copied, method.blocks) if method.name == "blocks" else None
    for name, tensor in copied.named_parameters():
        tensor.requires_grad_(tuned is None or name in tuned)
    return copied


def tuned_tensors(module: Any) -> dict[str, Any]:  # noqa: ANN401 - torch is untyped
    """The tensors of a prepared network that take gradients, by name."""
    return {name: tensor for name, tensor in module.named_parameters() if tensor.requires_grad}


def merged(module: Any, method: Method, weights: Weights) -> Weights:  # noqa: ANN401 - torch is untyped
    """All parameters of the original network as tuning leaves them, by their names there.

    Args:
        module: from :func:`prepared`.
        method: how it was.
        weights: tuned tensors, by their names in ``module``.
    """
    tuned = deepcopy(module)
    put(tuned, weights)
    return weights_of(tuned.merge_and_unload() if method.name == "lora" else tuned)


def weights_of(module: Any) -> Weights:  # noqa: ANN401 - torch is untyped
    """A copy of all parameters."""
    return {name: tensor.detach().float().cpu().numpy().copy() for name, tensor in module.named_parameters()}


def put(module: Any, weights: Weights) -> None:  # noqa: ANN401 - torch is untyped
    """Give some tensors of a network other values."""
    tensors: Mapping[str, Any] = dict(module.named_parameters())
    with torch.no_grad():
        for name, values in weights.items():
            tensors[name].copy_(torch.from_numpy(np.ascontiguousarray(values)))


def _with_adapters(module: Any, method: Method) -> Any:  # noqa: ANN401 - torch is untyped
    peft = import_module("peft")
    matrices = [name for name, layer in module.named_modules() if _is_matrix(layer)]
    attention = [
        name for name, layer in module.named_modules() if isinstance(layer, torch.nn.MultiheadAttention)
    ]
    # What is inside of an attention layer of PyTorch's own is reached through that layer alone.
    targets = [name for name in matrices if name.rpartition(".")[0] not in attention] + attention
    if not targets:
        raise ConfigurationError("expected a network with matrices for LoRA, got one without; try blocks")
    config = peft.LoraConfig(r=method.rank, lora_alpha=method.alpha, target_modules=targets, bias="none")
    with quiet(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(_SEED)
        return peft.get_peft_model(module, config).eval()


def _is_matrix(layer: Any) -> bool:  # noqa: ANN401 - torch is untyped
    if isinstance(layer, torch.nn.Conv2d):
        return layer.kernel_size == (1, 1) and layer.groups == 1
    return isinstance(layer, torch.nn.Linear)


def _from_block(module: Any, count: int) -> frozenset[str]:  # noqa: ANN401 - torch is untyped
    """Names of the parameters of the last blocks, and of what is behind them."""
    blocks = _blocks(module)
    if count > len(blocks):
        raise ConfigurationError(f"expected at most {len(blocks)} blocks of this network, got {count}")
    names = [name for name, _ in module.named_parameters()]
    first = next(place for place, name in enumerate(names) if name.startswith(f"{blocks[-count]}."))
    return frozenset(names[first:])


def _blocks(module: Any) -> list[str]:  # noqa: ANN401 - torch is untyped
    """Names of the blocks, in order; stages are taken apart."""
    lists = (
        (name, layer) for name, layer in module.named_modules() if name.rpartition(".")[2] in _BLOCK_LISTS
    )
    found = next(lists, None)
    if found is None:
        raise ConfigurationError(
            f"expected a network whose blocks are called {' or '.join(_BLOCK_LISTS)}, got another; try LoRA"
        )
    name, layer = found
    blocks = []
    for child_name, child in layer.named_children():
        stage = isinstance(child, torch.nn.Sequential)
        inner = [f".{grandchild}" for grandchild, _ in child.named_children()] if stage else [""]
        blocks += [f"{name}.{child_name}{one}" for one in inner]
    return blocks
