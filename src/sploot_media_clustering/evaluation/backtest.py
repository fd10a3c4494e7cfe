"""Jobs of the past through two pipelines or models: what each album would have been, step by step.

Jobs of an album are applied one after the other, as a worker does, and the album settles after each. Both
candidates see the same jobs, so figures are compared album by album: by their mean difference with its
bootstrap interval, and by how often signs drawn at random bring as much (Fisher's randomisation of pairs).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from sploot_media_clustering.evaluation.metrics import interval, score
from sploot_media_clustering.evaluation.outcome import Better, Measure, Outcome, Plot, Series, over
from sploot_media_clustering.services.album_record import AlbumRecord
from sploot_media_clustering.services.answer import Answer, FailedImage
from sploot_media_clustering.services.applying import AlbumApplier, Prepared, ReadyPhoto
from sploot_media_clustering.services.job_request import JobRequest
from sploot_media_clustering.services.jobs import Position
from sploot_media_clustering.services.shadow import LEVELS, difference, owners
from sploot_media_clustering.services.shapes import FRACTION_DECIMALS

_DRAWS: Final = 9999
_MS: Final = 1000
_LEAST_STEP: Final = 10.0**-FRACTION_DECIMALS
"""Between two probabilities of an answer."""
_SHOWN: Final = 20
"""Albums that are listed, those first on which both agree least."""
DIFFERENCE: Final = "new - old"
CHANCE: Final = "p"
_BETTER: Final[Mapping[str, Better]] = {
    "bcubed_f": "higher",
    "adjusted_rand": "higher",
    "unassigned": "lower",
    "unsure": "neither",
    "churn": "lower",
    "hero_changes": "lower",
    "job_ms": "lower",
}
"""Measures of an album, in the order of the report."""


@dataclass(frozen=True, slots=True)
class History:
    """What once happened to an album.

    Attributes:
        pet_id: the album.
        jobs: in their order, each with an id.
        truth: animal of photos of which somebody told it.
    """

    pet_id: str
    jobs: tuple[JobRequest, ...]
    truth: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Replayed:
    """An album at the end of its history.

    Attributes:
        pet_id: the album.
        answer: at the end; None where there is none.
        measures: by name.
        sureness: probability of each photo's animal at the end, whether it was enough or not.
    """

    pet_id: str
    answer: Answer | None
    measures: Mapping[str, float]
    sureness: tuple[float, ...]

    @property
    def photos(self) -> int:
        """That could be read."""
        return 0 if self.answer is None else len(self.answer.images)


def replay(
    history: History,
    applier: AlbumApplier,
    photos: Mapping[str, ReadyPhoto | FailedImage],
    clock: Callable[[], float] = time.perf_counter,
) -> Replayed:
    """The album after all jobs.

    Args:
        history: of the album.
        applier: of a pipeline and a model.
        photos: all of the history, as the networks of that model see them.
        clock: seconds.
    """
    record, answer = AlbumRecord(), None
    spent_s, moved, heroes = [], [], []
    for number, job in enumerate(history.jobs, 1):
        known = {image.image_id: photos[image.image_id] for image in job.images}
        ready = Prepared(job, Position(number, 0), known)
        began_s = clock()
        applied = applier.apply(record, [ready], pet_id=history.pet_id, version=number, settle=True)
        spent_s.append(clock() - began_s)
        if answer is not None and applied.answer is not None:
            moved.append(_moved(answer, applied.answer))
            heroes.append(_other_heroes(answer, applied.answer))
        record, answer = applied.record, applied.answer
    measures = {
        **({} if answer is None else _agreement(answer, history.truth)),
        **({} if answer is None else {"unsure": _unsure(answer)}),
        **({"churn": float(np.mean(moved)), "hero_changes": float(np.mean(heroes))} if moved else {}),
        "job_ms": float(np.mean(spent_s)) * _MS,
    }
    return Replayed(history.pet_id, answer, measures, () if answer is None else _sureness(answer))


def compared(names: tuple[str, str], pairs: Sequence[tuple[Replayed, Replayed]]) -> tuple[Outcome, Outcome]:
    """All albums of both candidates: figures side by side, and the albums that differ most.

    Args:
        names: of the old and the new candidate.
        pairs: the same album of both.
    """
    measures = [measure for name in _BETTER for measure in _paired(name, names, pairs)]
    sizes = [Series(name, _by_size([pair[i] for pair in pairs])) for i, name in enumerate(names)]
    judged = f"{len(pairs)} albums, both candidates on the same jobs"
    plot = Plot(
        "Milliseconds of a job",
        "photos of the album in the end",
        "ms, mean of jobs and albums",
        tuple(sizes),
        caption="Without reading and embedding photos.",
    )
    return Outcome("backtest-1", "Old and new", judged, tuple(measures), (plot,)), _albums(names, pairs)


def proposed_sure(
    thresholds: tuple[float, float], old: Sequence[Replayed], new: Sequence[Replayed]
) -> float | None:
    """The threshold of the new model, as near to what it is as can be, at which as many are sure as before.

    Args:
        thresholds: of the old model and of the new one.
        old: albums of the old model.
        new: albums of the new one.
    """
    before = np.array([value for one in old for value in one.sureness])
    after = np.sort([value for one in new for value in one.sureness])
    if not len(before) or not len(after):
        return None
    unsure = round(float((before < thresholds[0]).mean()) * len(after))
    low = float(after[unsure - 1]) + _LEAST_STEP if unsure > 0 else 0.0
    high = float(after[unsure]) if unsure < len(after) else 1.0
    return min(max(thresholds[1], low), high)


def chance(differences: Sequence[float]) -> float:
    """How often signs drawn at random bring a mean as far from zero; 1 where nothing differs."""
    found = np.asarray(differences, np.float64)
    signs = np.random.default_rng(0).choice((-1.0, 1.0), size=(_DRAWS, len(found)))
    means = np.abs(signs @ found)
    return float((1 + (means >= abs(found.sum()) - 1e-12).sum()) / (_DRAWS + 1))


def _paired(
    name: str, names: tuple[str, str], pairs: Sequence[tuple[Replayed, Replayed]]
) -> tuple[Measure, ...]:
    """One measure of both, their difference, and chance."""
    both = [
        (old.measures[name], new.measures[name])
        for old, new in pairs
        if name in old.measures and name in new.measures
    ]
    if not both:
        return ()
    better = _BETTER[name]
    columns = [list(part) for part in zip(*both, strict=True)]
    differences = [new - old for old, new in both]
    told = [
        over(group, name, interval(values), len(values), better)
        for group, values in zip((*names, DIFFERENCE), (*columns, differences), strict=True)
    ]
    return (*told, Measure(CHANCE, name, chance(differences), count=len(both), better="neither"))


def _by_size(albums: Sequence[Replayed]) -> tuple[tuple[float, float], ...]:
    """Mean milliseconds of a job, of albums with as many photos each."""
    spent: dict[int, list[float]] = {}
    for album in albums:
        spent.setdefault(album.photos, []).append(album.measures["job_ms"])
    return tuple((float(size), float(np.mean(values))) for size, values in sorted(spent.items()))


def _albums(names: tuple[str, str], pairs: Sequence[tuple[Replayed, Replayed]]) -> Outcome:
    rows: list[tuple[float, tuple[Measure, ...]]] = []
    for old, new in pairs:
        if old.answer is None or new.answer is None:
            continue
        found = [difference(old.answer, new.answer, level) for level in LEVELS]
        if not any(one.photos for one in found):
            continue
        told = {f"{one.cluster_level}_agreement": one.agreement for one in found}
        told["heroes_kept"] = found[0].heroes_kept / max(found[0].heroes, 1)
        measures = tuple(
            Measure(old.pet_id, name, value, count=found[0].photos, better="neither")
            for name, value in told.items()
        )
        rows.append((sum(one.agreement for one in found), measures))
    rows.sort(key=lambda row: row[0])
    shown = tuple(measure for _, measures in rows[:_SHOWN] for measure in measures)
    judged = (
        f"{names[1]} beside {names[0]}, pairs of photos adjusted for chance; those first that agree least"
    )
    return Outcome("backtest-albums-1", "Albums that differ", judged, shown)


def _moved(before: Answer, after: Answer) -> float:
    """Share of photos whose animal has another id, or which lost it."""
    old, new = owners(before, "subject"), owners(after, "subject")
    there = {image.image_id for image in after.images}
    names = [name for name in old if name in there]
    return sum(old[name] != new.get(name) for name in names) / max(len(names), 1)


def _other_heroes(before: Answer, after: Answer) -> float:
    """Share of clusters that are still there and show another photo first."""
    old, new = ({part.id: part.hero_image_id for part in answer.clusters} for answer in (before, after))
    both = old.keys() & new.keys()
    return sum(old[name] != new[name] for name in both) / max(len(both), 1)


def _agreement(answer: Answer, truth: Mapping[str, str]) -> dict[str, float]:
    """With what somebody told, where two photos of that could be read."""
    names = [image.image_id for image in answer.images if image.image_id in truth]
    if len(names) < 2:  # noqa: PLR2004 - a pair
        return {}
    found_in = owners(answer, "subject")
    ids = {cluster_id: number for number, cluster_id in enumerate(dict.fromkeys(found_in.values()))}
    animals = {animal: number for number, animal in enumerate(dict.fromkeys(truth[name] for name in names))}
    found = score(
        np.array([animals[truth[name]] for name in names]),
        np.array([ids[found_in[name]] if name in found_in else -1 for name in names]),
    )
    return {
        "bcubed_f": found.bcubed_f,
        "adjusted_rand": found.adjusted_rand,
        "unassigned": found.unassigned,
    }


def _unsure(answer: Answer) -> float:
    unsure = sum(part.level == "subject" and part.reason == "unsure" for part in answer.unclustered)
    return unsure / max(len(answer.images), 1)


def _sureness(answer: Answer) -> tuple[float, ...]:
    placed = [
        member.probability
        for cluster in answer.clusters
        if cluster.level == "subject"
        for member in cluster.members
        if not member.confirmed
    ]
    guessed = [
        part.best.probability
        for part in answer.unclustered
        if part.level == "subject" and part.reason == "unsure" and part.best is not None
    ]
    return tuple(placed + guessed)
