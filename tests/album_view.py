"""What an album is, told apart from when it became so."""

from __future__ import annotations

from fake_worker import sketch_clustering

from sploot_media_clustering.services import state_codec
from sploot_media_clustering.services.album_record import AlbumRecord
from sploot_media_clustering.services.clustering import ClusteringService

CLUSTERING = sketch_clustering()


def seen(record: AlbumRecord, clustering: ClusteringService = CLUSTERING) -> tuple[object, ...]:
    """All that must not depend on the order, ids of clusters and the time left out."""
    state = None if record.state is None else clustering.settle(state_codec.unpack(record.state))
    positions = (record.images, record.failed, record.decisions, record.expected, record.deleted)
    if state is None:
        return (*positions, None)
    labels = state.subject_labels()
    owners = [state.photos[index].image_id for index in state.columns.photo]
    groups = {frozenset(o for o, k in zip(owners, labels, strict=True) if k == label) for label in labels}
    vectors = {photo.image_id: photo.scene.tobytes() for photo in state.photos}
    said = tuple(sorted(decision.id for decision in state.decisions))
    names = sorted(name or "" for name in state.names)
    return (*positions, state.expected_animals, groups, vectors, said, names)
