"""From the photos on: further sightings are errors, and neither animals nor photos."""

from __future__ import annotations

import numpy as np
from judged_home import judged_home
from strategies_album import album, tree_model

from sploot_media_clustering.domain.album import Photo
from sploot_media_clustering.domain.tree import AlbumState
from sploot_media_clustering.evaluation.albums import best_labels, settled_album, state_scores
from sploot_media_clustering.evaluation.confusion import confusion_of
from sploot_media_clustering.evaluation.end_to_end import end_to_end_outcome, evaluate_end_to_end


class OneSubject(AlbumState):
    """An album of which every sighting has one subject."""

    def subject_labels(self) -> np.ndarray:
        return np.zeros(len(self.columns), np.int64)


def one_subject(photos: list[Photo]) -> AlbumState:
    state = settled_album(photos, tree_model())
    fields = {name: getattr(state, name) for name in AlbumState.__dataclass_fields__}
    return OneSubject(**(fields | {"subject_ids": ("all",)}))


def test_only_animals_and_photos_are_counted() -> None:
    """One cluster for two animals, no photo unassigned, whatever further sightings there are."""
    photos = [photo for photo in album(1, photos=16, animals=2) if photo.sightings]
    assert sum(len(photo.sightings) for photo in photos) > len(photos)
    animals = {photo.image_id: i % 2 for i, photo in enumerate(photos)}
    scores = state_scores(one_subject(photos), animals)
    assert scores.clusters_per_group == 0.5
    assert scores.unassigned == 0.0
    assert 0.0 < scores.purity < 0.6


def test_best_sightings_have_the_labels_of_their_photos() -> None:
    """A photo without an animal has none."""
    state = settled_album(list(album(2, photos=14, animals=2)), tree_model())
    labels = best_labels(state)
    assert set(labels) == {photo.image_id for photo in state.photos}
    assert all(labels[photo.image_id] < 0 for photo in state.photos if not photo.sightings)


def test_animals_far_apart_are_told_apart() -> None:
    """The whole protocol on a set that is easy: nothing is confused."""
    (result,) = evaluate_end_to_end([judged_home()], draws=3)
    outcome = end_to_end_outcome([result])
    assert outcome.value("home", "v_measure") == outcome.value("mean of sets", "v_measure") == 1.0
    assert outcome.value("home", "alone_clusters") == 1.0
    (matrix,) = outcome.matrices
    assert matrix.names == ("0", "1", "2")
    assert np.array_equal(matrix.values, np.eye(3))


def test_who_shares_a_subject_is_confused() -> None:
    """All pairs of two animals in one subject: whole confusion."""
    home = judged_home(animals=2)
    photos, animals = home.album(np.concatenate(home.animals))
    matrix = confusion_of(home, [(one_subject(photos), animals)])
    assert np.array_equal(matrix.values, np.ones((2, 2)))
