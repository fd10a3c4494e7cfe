"""From the photos on: further sightings are errors, and neither animals nor photos."""

from __future__ import annotations

import numpy as np
import pytest
from strategies_album import album, tree_model

from sploot_media_clustering.evaluation import end_to_end
from sploot_media_clustering.training.labelled import LabelledVectors


def vectors(animals: np.ndarray) -> LabelledVectors:
    size = len(animals)
    return LabelledVectors(
        keys=tuple(f"home/{i}" for i in range(size)),
        x=np.zeros((size, 2), np.float32),
        animals=animals,
        sets=np.zeros(size, np.int64),
        animal_names=("home/a", "home/b"),
        set_names=("home",),
    )


def test_only_animals_and_photos_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """An album of which every sighting has one subject: one cluster for two animals, no photo unassigned."""
    photos = dict(enumerate(p for p in album(1, photos=16, animals=2) if p.sightings))
    assert sum(len(photo.sightings) for photo in photos.values()) > len(photos)
    settled = end_to_end.settled_album(list(photos.values()), tree_model())

    class OneSubject:
        photos = settled.photos

        def subject_labels(self) -> np.ndarray:
            return np.zeros(sum(len(photo.sightings) for photo in self.photos), np.int64)

    monkeypatch.setattr(end_to_end, "settled_album", lambda *_: OneSubject())
    animals = np.arange(len(photos)) % 2
    scores = end_to_end._scored(vectors(animals), photos, tree_model(), np.arange(len(photos)))
    assert scores.clusters_per_group == 0.5
    assert scores.unassigned == 0.0
    assert 0.0 < scores.purity < 0.6
