"""Households of animals of different sets, cats and dogs among them.

Protocol ``mixed-1``: the sets are paired, by name, the first half with the second; households of 2 to 4
animals have some of each of a pair, and are judged by heads fitted without both. A sighting's species is the
likelier of cat and dog.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Int64

from sploot_media_clustering.domain.album import SPECIES, Photo, PhotoEmbedding
from sploot_media_clustering.domain.level import ASIDE
from sploot_media_clustering.domain.projection import Heads
from sploot_media_clustering.domain.tree import AlbumState
from sploot_media_clustering.errors import DatasetError
from sploot_media_clustering.evaluation.albums import best_labels, settled_album, state_scores
from sploot_media_clustering.evaluation.judged_sets import HOUSEHOLD_SIZES, heads_without, judged
from sploot_media_clustering.evaluation.metrics import Scores
from sploot_media_clustering.evaluation.outcome import Measure, Outcome, means_of_sets, scored, told
from sploot_media_clustering.training.identity import LEAST_PHOTOS
from sploot_media_clustering.training.labelled import DataSet, LabelledVectors

DRAWS: Final = 60
LEAST_SETS: Final = 4
"""Two are judged; what is fitted on another is tried on a fourth."""

_KNOWN: Final = ("cat", "dog")


@dataclass(frozen=True, slots=True)
class MixedAlbum:
    """One household.

    Attributes:
        scores: agreement with the labels.
        species_wrong: share of best sightings whose species is not the labelled one; None where no label
            tells.
        cats_and_dogs: share of subjects that hold photos of labelled cats and of labelled dogs.
    """

    scores: Scores
    species_wrong: float | None
    cats_and_dogs: float


def evaluate_mixed(
    data_sets: Sequence[DataSet],
    embeddings: Mapping[str, PhotoEmbedding],
    vectors: LabelledVectors,
    heads: Heads,
    *,
    draws: int = DRAWS,
    seed: int = 1,
    progress: Callable[[str], None] = lambda _: None,
) -> dict[str, list[MixedAlbum]]:
    """Run the protocol; the households of each pair of sets.

    Args:
        data_sets: labelled photos.
        embeddings: by key.
        vectors: of the same photos.
        heads: whose look and hero heads are used.
        draws: households of each pair.
        seed: of the households.
        progress: told each pair before its turn.

    Raises:
        DatasetError: there are too few sets to fit heads without two of them.
    """
    held = judged(vectors)
    if len(held) < LEAST_SETS:
        raise DatasetError(f"expected at least {LEAST_SETS} data sets to mix two of them, got {len(held)}")
    species = {photo.key: photo.species for data_set in data_sets for photo in data_set.photos}
    without = heads_without(data_sets, embeddings, vectors, heads)
    found = {}
    for pair in set_pairs(held):
        name = " + ".join(vectors.set_names[one] for one in pair)
        progress(f"heads without {name}")
        own = without(frozenset(pair))
        albums = []
        for rows in mixed_households(vectors, pair, draws, seed):
            photos = [own.project(embeddings[vectors.keys[row]]) for row in rows]
            state = settled_album(photos, own.tree)
            animals = dict(
                zip((vectors.keys[row] for row in rows), vectors.animals[rows].tolist(), strict=True)
            )
            albums.append(mixed_album(state, animals, species))
        found[name] = albums
    return found


def set_pairs(held: Sequence[int]) -> list[tuple[int, int]]:
    """Each set of the first half with one of the second; of an odd number the last is left over."""
    half = len(held) // 2
    return [(held[i], held[i + half]) for i in range(half)]


def mixed_households(
    vectors: LabelledVectors, pair: tuple[int, int], draws: int, seed: int
) -> Iterator[Int64[np.ndarray, " n"]]:
    """Rows of all photos of a few animals of two sets, at least one of each, in random order."""
    rng = np.random.default_rng(seed)
    first, second = (vectors.rows_of(one, least=LEAST_PHOTOS) for one in pair)
    for _ in range(draws):
        size = int(rng.choice(HOUSEHOLD_SIZES))
        of_first = min(int(rng.integers(1, size)), len(first))
        of_second = min(size - of_first, len(second))
        chosen = [first[i] for i in rng.choice(len(first), of_first, replace=False)]
        chosen += [second[i] for i in rng.choice(len(second), of_second, replace=False)]
        yield rng.permutation(np.concatenate(chosen))


def mixed_album(state: AlbumState, animals: Mapping[str, int], species: Mapping[str, str]) -> MixedAlbum:
    """How well a household was told apart, and its species.

    Args:
        state: of the album.
        animals: of the best sighting of each photo, by ``image_id``.
        species: as labelled, by ``image_id``.
    """
    labels = best_labels(state)
    kinds: dict[int, set[str]] = {}
    for image_id, label in labels.items():
        if label != ASIDE and species.get(image_id) in _KNOWN:
            kinds.setdefault(label, set()).add(species[image_id])
    told_wrong = [
        float(_seen_as(photo) != species[photo.image_id])
        for photo in state.photos
        if photo.sightings and species.get(photo.image_id) in _KNOWN
    ]
    return MixedAlbum(
        scores=state_scores(state, animals),
        species_wrong=float(np.mean(told_wrong)) if told_wrong else None,
        cats_and_dogs=sum(len(kind) > 1 for kind in kinds.values()) / max(len(state.subject_ids), 1),
    )


def mixed_outcome(found: Mapping[str, Sequence[MixedAlbum]]) -> Outcome:
    """What the protocol found.

    Args:
        found: households of each pair of sets.
    """
    measures: list[Measure] = []
    for name, albums in found.items():
        wrong = [album.species_wrong for album in albums if album.species_wrong is not None]
        measures += [
            *scored(name, [album.scores for album in albums]),
            told(name, "species_wrong", wrong, "lower"),
            told(name, "cats_and_dogs", [album.cats_and_dogs for album in albums], "lower"),
        ]
    return Outcome(
        protocol="mixed-1",
        title="Households of different sets, cats and dogs",
        judged_by="heads fitted without both sets",
        measures=(*measures, *means_of_sets(measures)),
    )


def _seen_as(photo: Photo) -> str:
    cat, dog = (float(photo.sightings[0].species[SPECIES.index(kind)]) for kind in _KNOWN)
    return "cat" if cat >= dog else "dog"
