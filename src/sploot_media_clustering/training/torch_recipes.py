"""Networks of open_clip and timm that ``model export`` knows by name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

from sploot_media_clustering.errors import ConfigurationError

_Triple = tuple[float, float, float]

_IMAGENET: Final = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_OPENAI: Final = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
_HALVES: Final = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
_YES: Final = "yes"
_DINOV3: Final = "on the terms of its licence"


@dataclass(frozen=True, slots=True, kw_only=True)
class TorchRecipe:
    """A network, and what has to be done around it.

    Attributes:
        name: as the command takes it.
        built_by: whose code builds it.
        architecture: the library's name for it; timm's names its weights too.
        weights: open_clip's name for them.
        hub: repository of the weights on the Hugging Face hub.
        input_px: side of the picture.
        dimension: of the vector.
        parameters_m: millions of parameters of the image tower.
        licence: SPDX identifier of the weights.
        commercial: whether they may be used commercially.
        mean: of red, green and blue in [0, 1], subtracted.
        deviation: by which they are divided then.
    """

    name: str
    built_by: Literal["open_clip", "timm"]
    architecture: str
    hub: str
    input_px: int
    dimension: int
    parameters_m: float
    licence: str
    mean: _Triple
    deviation: _Triple
    weights: str = ""
    commercial: str = _YES

    @property
    def scalable(self) -> bool:
        """Whether pictures may be of another size as it is: of EfficientNet, which has convolutions alone."""
        return "efficientnet" in self.architecture


def _clip(
    name: str, architecture: str, weights: str, hub: str, dimension: int, parameters_m: float
) -> TorchRecipe:
    return TorchRecipe(
        name=name,
        built_by="open_clip",
        architecture=architecture,
        weights=weights,
        hub=hub,
        input_px=224,
        dimension=dimension,
        parameters_m=parameters_m,
        licence="MIT",
        mean=_OPENAI[0],
        deviation=_OPENAI[1],
    )


def _timm(
    name: str, architecture: str, input_px: int, dimension: int, parameters_m: float, **told: str
) -> TorchRecipe:
    mean, deviation = _IMAGENET if name.startswith("dino") else _HALVES
    return TorchRecipe(
        name=name,
        built_by="timm",
        architecture=architecture,
        hub=f"timm/{architecture}",
        input_px=input_px,
        dimension=dimension,
        parameters_m=parameters_m,
        licence=told.get("licence", "Apache-2.0"),
        commercial=told.get("commercial", _YES),
        mean=mean,
        deviation=deviation,
    )


def _dinov3(size: str, dimension: int, parameters_m: float) -> TorchRecipe:
    return _timm(
        f"dinov3-{size[0]}",
        f"vit_{size}_patch16_dinov3.lvd1689m",
        256,
        dimension,
        parameters_m,
        licence="LicenseRef-DINOv3",
        commercial=_DINOV3,
    )


RECIPES: Final = (
    _clip(
        "clip-vit-b-32", "ViT-B-32", "laion2b_s34b_b79k", "laion/CLIP-ViT-B-32-laion2B-s34B-b79K", 512, 87.8
    ),
    _clip(
        "clip-vit-h-14", "ViT-H-14", "laion2b_s32b_b79k", "laion/CLIP-ViT-H-14-laion2B-s32B-b79K", 1024, 632.1
    ),
    _clip(
        "eva02-clip-b-16",
        "EVA02-B-16",
        "merged2b_s8b_b131k",
        "timm/eva02_base_patch16_clip_224.merged2b_s8b_b131k",
        512,
        86.3,
    ),
    _clip(
        "eva02-clip-l-14",
        "EVA02-L-14",
        "merged2b_s4b_b131k",
        "timm/eva02_large_patch14_clip_224.merged2b_s4b_b131k",
        768,
        304.1,
    ),
    _timm("dinov2-s", "vit_small_patch14_dinov2.lvd142m", 224, 384, 22.1),
    _timm("dinov2-b", "vit_base_patch14_dinov2.lvd142m", 224, 768, 86.6),
    _timm("dinov2-l", "vit_large_patch14_dinov2.lvd142m", 224, 1024, 304.4),
    _dinov3("small", 384, 21.6),
    _dinov3("base", 768, 85.6),
    _dinov3("large", 1024, 303.1),
    _timm("siglip-b-16", "vit_base_patch16_siglip_224.webli", 224, 768, 92.9),
    _timm("siglip2-b-16", "vit_base_patch16_siglip_224.v2_webli", 224, 768, 92.9),
    _timm("siglip2-so400m-14", "vit_so400m_patch14_siglip_224.v2_webli", 224, 1152, 427.7),
    _timm("efficientnet-lite0", "tf_efficientnet_lite0.in1k", 224, 1280, 3.4),
    _timm("efficientnet-lite2", "tf_efficientnet_lite2.in1k", 260, 1280, 4.8),
    _timm("efficientnet-lite4", "tf_efficientnet_lite4.in1k", 380, 1280, 11.7),
)
"""DINOv2 is taken at 224 pixels in place of the 518 of its training, which take seven times as long."""


def recipe_named(name: str) -> TorchRecipe:
    """The recipe of a name.

    Raises:
        ConfigurationError: there is none.
    """
    found = next((recipe for recipe in RECIPES if recipe.name == name), None)
    if found is None:
        raise ConfigurationError(
            f"expected one of {', '.join(one.name for one in RECIPES)} (or, of 'model export', a TOML file "
            f"about a network of your own), got {name!r}"
        )
    return found


def sized(recipe: TorchRecipe, input_px: int | None) -> TorchRecipe:
    """The recipe for pictures of another size; None: as it is.

    Raises:
        ConfigurationError: the network takes one size alone.
    """
    if input_px in {None, recipe.input_px}:
        return recipe
    if not recipe.scalable:
        raise ConfigurationError(
            f"expected pictures of {recipe.input_px} pixels for {recipe.name}, got --input-px {input_px}"
        )
    return replace(recipe, input_px=input_px)
