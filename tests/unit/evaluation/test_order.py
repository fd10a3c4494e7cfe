"""Orders that could have done better, and ids that change: on made-up sets that are easy, and hard."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
from strategies_album import DIMENSION, album, tree_model

from sploot_media_clustering.domain.album import Photo, PhotoEmbedding
from sploot_media_clustering.domain.projection import Heads
from sploot_media_clustering.evaluation import order
from sploot_media_clustering.evaluation.order import evaluate_order
from sploot_media_clustering.training.identity import items_of
from sploot_media_clustering.training.labelled import DataSet, LabelledPhoto

ANIMALS, PHOTOS = 3, 6


def made_up() -> tuple[DataSet, dict[str, PhotoEmbedding], Mock]:
    """A set of animals far apart, one sighting a photo, and heads that look photos up."""
    shots: dict[str, Photo] = {}
    labelled = []
    for animal in range(ANIMALS):
        seen = [photo for photo in album(animal, 4 * PHOTOS, 1) if len(photo.sightings) == 1][:PHOTOS]
        for photo in seen:
            key = f"home/{animal}/{photo.image_id}"
            shots[key] = photo
            labelled.append(LabelledPhoto(key, Path(), (f"home/{animal}",), None))
    rows = np.eye(len(shots), dtype=np.float16)
    embeddings = {
        key: PhotoEmbedding(key, None, 800, 600, row, (), "made-up")
        for key, row in zip(shots, rows, strict=True)
    }
    vectors = np.stack([photo.sightings[0].identity for photo in shots.values()])
    heads = Mock(spec=Heads, tree=tree_model())
    heads.project = lambda embedding: _called(shots[embedding.image_id], embedding.image_id)
    heads.identity.project = lambda x: x[:, len(rows) :] @ vectors
    return DataSet("home", Path(), tuple(labelled)), embeddings, heads


def _called(photo: Photo, image_id: str) -> Photo:
    return Photo(image_id, None, photo.width_px, photo.height_px, photo.scene, photo.sightings)


def test_of_an_easy_set_no_order_does_better_and_ids_stay() -> None:
    """Animals far apart are told apart whatever comes first."""
    data_set, embeddings, heads = made_up()
    (result,) = evaluate_order([data_set], embeddings, heads, albums=3)
    assert (result.name, result.albums) == ("home", 3)
    assert result.beaten == 0.0
    assert result.churn < 0.2


def test_an_order_that_does_better_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where settling puts everything in one cluster, some order of arrival does not."""
    data_set, embeddings, heads = made_up()
    settle = order.settle

    def lazy(*arguments: object) -> object:
        settled = settle(*arguments)  # type: ignore[arg-type]
        return Mock(labels=np.zeros_like(settled.labels), prior=settled.prior)

    monkeypatch.setattr(order, "settle", lazy)
    (result,) = evaluate_order([data_set], embeddings, heads, albums=3)
    assert result.beaten == 1.0


def test_photos_that_arrive_go_where_they_gain_most() -> None:
    """Two far groups become two components, in any order."""
    rng = np.random.default_rng(0)
    vectors = np.repeat(np.array([[15.0], [-15.0]]), 4, 0) * np.eye(DIMENSION)[0] + rng.normal(
        size=(8, DIMENSION)
    )
    prior = tree_model().subjects.prior(8)
    for _ in range(3):
        labels = order._arrived(items_of(vectors), prior, rng.permutation(8))
        assert len(set(labels[:4])) == len(set(labels[4:])) == 1
        assert labels[0] != labels[4]
