"""What somebody says of a network of their own, so that it becomes a model package: a TOML file."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from sploot_media_clustering.errors import ConfigurationError

_Triple = tuple[float, float, float]


class NetworkRecipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A network, and what has to be done around it.

    Attributes:
        name: of the package.
        version: of the package under that name.
        network: its file, ``.onnx`` or TorchScript (``.pt``, ``.ts``), relative to the recipe.
        input_px: side of the square picture that it takes.
        mean: of red, green and blue in [0, 1], subtracted.
        deviation: by which they are divided then.
        layout: ``nchw``, channels first, or ``nhwc``.
        input: of ONNX, the input's name; where there is one only, it need not be said.
        output: of ONNX, the output that is used; the same holds.
        pooling: of tokens or planes; ``none`` where the output is one vector a picture.
        licence: SPDX identifier of the weights.
        origin: where they came from.
        description: a sentence.
    """

    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
    network: str
    input_px: Annotated[int, msgspec.Meta(ge=16, le=2048)]
    licence: str
    origin: str
    version: str = "1"
    mean: _Triple = (0.0, 0.0, 0.0)
    deviation: _Triple = (1.0, 1.0, 1.0)
    layout: Literal["nchw", "nhwc"] = "nchw"
    input: str = ""
    output: str = ""
    pooling: Literal["none", "first", "mean"] = "none"
    description: str = ""


def read_recipe(data: bytes) -> NetworkRecipe:
    """Read a recipe.

    Raises:
        ConfigurationError: something is missing, unknown, or of another type.
    """
    try:
        return msgspec.toml.decode(data, type=NetworkRecipe)
    except (msgspec.MsgspecError, ValueError) as error:
        raise ConfigurationError(f"expected a recipe in TOML, but {error}; see docs/models.md") from error
