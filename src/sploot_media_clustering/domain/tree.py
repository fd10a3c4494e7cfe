"""Subjects, then looks inside them: two mixtures, one tree.

The state of an album is a value. :func:`settle` makes it a pure function of its photos, whatever order they
came in; :mod:`.arrivals` keeps it up to date between settlings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Bool, Float64, Int64
from scipy.sparse import csr_array

from sploot_media_clustering.domain import columns as tables
from sploot_media_clustering.domain import level as levels
from sploot_media_clustering.domain.album import Photo
from sploot_media_clustering.domain.columns import Columns
from sploot_media_clustering.domain.conflicts import none
from sploot_media_clustering.domain.corrected import Corrected, corrected
from sploot_media_clustering.domain.corrections import Ground
from sploot_media_clustering.domain.decisions import Decision, SightingRef, row_of
from sploot_media_clustering.domain.expectations import CountHint
from sploot_media_clustering.domain.grid import VECTOR_STEP, on_grid
from sploot_media_clustering.domain.level import Level, LevelModel
from sploot_media_clustering.domain.lineage import LineageEvent, inherit
from sploot_media_clustering.domain.moments import MomentModel, copies, evidence_weights, moments
from sploot_media_clustering.domain.partition import Items
from sploot_media_clustering.domain.statements import Assignment, Statement, confirmed, statements
from sploot_media_clustering.errors import OtherModelError

_LINEAGE_KEPT = 256
"""Events kept in a state, the newest."""

_CONFIRMED_WORTH = 1_000_000
"""Of a split, the part with more confirmed sightings keeps the id, however many others the rest has."""


@dataclass(frozen=True, slots=True, eq=False)
class TreeModel:
    """How an album is clustered; part of a model package.

    Attributes:
        version: of the package; vectors of two versions never meet in one album.
        subjects: the level of animals.
        looks: the level of kinds of picture of one animal.
        moments: what one occasion is.
        atom_distance: see :func:`.columns.atoms`.
        hint_strength: log prior that an owner's word on the number of animals is worth, a component.
        scene_dimension: length of scene vectors.
    """

    version: str
    subjects: LevelModel
    looks: LevelModel
    moments: MomentModel
    atom_distance: float
    hint_strength: float
    scene_dimension: int


@dataclass(frozen=True, slots=True, eq=False)
class Looks:
    """The looks of one subject.

    Attributes:
        rows: sightings of the subject, as rows of the album's columns.
        centre: mean look vector of the subject, on a grid, frozen at the last settling.
        level: the mixture over the subject's centred look vectors, one item a row.
        ids: of the components.
    """

    rows: Int64[np.ndarray, " m"]
    centre: Float64[np.ndarray, " l"]
    level: Level
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class AlbumState:
    """All that is known of an album.

    Attributes:
        model_version: of the package whose vectors these are.
        photos: in canonical order up to the last settling, then in order of arrival.
        columns: their vectors.
        moments: of each photo.
        subjects: the mixture over identity vectors, one item a sighting.
        animals: subject of each of its components: a person's word may link several into one.
        subject_ids: of the subjects.
        looks: of each subject.
        names: of each subject, None where nobody named it.
        decisions: what people said, oldest first.
        superseded: id of each decision that a newer one contradicts, and of that one; as last settled.
        settled: photos of the last settling.
        unsettled: photos that came or went since.
        expected_animals: fewest and most animals, as the owner said.
        lineage: what merged and split, newest last.
        heroes: photos that each cluster showed last, best first, by cluster id.
    """

    model_version: str
    photos: tuple[Photo, ...]
    columns: Columns
    moments: Int64[np.ndarray, " p"]
    subjects: Level
    animals: Int64[np.ndarray, " k"]
    subject_ids: tuple[str, ...]
    looks: tuple[Looks, ...]
    names: tuple[str | None, ...] = ()
    decisions: tuple[Decision, ...] = ()
    superseded: Mapping[str, str] = field(default_factory=dict)
    settled: int = 0
    unsettled: int = 0
    expected_animals: tuple[int, int] | None = None
    lineage: tuple[LineageEvent, ...] = ()
    heroes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def subject_labels(self) -> Int64[np.ndarray, " s"]:
        """Subject of each sighting, :data:`~.level.ASIDE` where it has none."""
        return np.append(self.animals, levels.ASIDE)[self.subjects.labels]


def empty(model: TreeModel, expected_animals: tuple[int, int] | None = None) -> AlbumState:
    """An album without photos."""
    return AlbumState(
        model_version=model.version,
        photos=(),
        columns=tables.empty(len(model.subjects.between), len(model.looks.between), model.scene_dimension),
        moments=np.zeros(0, np.int64),
        subjects=levels.empty(model.subjects),
        animals=np.zeros(0, np.int64),
        subject_ids=(),
        looks=(),
        expected_animals=expected_animals,
    )


def require(state: AlbumState, model: TreeModel) -> None:
    """Vectors of two models never meet in one album.

    Raises:
        OtherModelError: the state was made by another model.
    """
    if state.model_version != model.version:
        raise OtherModelError(
            f"the album's vectors are of model {state.model_version!r}, expected {model.version!r}; "
            "embed the album again with this model, or use the model that made it"
        )


def sighting_weights(
    moment: Int64[np.ndarray, " p"], columns: Columns, model: TreeModel
) -> Float64[np.ndarray, " s"]:
    """What the evidence of each sighting is worth as to its animal, given the moment of its photo."""
    worth = evidence_weights(moment, copies(moment, columns.scene), model.moments)
    return worth[columns.photo] * columns.clearness


def settle(state: AlbumState, model: TreeModel) -> AlbumState:
    """The album as its photos and decisions alone determine it; ids are inherited from the state before.

    Raises:
        StateError: the state was made by another model.
    """
    require(state, model)
    order = np.array(sorted(range(len(state.photos)), key=lambda i: state.photos[i].image_id), np.int64)
    columns, rows = tables.taken(state.columns, order)
    return _settled(state, tuple(state.photos[i] for i in order), columns, rows, model)


def brought_to(state: AlbumState, photos: Sequence[Photo], model: TreeModel) -> AlbumState:
    """The settled album of exactly these photos, under any model; ids, names and decisions live on.

    Sightings of a photo that was there before, perhaps seen by another detector, are matched by overlap.

    Args:
        state: of the album up to now, of this model or another.
        photos: none twice, made by this model's heads.
        model: that they settle under.
    """
    ordered = tuple(sorted(photos, key=lambda photo: photo.image_id))
    columns = tables.stacked(ordered, empty(model).columns)
    return _settled(
        replace(state, model_version=model.version), ordered, columns, _former(state, ordered), model
    )


def _former(state: AlbumState, photos: Sequence[Photo]) -> Int64[np.ndarray, " s"]:
    """The row that each sighting had, below 0 where it had none."""
    first, known = 0, {}
    for photo in state.photos:
        known[photo.image_id] = (first, photo)
        first += len(photo.sightings)
    rows = []
    for photo in photos:
        start, before = known.get(photo.image_id, (0, None))
        for sighting in photo.sightings:
            place = row_of(SightingRef(photo.image_id, sighting.box), before) if before else None
            rows.append(-1 if place is None else start + place)
    return np.array(rows, np.int64)


def _settled(
    before: AlbumState,
    photos: tuple[Photo, ...],
    columns: Columns,
    rows: Int64[np.ndarray, " s"],
    model: TreeModel,
) -> AlbumState:
    """The settled album of photos in canonical order, whose sightings had these rows before."""
    moment = moments(columns.scene, columns.time_s, model.moments)
    copied = copies(moment, columns.scene)
    weights = evidence_weights(moment, copied, model.moments)[columns.photo]
    said = statements(before.decisions, photos)
    subjects = _settled_subjects(
        columns, moment, copied, weights * columns.clearness, model, before.expected_animals, said
    )
    animal = np.append(subjects.animals, levels.ASIDE)[subjects.level.labels]
    looks = tuple(
        _settled_looks(columns, weights, np.flatnonzero(animal == k), model.looks)
        for k in range(len(subjects.names))
    )
    settled = replace(
        before,
        photos=photos,
        columns=columns,
        moments=moment,
        subjects=subjects.level,
        animals=subjects.animals,
        subject_ids=(),
        looks=looks,
        names=subjects.names,
        superseded=subjects.superseded,
        settled=len(photos),
        unsettled=0,
    )
    return _named(settled, before, rows, confirmed(said, Assignment(subjects.level.labels, subjects.animals)))


def _settled_subjects(
    columns: Columns,
    moment: Int64[np.ndarray, " p"],
    copied: Int64[np.ndarray, " p"],
    weights: Float64[np.ndarray, " s"],
    model: TreeModel,
    expected: tuple[int, int] | None,
    said: Sequence[Statement],
) -> Corrected:
    forbidden = tables.conflicts(columns)
    lead = np.flatnonzero(columns.leading)
    founding = forbidden.taken(lead)
    occasion = moment[columns.photo]
    items = Items(
        columns.identity[lead],
        weights[lead],
        tables.atoms(
            columns.identity[lead], occasion[lead], founding, model.atom_distance, model.subjects.reach
        ),
        founding,
    )
    hint = CountHint(*expected, model.hint_strength) if expected else None
    pictures = round((1.0 / copied)[columns.photo[lead]].sum())
    level = levels.place(items, model.subjects, hint, different=pictures)
    level = levels.extended(level, lead, columns.identity, weights, forbidden, model.subjects)
    ground = Ground(
        columns.identity,
        weights,
        occasion,
        forbidden,
        columns.leading,
        model.atom_distance,
        level.prior,
    )
    return corrected(level, said, ground, model.subjects)


def _settled_looks(
    columns: Columns, weights: Float64[np.ndarray, " s"], rows: Int64[np.ndarray, " m"], model: LevelModel
) -> Looks:
    vectors = columns.look[rows]
    centre = on_grid(vectors.mean(0), VECTOR_STEP)
    size = len(rows)
    items = Items(vectors - centre, weights[rows], np.arange(size), none(size))
    return Looks(rows, centre, levels.place(items, model), ())


def look_labels(state: AlbumState) -> tuple[Int64[np.ndarray, " s"], tuple[str, ...]]:
    """Look of each sighting, numbered over the whole album (below 0: none), and the ids of all looks."""
    labels = np.full(len(state.columns), levels.ASIDE)
    first = 0
    for looks in state.looks:
        placed = looks.level.labels >= 0
        labels[looks.rows[placed]] = first + looks.level.labels[placed]
        first += len(looks.level.mixture)
    return labels, tuple(cluster_id for looks in state.looks for cluster_id in looks.ids)


def _named(
    settled: AlbumState,
    before: AlbumState,
    rows: Int64[np.ndarray, " s"],
    vouched: Bool[np.ndarray, " s"],
) -> AlbumState:
    """Ids for the clusters of a settled album, from those that its sightings had before."""
    worth = np.where(vouched, _CONFIRMED_WORTH, 1)
    subjects = settled.subject_labels()
    subject_ids, subject_events = inherit(
        "subject",
        before.subject_ids,
        _overlap(subjects, _at(before.subject_labels(), rows), len(before.subject_ids), worth),
        _first_members(settled, subjects),
    )
    old_labels, old_ids = look_labels(before)
    labels = look_labels(settled)[0]
    look_ids, look_events = inherit(
        "look",
        old_ids,
        _overlap(labels, _at(old_labels, rows), len(old_ids), worth),
        _first_members(settled, labels),
    )
    remaining = iter(look_ids)
    looks = tuple(
        replace(part, ids=tuple(next(remaining) for _ in range(len(part.level.mixture))))
        for part in settled.looks
    )
    lineage = (*before.lineage, *subject_events, *look_events)[-_LINEAGE_KEPT:]
    return replace(settled, subject_ids=subject_ids, looks=looks, lineage=lineage)


def _at(labels: Int64[np.ndarray, " r"], rows: Int64[np.ndarray, " s"]) -> Int64[np.ndarray, " s"]:
    """Labels of some rows, none for those below 0."""
    return np.append(labels, levels.ASIDE)[rows]


def _overlap(
    new: Int64[np.ndarray, " s"],
    old: Int64[np.ndarray, " s"],
    old_size: int,
    worth: Int64[np.ndarray, " s"],
) -> csr_array:
    both = (new >= 0) & (old >= 0)
    shape = (int(new.max(initial=-1)) + 1, old_size)
    return csr_array((worth[both], (new[both], old[both])), shape=shape)


def _first_members(state: AlbumState, labels: Int64[np.ndarray, " s"]) -> list[str]:
    """Canonical name of the first sighting of each cluster."""
    found, rows = np.unique(labels, return_index=True)
    rows = rows[found >= 0]
    photos, first = np.unique(state.columns.photo, return_index=True)
    owners = state.columns.photo[rows]
    places = rows - first[np.searchsorted(photos, owners)]
    return [
        f"{state.photos[owner].image_id}#{place}"
        for owner, place in zip(owners.tolist(), places.tolist(), strict=True)
    ]
