"""Every protocol by the name that commands know it by: from the material to what was found."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, TypeAlias

from sploot_media_clustering.errors import DatasetError, MissingExtraError
from sploot_media_clustering.evaluation import (
    animals_left_out,
    calibration,
    corrections,
    degraded,
    end_to_end,
    foreign,
    hero_rivals,
    identity,
    mixed,
    occasions,
    order,
    pictures,
    rival_trials,
    rivals,
    sightings,
    together,
    words,
)
from sploot_media_clustering.evaluation.material import Material
from sploot_media_clustering.evaluation.outcome import Outcome
from sploot_media_clustering.evaluation.results import FORMAT, MeasuredSet, Results
from sploot_media_clustering.training.coats import coated_photos, read_coats
from sploot_media_clustering.training.labelled import DataSet
from sploot_media_clustering.training.ratings import RatedPhotos

Run: TypeAlias = Callable[[Material, int], tuple[Outcome, ...]]
"""From the material and the number of households (photos, pairs) of each set to outcomes."""


def _identity(material: Material, draws: int) -> tuple[Outcome, ...]:
    numbers = {name: i for i, name in enumerate(material.vectors.set_names)}
    fits = [(numbers[one.name], one.identity) for one in material.sets]
    results = identity.evaluate_identity(material.vectors, fits, draws=draws)
    return identity.identity_outcomes(results, material.judged_by)


def _animals(material: Material, draws: int) -> tuple[Outcome, ...]:
    found = animals_left_out.evaluate_animals_left_out(
        material.vectors, draws=draws, progress=material.progress
    )
    return (animals_left_out.animals_outcome(found),)


def _end_to_end(material: Material, draws: int) -> tuple[Outcome, ...]:
    results = end_to_end.evaluate_end_to_end(material.sets, draws=draws)
    return (end_to_end.end_to_end_outcome(results, material.judged_by),)


def _mixed(material: Material, draws: int) -> tuple[Outcome, ...]:
    found = mixed.evaluate_mixed(
        material.data_sets,
        material.embeddings,
        material.vectors,
        material.heads,
        draws=draws,
        progress=material.progress,
    )
    return (mixed.mixed_outcome(found),)


def _rivals(material: Material, draws: int) -> tuple[Outcome, ...]:
    found = rival_trials.evaluate_rivals(
        material.sets, rivals.available(), draws=draws, progress=material.progress
    )
    return rival_trials.rivals_outcomes(found, material.judged_by)


def _moments(material: Material, draws: int) -> tuple[Outcome, ...]:
    del draws
    found = occasions.evaluate_moments(material.sets, _rated(material), material.embeddings)
    raters = occasions.raters_moments(material.ratings)
    return (occasions.moments_outcome(found, raters, material.judged_by),)


def _rated(material: Material) -> RatedPhotos:
    if material.rated is None:
        raise DatasetError("expected a ratings.csv beside an index.csv, got none: nobody rated these photos")
    return material.rated


def _sightings(material: Material, draws: int) -> tuple[Outcome, ...]:
    return (sightings.sightings_outcome(material, draws),)


def _pictures(material: Material, draws: int) -> tuple[Outcome, ...]:
    del draws
    rated = _rated(material)
    material.progress("sharpness of photos")
    others = hero_rivals.hero_rivals(rated, material.photos, material.darkroom)
    return pictures.pictures_outcomes(rated, material.ratings, material.judged, others)


def _words(material: Material, draws: int) -> tuple[Outcome, ...]:
    del draws
    _rated(material)
    coats = read_coats([data_set.folder for data_set in material.data_sets])
    return words.words_outcomes(material.judged, coated_photos(material.vectors, coats))


def _order(material: Material, draws: int) -> tuple[Outcome, ...]:
    return order.order_outcomes(order.evaluate_order(material.sets, albums=draws), material.judged_by)


def _corrections(material: Material, draws: int) -> tuple[Outcome, ...]:
    results = corrections.evaluate_corrections(material.sets, draws=draws)
    return (corrections.corrections_outcome(results, material.judged_by),)


def _membership(material: Material, draws: int) -> tuple[Outcome, ...]:
    found = calibration.evaluate_membership(material.sets, draws=draws)
    return (calibration.membership_outcome(found, material.judged_by),)


def _foreign(material: Material, draws: int) -> tuple[Outcome, ...]:
    found = foreign.evaluate_foreign(
        material.sets, material.photos, material.embeddings, material.darkroom, animals=draws
    )
    return (foreign.foreign_outcome(found, material.judged_by),)


def _together(material: Material, draws: int) -> tuple[Outcome, ...]:
    found = together.evaluate_together(
        material.sets, material.photos, material.embeddings, material.darkroom, albums=draws
    )
    return (together.together_outcome(found, material.judged_by),)


def _degraded(material: Material, draws: int) -> tuple[Outcome, ...]:
    found = degraded.evaluate_degraded(
        material.sets, material.photos, material.embeddings, material.rated, material.darkroom, animals=draws
    )
    return (degraded.degraded_outcome(found, material.judged_by),)


PROTOCOLS: Final[Mapping[str, tuple[Run, int]]] = MappingProxyType(
    {
        "identity": (_identity, identity.DRAWS),
        "animals": (_animals, animals_left_out.DRAWS),
        "end-to-end": (_end_to_end, identity.DRAWS),
        "mixed": (_mixed, mixed.DRAWS),
        "rivals": (_rivals, rival_trials.DRAWS),
        "foreign": (_foreign, foreign.ANIMALS),
        "together": (_together, together.ALBUMS),
        "sightings": (_sightings, sightings.PAIRS),
        "membership": (_membership, calibration.DRAWS),
        "order": (_order, order.ALBUMS),
        "corrections": (_corrections, corrections.DRAWS),
        "moments": (_moments, 0),
        "pictures": (_pictures, 0),
        "degraded": (_degraded, degraded.ANIMALS),
        "words": (_words, 0),
    }
)
"""What runs, and how many draws it usually makes of each set; 0 where it takes none."""


def run_all(material: Material, names: Sequence[str], draws: int | None = None, *, version: str) -> Results:
    """Run protocols on the same material; one that the photos or the installation do not allow is left out.

    Args:
        material: labelled photos.
        names: of :data:`PROTOCOLS`.
        draws: of each set, where protocols take any; by default their own.
        version: of the program.
    """
    outcomes: list[Outcome] = []
    left_out: list[tuple[str, str]] = []
    for name in names:
        start_s = time.monotonic()
        run, usual = PROTOCOLS[name]
        try:
            outcomes += run(material, draws or usual)
        except (DatasetError, MissingExtraError) as error:
            left_out.append((name, str(error)))
        material.progress(f"{name}: {time.monotonic() - start_s:.0f} s")
    return Results(
        format=FORMAT,
        version=version,
        model=material.heads.tree.version,
        sets=tuple(_measured(one, material) for one in material.data_sets),
        outcomes=tuple(outcomes),
        left_out=tuple(left_out),
    )


def _measured(one: DataSet, material: Material) -> MeasuredSet:
    read = [photo for photo in one.photos if photo.key in material.embeddings]
    animals = {name for photo in read for name in photo.animals}
    return MeasuredSet(one.name, len(animals), len(read))
