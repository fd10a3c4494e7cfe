"""The table of recipes."""

from __future__ import annotations

from pathlib import Path

import pytest

from sploot_media_clustering.errors import ConfigurationError
from sploot_media_clustering.training.torch_recipes import RECIPES, recipe_named

MODELS_PAGE = Path(__file__).parents[3] / "docs" / "models.md"


def test_every_recipe_is_found_by_its_name() -> None:
    """Names are those of one recipe each, and an unknown one is answered with all of them."""
    assert [recipe_named(recipe.name) for recipe in RECIPES] == list(RECIPES)
    with pytest.raises(ConfigurationError, match=r"clip-vit-h-14.*got 'vit-h'"):
        recipe_named("vit-h")


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_the_page_tells_of_every_recipe(recipe: object) -> None:
    """Size, pixels, dimension, licence and use as the table of the code has them."""
    found = recipe_named(recipe.name)  # type: ignore[attr-defined]
    rows = MODELS_PAGE.read_text(encoding="utf-8").splitlines()
    row = next(line for line in rows if line.startswith(f"| `{found.name}` |"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    told = [
        str(found.parameters_m),
        str(found.input_px),
        str(found.dimension),
        found.licence,
        found.commercial,
    ]
    assert [cells[2], *cells[3:5], *cells[-2:]] == told
    assert cells[1] == f"{found.built_by} `{found.architecture}`"
