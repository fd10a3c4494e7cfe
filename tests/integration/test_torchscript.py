"""The same network as ONNX and as TorchScript. Needs the extra ``torch``."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
from onnx_writer import mean_network

from sploot_media_clustering.adapters.model_package import default_package
from sploot_media_clustering.adapters.package_export import export_network
from sploot_media_clustering.adapters.placement import Execution
from sploot_media_clustering.services.network_recipe import NetworkRecipe

torch = pytest.importorskip("torch", reason="needs the extra torch")

# PyTorch develops torch.export in its place.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")

SIDE_PX = 32


def test_both_give_the_same_vectors(tmp_path: Path) -> None:
    """What runs a network changes its version, but not what it computes."""

    class Means(torch.nn.Module):  # type: ignore[misc, name-defined]
        def forward(self, pixels: object) -> object:
            return (pixels * 2.0).mean(dim=(2, 3))

    script = io.BytesIO()
    torch.jit.save(torch.jit.trace(Means(), torch.zeros(2, 3, SIDE_PX, SIDE_PX)), script)
    views = np.random.default_rng(0).integers(0, 256, (11, SIDE_PX, SIDE_PX, 3), np.uint8)
    seen, versions = [], set()
    for file, data in (("means.onnx", mean_network(SIDE_PX, 2.0)), ("means.pt", script.getvalue())):
        (tmp_path / file).write_bytes(data)
        recipe = NetworkRecipe(
            name="means",
            network=file,
            input_px=SIDE_PX,
            mean=(0.4, 0.5, 0.6),
            licence="CC0-1.0",
            origin="written by hand",
        )
        package = export_network(recipe, tmp_path, default_package(), tmp_path / f"package-{file}")
        trusting = Execution(trusted=frozenset({hashlib.sha256(data).hexdigest()}))
        embedder = package.open_embedder(threads=1, execution=trusting)
        together = embedder.embed(views)
        alone = np.concatenate([embedder.embed(view[None]).embeddings for view in views])
        np.testing.assert_allclose(together.embeddings, alone, atol=1e-4)
        seen.append(together)
        versions.add(package.network_version)
    np.testing.assert_allclose(seen[0].embeddings, seen[1].embeddings, atol=1e-5)
    np.testing.assert_array_equal(seen[0].species, seen[1].species)
    assert len(versions) == 2
