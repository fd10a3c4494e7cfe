"""Reading an answer off an album's state."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import numpy as np
from jaxtyping import Bool, Float64, Int64

from sploot_media_clustering.domain import descriptors as words
from sploot_media_clustering.domain import level as levels
from sploot_media_clustering.domain.album import SPECIES, Sighting
from sploot_media_clustering.domain.hero import SCORED, Candidate, HeroModel, rank, scored_signals
from sploot_media_clustering.domain.reasons import reasons, sentence
from sploot_media_clustering.domain.signals import recency, typicality
from sploot_media_clustering.domain.tree import AlbumState, Looks, TreeModel
from sploot_media_clustering.domain.wording import period
from sploot_media_clustering.services.answer import (
    Answer,
    BestGuess,
    Cluster,
    Descriptor,
    FailedImage,
    Hero,
    Image,
    Member,
    Metrics,
    Reason,
    SeenAnimal,
    Species,
    Unclustered,
)
from sploot_media_clustering.services.answer import (
    Level as ClusterLevel,
)
from sploot_media_clustering.services.shapes import as_box, as_fraction, as_fractions
from sploot_media_clustering.services.word import Word

PIPELINE: Final = "mixture"
_REASONS: Final[dict[int, Reason]] = {levels.UNSURE: "unsure", levels.ALONE: "alone"}
_FOCAL_HEIGHT: Final = 1 / 3
"""The head of a standing or sitting animal is in the upper third of its box."""

_OTHER_LABEL: Final = "Other pictures"


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of an album.

    Attributes:
        pet_id: name of the album.
        at: the time to put into the answer.
        top: heroes of each cluster.
        version: of the album.
        failed: photos that could not be read.
        questions: how many, at most, are asked back.
    """

    pet_id: str
    at: datetime
    top: int = 3
    version: int = 0
    failed: tuple[FailedImage, ...] = ()
    questions: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class _Group:
    """Sightings that become one cluster of the answer.

    Attributes:
        rows: of the album's columns.
        probabilities: that each belongs here.
        scored: hero signals of each.
        scores: of the hero model.
    """

    rows: Int64[np.ndarray, " m"]
    probabilities: Float64[np.ndarray, " m"]
    scored: Float64[np.ndarray, "m s"]
    scores: Float64[np.ndarray, " m"]


@dataclass(frozen=True, slots=True)
class _Title:
    """What a cluster is called and where it stands."""

    id: str
    level: ClusterLevel
    parent_id: str | None
    label: str
    name: str | None = None


def _with_others(subject: Int64[np.ndarray, " s"], photo: Int64[np.ndarray, " s"]) -> Bool[np.ndarray, " s"]:
    """Sightings in photos that show another subject, too."""
    placed = subject != levels.ASIDE
    pairs = np.unique(np.column_stack([photo[placed], subject[placed]]), axis=0)
    photos, subjects = np.unique(pairs[:, 0], return_counts=True)
    return placed & np.isin(photo, photos[subjects > 1])


class AlbumReader:
    """Reads one answer; made for one state and one request, and thrown away.

    Args:
        state: of the album.
        model: that made it.
        hero: the hero model.
        request: what is asked.
    """

    def __init__(self, state: AlbumState, model: TreeModel, hero: HeroModel, request: Request) -> None:
        self._state = state
        self._least = {"subject": model.subjects.min_size, "look": model.looks.min_size}
        self._hero = hero
        self._weightiest = np.argsort(-hero.weights, kind="stable")
        self._scored = [SCORED[s] for s in self._weightiest]
        self._request = request
        self._sightings: list[Sighting] = [s for photo in state.photos for s in photo.sightings]
        self._attributes = np.array([sighting.attributes for sighting in self._sightings], np.float32)
        self._signals = np.array([sighting.signals for sighting in self._sightings], np.float64)
        self._boxes = [as_box(sighting.box) for sighting in self._sightings]
        self._species: list[Species] = [
            SPECIES[int(sighting.species.argmax())] for sighting in self._sightings
        ]
        self._owner = state.columns.photo.tolist()
        self._moments = state.moments[state.columns.photo].tolist()
        self._image_ids = [photo.image_id for photo in state.photos]
        self._subject = state.subject_labels()
        self._with_others = _with_others(self._subject, state.columns.photo)
        self._word = Word.of(state)

    def answer(self) -> Answer:
        """The whole answer, both levels."""
        state, request = self._state, self._request
        clusters = tuple(self._clusters())
        return Answer(
            pet_id=request.pet_id,
            version=request.version,
            updated_at=request.at,
            model_version=state.model_version,
            pipeline=PIPELINE,
            clusters=clusters,
            unclustered=tuple(self._unclustered()),
            metrics=self._metrics(clusters),
            failed_images=request.failed,
            images=tuple(self._images()),
            decisions=self._word.decisions(),
        )

    def _clusters(self) -> Iterator[Cluster]:
        """Each subject, the largest first, then its looks, the largest first."""
        state = self._state
        size = np.bincount(self._subject[self._subject != levels.ASIDE], minlength=len(state.subject_ids))
        served = sorted(np.flatnonzero(size).tolist(), key=lambda k: (-int(size[k]), state.subject_ids[k]))
        labels = self._labels(served)
        looks = [list(self._looks(k)) for k in served]
        whose = [state.names[k] or label.lower() for k, label in zip(served, labels, strict=True)]
        distinct = words.album_labels([[title.label for _, title in part] for part in looks], whose)
        for k, label, part, names in zip(served, labels, looks, distinct, strict=True):
            yield self._subject_cluster(k, label)
            for (group, title), name in zip(part, names, strict=True):
                yield self._cluster(group, replace(title, label=name))

    def _labels(self, subjects: Sequence[int]) -> list[str]:
        """Labels of subjects, numbered in the order of their first photos: growing swaps no numbers."""
        rows = sorted((np.flatnonzero(self._subject == k) for k in subjects), key=lambda of: int(of[0]))
        labels = words.subject_labels(
            [np.stack([self._sightings[row].species for row in of]) for of in rows],
            [self._attributes[of] for of in rows],
        )
        label = {int(self._subject[of[0]]): text for of, text in zip(rows, labels, strict=True)}
        return [label[k] for k in subjects]

    def _subject_cluster(self, k: int, label: str) -> Cluster:
        state = self._state
        rows = np.flatnonzero(self._subject == k)
        group = self._group(rows, state.subjects.probabilities[rows])
        return self._cluster(group, _Title(state.subject_ids[k], "subject", None, label, state.names[k]))

    def _looks(self, k: int) -> Iterator[tuple[_Group, _Title]]:
        """Looks of one subject, the largest first, each called as if there were no other subject."""
        part, parent = self._state.looks[k], self._state.subject_ids[k]
        served = [j for j in range(len(part.ids)) if part.level.mixture.counts[j]]
        served.sort(key=lambda j: (-int(part.level.mixture.counts[j]), part.ids[j]))
        groups = [self._look_group(part, j) for j in served]
        names = words.distinct_labels(
            [self._attributes[group.rows] for group in groups],
            [self._period(group.rows) for group in groups],
        )
        for j, group, name in zip(served, groups, names, strict=True):
            yield group, _Title(part.ids[j], "look", parent, name)
        if np.any(part.level.labels == levels.ASIDE):
            rows = part.rows[part.level.labels == levels.ASIDE]
            rest = self._group(rows, self._state.subjects.probabilities[rows])
            yield rest, _Title(f"{parent}-other", "look", parent, _OTHER_LABEL)

    def _look_group(self, part: Looks, look: int) -> _Group:
        inside = np.flatnonzero(part.level.labels == look)
        return self._group(part.rows[inside], part.level.probabilities[inside])

    def _period(self, rows: Int64[np.ndarray, " m"]) -> str:
        """When pictures were taken, in words, where that is known of most of them."""
        times = [self._state.photos[self._owner[row]].captured_at for row in rows]
        known = [time.replace(tzinfo=None) for time in times if time is not None]
        return period(known) if len(known) >= words.HELD * len(times) else ""

    def _group(self, rows: Int64[np.ndarray, " m"], probabilities: Float64[np.ndarray, " m"]) -> _Group:
        columns = self._state.columns
        scored = scored_signals(
            self._signals[rows],
            typicality(columns.look[rows]),
            recency(columns.time_s[columns.photo[rows]]),
        )
        return _Group(rows, probabilities, scored, self._hero.score(scored))

    def _cluster(self, group: _Group, title: _Title) -> Cluster:
        heroes = tuple(self._heroes(group, title.id))
        described = words.descriptors(self._attributes[group.rows])
        return Cluster(
            id=title.id,
            level=title.level,
            parent_id=title.parent_id,
            label=title.label,
            name=title.name,
            provisional=len(group.rows) < self._least[title.level],
            descriptors=tuple(
                Descriptor(attribute=d.attribute, value=d.value, share=as_fraction(d.share))
                for d in described
            ),
            size=len(group.rows),
            cohesion=as_fraction(float(group.probabilities.mean())),
            hero_image_id=heroes[0].image_id if heroes else None,
            heroes=heroes,
            members=tuple(self._members(group)),
        )

    def _heroes(self, group: _Group, cluster_id: str) -> Iterator[Hero]:
        # A picture of two animals stands for one of them where it is clearly better than those of it alone.
        worth = group.scores - self._hero.margin * self._with_others[group.rows]
        candidates = [
            self._word.candidate(row, Candidate(self._image(row), self._moments[row], score))
            for row, score in zip(group.rows.tolist(), worth.tolist(), strict=True)
        ]
        before = self._state.heroes.get(cluster_id, ())
        ranked = rank(candidates, self._request.top, previous=before, margin=self._hero.margin)
        place = {candidate.image_id: i for i, candidate in enumerate(candidates)}
        in_moment = Counter(candidate.moment for candidate in candidates)
        for position, image_id in enumerate(ranked, start=1):
            i = place[image_id]
            yield self._hero_of(group, i, position, in_moment[candidates[i].moment])

    def _hero_of(self, group: _Group, i: int, position: int, in_moment: int) -> Hero:
        why = reasons(group.scored[i], self._hero)
        row = int(group.rows[i])
        box = self._sightings[row].box
        return Hero(
            image_id=self._image(row),
            rank=position,
            score=as_fraction(float(group.scores[i])),
            reasons=(sentence(why, in_moment=in_moment, in_cluster=len(group.rows)),),
            signals=dict(zip(self._scored, as_fractions(group.scored[i, self._weightiest]), strict=True)),
            box=self._boxes[row],
            focal_point=(
                as_fraction((box.left + box.right) / 2),
                as_fraction(box.top + _FOCAL_HEIGHT * box.height),
            ),
            pinned=self._word.pinned(row),
        )

    def _members(self, group: _Group) -> Iterator[Member]:
        rows, exact = group.rows.tolist(), group.scores.tolist()
        images = [self._image(row) for row in rows]
        scores, probabilities = as_fractions(group.scores), as_fractions(group.probabilities)
        order = sorted(range(len(images)), key=lambda i: (-exact[i], images[i]))
        for position, i in enumerate(order, start=1):
            row = rows[i]
            yield Member(
                image_id=images[i],
                score=scores[i],
                position=position,
                probability=probabilities[i],
                box=self._boxes[row],
                species=self._species[row],
                moment=self._moments[row],
                confirmed=self._word.confirmed(row),
            )

    def _unclustered(self) -> Iterator[Unclustered]:
        state = self._state
        shown = {self._owner[row] for row in np.flatnonzero(~self._word.none).tolist()}
        for index, photo in enumerate(state.photos):
            if index not in shown:
                yield Unclustered(image_id=photo.image_id, level="subject", reason="no_animal")
        for row in np.flatnonzero((state.subjects.labels == levels.ASIDE) & ~self._word.none).tolist():
            yield Unclustered(
                image_id=self._image(row),
                level="subject",
                reason=_REASONS[int(state.subjects.reasons[row])],
                best=self._best(row),
                box=self._boxes[row],
            )
        for failed in self._request.failed:
            yield Unclustered(image_id=failed.image_id, level="subject", reason="unreadable")

    def _best(self, row: int) -> BestGuess | None:
        """The animal that a sighting is most like, of those that are served."""
        level = self._state.subjects
        guess = int(level.guesses[row])
        if guess == levels.ASIDE or not level.mixture.counts[guess]:
            return None
        subject_id = self._state.subject_ids[int(self._state.animals[guess])]
        return BestGuess(id=subject_id, probability=as_fraction(float(level.probabilities[row])))

    def _metrics(self, clusters: Sequence[Cluster]) -> Metrics:
        photos = max(len(self._state.photos), 1)
        covered: dict[str, set[str]] = defaultdict(set)
        for part in clusters:
            covered[part.label] |= {member.image_id for member in part.members}
        firsts = [part.heroes[0].score for part in clusters if part.heroes]
        return Metrics(
            coverage={label: as_fraction(len(images) / photos) for label, images in covered.items()},
            quality_score=as_fraction(float(np.mean(firsts))) if firsts else 0.0,
            processed_at=self._request.at,
        )

    def _images(self) -> Iterator[Image]:
        rows = itertools.count()
        for index, photo in enumerate(self._state.photos):
            yield Image(
                image_id=photo.image_id,
                captured_at=photo.captured_at,
                width_px=photo.width_px,
                height_px=photo.height_px,
                moment=int(self._state.moments[index]),
                sightings=tuple(
                    SeenAnimal(
                        box=self._boxes[row],
                        species=self._species[row],
                        score=as_fraction(s.detector_score),
                        rejected=self._word.rejected(row),
                    )
                    for s, row in zip(photo.sightings, rows, strict=False)
                ),
            )

    def _image(self, row: int) -> str:
        return self._image_ids[self._owner[row]]
