"""What protocols work on: labelled photos, what the networks saw in them, and what was fitted on others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from sploot_media_clustering.domain.album import PhotoEmbedding
from sploot_media_clustering.domain.projection import Heads
from sploot_media_clustering.evaluation.darkroom import Darkroom
from sploot_media_clustering.evaluation.judged_sets import AS_THEY_ARE, JudgedSet, judged_sets
from sploot_media_clustering.evaluation.left_out import Judged, leave_albums_out
from sploot_media_clustering.training.labelled import (
    DataSet,
    LabelledPhoto,
    LabelledVectors,
    labelled_vectors,
)
from sploot_media_clustering.training.ratings import RatedPhotos, Rating, rated_photos, read_ratings


@dataclass(frozen=True, eq=False)
class Material:
    """Labelled photos, and what is fitted on them, each once and when it is asked for.

    Attributes:
        data_sets: labelled photos.
        embeddings: of those that can be read, by key.
        heads: of the package.
        fitted_on: names of the sets that those heads were fitted on.
        darkroom: where photos are made.
        progress: told what is being done.
        as_is: whether the package's heads are judged, and none fitted anew for animals.
    """

    data_sets: Sequence[DataSet]
    embeddings: Mapping[str, PhotoEmbedding]
    heads: Heads
    fitted_on: frozenset[str]
    darkroom: Darkroom
    progress: Callable[[str], None]
    as_is: bool = False

    @cached_property
    def sets(self) -> list[JudgedSet]:
        """Every set under what judges it."""
        found = judged_sets(
            self.data_sets,
            self.embeddings,
            self.heads,
            lambda name: self.progress(f"heads for {name}"),
            as_is=self.as_is,
        )
        return list(found)

    @cached_property
    def vectors(self) -> LabelledVectors:
        """All photos of one animal, in columns."""
        return labelled_vectors(self.data_sets, self.embeddings)

    @cached_property
    def photos(self) -> Mapping[str, LabelledPhoto]:
        """All labelled photos by key."""
        return {photo.key: photo for data_set in self.data_sets for photo in data_set.photos}

    @cached_property
    def ratings(self) -> tuple[Rating, ...]:
        """What people said of photos."""
        return read_ratings([data_set.folder for data_set in self.data_sets])

    @cached_property
    def rated(self) -> RatedPhotos | None:
        """Rated photos; None where there are none."""
        return rated_photos(self.ratings, self.embeddings) if self.ratings else None

    @cached_property
    def judged(self) -> list[Judged]:
        """Rated albums under heads that were fitted without them; none where none are rated."""
        return [] if self.rated is None else leave_albums_out(self.rated, progress=self.progress)

    @property
    def judged_by(self) -> str:
        """Which heads judge the sets; whether those of the package may have seen them."""
        said = self.sets[0].judged_by
        if said != AS_THEY_ARE:
            return said
        seen = sorted(self.fitted_on & {one.name for one in self.sets})
        if seen:
            return f"{said}, which were fitted on sets named {', '.join(seen)}: these figures flatter"
        return f"{said}, fitted on sets of other names"
