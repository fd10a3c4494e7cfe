"""What every embedder keeps to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import numpy as np
import pytest
from own_network import own_package
from served_embedder import remote_of, served

from sploot_media_clustering.adapters.model_package import default_package
from sploot_media_clustering.services.canary import canary_picture
from sploot_media_clustering.services.fakes import FakeEmbedder
from sploot_media_clustering.services.ports import Embedder


@pytest.fixture(scope="module", params=["fake", "built-in", "own", "remote fake", "remote built-in"])
def embedder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedder]:
    where, _, which = request.param.rpartition(" ")
    if which == "fake":
        local: Embedder = FakeEmbedder()
    elif which == "own":
        local = own_package(tmp_path_factory.mktemp("own")).open_embedder(threads=1)
    else:
        local = default_package().open_embedder(threads=2)
    if where == "remote":
        with served(local) as url, closing(remote_of(url, local)) as remote:
            yield remote
    else:
        yield local


def views_for(embedder: Embedder, count: int) -> np.ndarray:
    """Different views: a drawing, brighter and brighter, and noise."""
    picture = canary_picture(embedder.input_px)
    noise = np.random.default_rng(0).integers(0, 256, picture.shape, np.uint8)
    return np.stack([np.maximum(picture, 9 * step) for step in range(count - 1)] + [noise])


def test_it_is_an_embedder(embedder: Embedder) -> None:
    """Implementations have all members of the port."""
    assert isinstance(embedder, Embedder)
    assert embedder.version


def test_shapes_and_ranges(embedder: Embedder) -> None:
    """One finite vector a view; species probabilities leave room for "no animal"."""
    seen = embedder.embed(views_for(embedder, 3))
    assert seen.embeddings.shape == (3, embedder.dimension)
    assert seen.embeddings.dtype == seen.species.dtype == np.float32
    assert np.isfinite(seen.embeddings).all()
    assert (seen.species >= 0).all()
    assert (seen.species.sum(axis=1) <= 1 + 1e-6).all()


@pytest.mark.parametrize("count", [2, 8, 11])
def test_a_view_does_not_depend_on_those_beside_it(embedder: Embedder, count: int) -> None:
    """Batches of any size give what single views give, within 1e-4."""
    views = views_for(embedder, count)
    together = embedder.embed(views)
    for place, view in enumerate(views):
        alone = embedder.embed(view[None])
        np.testing.assert_allclose(together.embeddings[place], alone.embeddings[0], atol=1e-4)
        np.testing.assert_allclose(together.species[place], alone.species[0], atol=1e-4)


def test_different_views_differ(embedder: Embedder) -> None:
    """An embedder that gives the same for everything would pass all else."""
    drawing, noise = embedder.embed(views_for(embedder, 2)).embeddings
    assert np.abs(drawing - noise).max() > 0.1


def test_no_views_give_no_vectors(embedder: Embedder) -> None:
    """A photo without animals has no crops."""
    side_px = embedder.input_px
    seen = embedder.embed(np.zeros((0, side_px, side_px, 3), np.uint8))
    assert seen.embeddings.shape == (0, embedder.dimension)
    assert seen.species.shape == (0, 3)
