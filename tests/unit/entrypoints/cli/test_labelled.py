"""Labelled photos as the commands take them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from unittest.mock import Mock

import numpy as np

from sploot_media_clustering.bootstrap import EmbeddingParts
from sploot_media_clustering.domain.album import PhotoEmbedding
from sploot_media_clustering.entrypoints.cli import labelled
from sploot_media_clustering.services.cached_embedding import Located
from sploot_media_clustering.training.labelled import DataSet, LabelledPhoto

TOLD, READ = datetime(2024, 5, 1, 12), datetime(2020, 1, 1)


class Embedding:
    """Photos whose files tell a time."""

    def embed(self, photos: Sequence[Located]) -> Iterator[PhotoEmbedding]:
        for photo in photos:
            yield PhotoEmbedding(photo.image_id, READ, 40, 30, np.ones(8, np.float16), (), "net-1")


def test_the_time_of_the_index_goes_before_that_of_the_file() -> None:
    """Whoever wrote it knows better; photos of which it tells none keep the camera's."""
    photos = (
        LabelledPhoto("home/1.jpg", Path("1.jpg"), (), TOLD),
        LabelledPhoto("home/2.jpg", Path("2.jpg"), (), None),
    )
    parts = Mock(spec=EmbeddingParts, embedding=Embedding())
    found = labelled.embedded(parts, [DataSet("home", Path(), photos)])
    assert [found[photo.key].captured_at for photo in photos] == [TOLD, READ]
