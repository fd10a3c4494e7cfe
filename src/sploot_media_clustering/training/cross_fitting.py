"""Cross-fitted vectors: every photo is embedded by a network that never saw its data set.

A head fitted on animals that the network was tuned on finds them tighter than animals to come will be, and
then splits those. Leaving out only the animal does not help: the network has learned the rooms and cameras of
its set. So whole data sets are dealt to folds, a network is tuned without each fold, and the photos of a fold
are embedded by that network; the network that is shipped has the mean of the folds' weights, close enough to
each of them for one head.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import numpy as np
from jaxtyping import Float32, UInt8

from sploot_media_clustering.domain.album import WHOLE, PhotoEmbedding
from sploot_media_clustering.domain.detection import square_crop
from sploot_media_clustering.services.ports import Picture
from sploot_media_clustering.training.tuning_photos import Opens

Run = Callable[[UInt8[np.ndarray, "v s s 3"]], Float32[np.ndarray, "v e"]]
"""A network: embeddings of views."""


def cross_fitted(
    run_of_set: Mapping[str, Run],
    side_px: int,
    embeddings: Mapping[str, PhotoEmbedding],
    data_set_of: Mapping[str, str],
    opens: Opens,
    *,
    network_version: str,
) -> Iterator[PhotoEmbedding]:
    """Embed photos, each by the network that was tuned without its data set; the sightings stay.

    Args:
        run_of_set: that network of each set.
        side_px: of its input.
        embeddings: by key, of the original network.
        data_set_of: name of each photo's set, by key.
        opens: a photo by its key.
        network_version: of the package that heads fitted on these go into.
    """
    for key, photo in embeddings.items():
        vectors = run_of_set[data_set_of[key]](product_views(opens(key), photo, side_px))
        yield re_embedded(photo, vectors, network_version)


def product_views(picture: Picture, photo: PhotoEmbedding, side_px: int) -> UInt8[np.ndarray, "v s s 3"]:
    """The views that the product embeds: the whole photo and a crop of each sighting."""
    aspect = picture.size_px[0] / picture.size_px[1]
    places = [WHOLE, *(square_crop(sighting.box, aspect) for sighting in photo.sightings)]
    return np.stack([picture.view(place, side_px, side_px) for place in places])


def re_embedded(
    photo: PhotoEmbedding, vectors: Float32[np.ndarray, "v e"], network_version: str
) -> PhotoEmbedding:
    """The photo with other embeddings of its :func:`product_views`."""
    whole, *crops = vectors.astype(np.float16)
    sightings = tuple(
        replace(sighting, embedding=crop) for sighting, crop in zip(photo.sightings, crops, strict=True)
    )
    return replace(photo, embedding=whole, sightings=sightings, network_version=network_version)
