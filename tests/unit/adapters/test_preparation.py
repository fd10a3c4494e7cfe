"""What a network gives becomes one vector a view."""

from __future__ import annotations

import numpy as np
import pytest

from sploot_media_clustering.adapters.preparation import pooled
from sploot_media_clustering.errors import ModelPackageError
from sploot_media_clustering.services.manifest import Preparation

RECIPE = Preparation(
    input="",
    output="",
    mean=(0.5, 0.5, 0.5),
    deviation=(0.2, 0.2, 0.2),
    layout="nchw",
    pooling="first",
    split_signs=False,
)


@pytest.mark.parametrize("shape", [(3, 5), (3, 7, 5)])
def test_vectors_and_tokens_are_pooled(shape: tuple[int, ...]) -> None:
    """One row for each view."""
    assert pooled(np.ones(shape, np.float32), RECIPE, views=3, file="embedder.pt").shape == (3, 5)


@pytest.mark.parametrize("shape", [(), (2, 5), (2, 7, 5), (15,)])
def test_another_number_of_rows_is_told(shape: tuple[int, ...]) -> None:
    """As of TorchScript that was traced with a fixed number of pictures."""
    with pytest.raises(ModelPackageError, match=r"expected an output for each of 3 views.*free first axis"):
        pooled(np.ones(shape, np.float32), RECIPE, views=3, file="embedder.pt")
