"""Jobs applied to an album: a pure function, in which a job that comes late, or again, changes nothing.

Each photo, each decision and the owner's word keep the position that was last applied to them; a lower one is
a no-op. So the album depends on which jobs it holds, not on the order in which they were done.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from sploot_media_clustering.domain import tree
from sploot_media_clustering.domain.album import PhotoEmbedding
from sploot_media_clustering.domain.tree import AlbumState
from sploot_media_clustering.errors import InputError, StateError
from sploot_media_clustering.services import state_codec
from sploot_media_clustering.services.album_record import AlbumRecord, Failed, Source, Told, with_term
from sploot_media_clustering.services.answer import Answer, FailedImage
from sploot_media_clustering.services.answering import Request
from sploot_media_clustering.services.clustering import ClusteringService
from sploot_media_clustering.services.decision_records import decision_of
from sploot_media_clustering.services.desk import Decide, DeletePet, Invalidate, RemoveImage, Undo
from sploot_media_clustering.services.job_request import JobImage, JobRequest
from sploot_media_clustering.services.jobs import ChangeJob, Job, Position, name_of
from sploot_media_clustering.services.review import ReviewService
from sploot_media_clustering.services.rollout import Pipeline, Pipelines, Shares
from sploot_media_clustering.services.shadow import LEVELS, Difference, difference
from sploot_media_clustering.services.stub import stub_answer
from sploot_media_clustering.services.telling import facts

_log = logging.getLogger(__name__)

TOMBSTONE_MS: Final = 30 * 24 * 3600 * 1000
"""How long it is remembered that a photo went: several times the longest age of a job."""


@dataclass(frozen=True, slots=True, eq=False)
class ReadyPhoto:
    """A photo that the networks have seen.

    Attributes:
        embedding: what they saw.
        source: where it came from.
    """

    embedding: PhotoEmbedding
    source: Source


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A job that is ready to be applied.

    Attributes:
        job: with an id.
        position: in the order of all jobs.
        photos: of each of its images, what the networks saw, or why there is nothing.
    """

    job: Job
    position: Position
    photos: Mapping[str, ReadyPhoto | FailedImage] = field(default_factory=dict)

    @property
    def job_id(self) -> str:
        """Of the job."""
        return name_of(self.job)


@dataclass(frozen=True, slots=True, eq=False)
class Applied:
    """What became of an album.

    Attributes:
        record: to be stored.
        answer: None where the album holds nothing.
        superseded: ids of jobs that came before the album's deletion.
        refused: ids of jobs that say nothing that could be meant, and why; they are not in the album.
    """

    record: AlbumRecord
    answer: Answer | None
    superseded: frozenset[str]
    refused: Mapping[str, str]


class AlbumApplier:
    """Applies jobs to albums.

    Args:
        clustering: of the model that runs.
        top: heroes of each cluster.
        questions: asked back in an answer, at most.
        pipelines: which pipeline answers for which album; by default the mixture for all.
    """

    def __init__(
        self,
        clustering: ClusteringService,
        *,
        top: int = 3,
        questions: int = 0,
        pipelines: Pipelines | None = None,
    ) -> None:
        self._clustering = clustering
        self._pipelines = pipelines or Shares()
        self._review = ReviewService(clustering)
        self._request = _Shown(top, questions)

    def apply(
        self, record: AlbumRecord, jobs: Sequence[Prepared], *, pet_id: str, version: int, settle: bool
    ) -> Applied:
        """The album with some jobs more.

        Args:
            record: of the album.
            jobs: in any order.
            pet_id: the album.
            version: that it becomes: milliseconds, which are the time of its answer, too.
            settle: whether it settles in the end, though no job asks for that.

        Raises:
            StateError: the album is of another model.
        """
        draft = _Draft(record, self._clustering, self._review, version)
        superseded, refused = set(), {}
        deletion = last_deletion(jobs)
        for part in sorted(jobs, key=lambda part: part.position):
            if is_past(draft.deleted, part.position) or is_past(deletion, part.position):
                superseded.add(part.job_id)
                continue
            try:
                draft.do(part)
            except InputError as error:
                if isinstance(error, StateError):
                    raise
                refused[part.job_id] = str(error)
        state = draft.settled() if settle or draft.asked_to_settle else draft.state
        if state is not None and _is_nothing(state):
            state = None  # as if its photos had never come: whether they came before they went is no matter
        answer = self._answer(state, draft.failed, pet_id, version)
        if state is not None and answer is not None:
            state = self._clustering.shown(state, answer)
        pipeline = self._pipelines.of(pet_id)
        told = self._told(answer, draft.told, pipeline)
        if answer is not None and told is not None and pipeline == "shadow":
            self._compare(pet_id, told, answer)
        return Applied(draft.record(state), told, frozenset(superseded), refused)

    def answer(self, record: AlbumRecord, pet_id: str) -> Answer | None:
        """The answer of an album as it is stored; None where it holds nothing.

        Raises:
            StateError: the album is of another model.
        """
        state = None if record.state is None else state_codec.unpack(record.state)
        answer = self._answer(state, record.failed, pet_id, record.version)
        return self._told(answer, record.told, self._pipelines.of(pet_id))

    def _told(self, answer: Answer | None, told: Mapping[str, Told], pipeline: Pipeline) -> Answer | None:
        """What is answered: by the mixture, or by the stub in its place."""
        if answer is None or pipeline == "mixture":
            return answer
        return stub_answer(answer, told, top=self._request.top)

    def _compare(self, pet_id: str, old: Answer, new: Answer) -> tuple[Difference, ...]:
        """Note how the mixture would have answered."""
        found = tuple(difference(old, new, level) for level in LEVELS)
        for one in found:
            _log.info("shadow", extra=facts(pet_id=pet_id, version=new.version, **asdict(one)))
        return found

    def _answer(
        self, state: AlbumState | None, failed: Mapping[str, Failed], pet_id: str, version: int
    ) -> Answer | None:
        if state is None and not failed:
            return None
        told = tuple(failed[image_id].image for image_id in sorted(failed))
        request = Request(
            pet_id=pet_id,
            at=datetime.fromtimestamp(version / 1000, UTC),
            top=self._request.top,
            version=version,
            failed=told,
            questions=self._request.questions,
        )
        return self._clustering.answer(state or self._clustering.empty(), request)


def _is_nothing(state: AlbumState) -> bool:
    return not (state.photos or state.decisions or state.expected_animals)


def last_deletion(jobs: Iterable[Prepared]) -> Position | None:
    """Position of the last of some jobs that deletes the album."""
    deletions = (part for part in jobs if isinstance(getattr(part.job, "change", None), DeletePet))
    return max((part.position for part in deletions), default=None)


def is_past(deleted: Position | None, position: Position) -> bool:
    """Whether a job came before the album's deletion."""
    return deleted is not None and position < deleted


@dataclass(frozen=True, slots=True)
class _Shown:
    top: int
    questions: int


class _Draft:
    """An album while jobs are applied to it."""

    def __init__(
        self, record: AlbumRecord, clustering: ClusteringService, review: ReviewService, version: int
    ) -> None:
        self._clustering = clustering
        self._review = review
        self._version = version
        self.state = None if record.state is None else state_codec.unpack(record.state)
        self._images = dict(record.images)
        self._removed_ms = dict(record.removed_ms)
        self._sources = dict(record.sources)
        self.failed = dict(record.failed)
        self._decisions = dict(record.decisions)
        self._expected = record.expected
        self.deleted = record.deleted
        self._former = record.former
        self._answered = record.answered
        self.told = dict(record.told)
        self.asked_to_settle = False

    def do(self, part: Prepared) -> None:
        """One job.

        Raises:
            InputError: it says nothing that could be meant; nothing of it was done.
        """
        if isinstance(part.job, JobRequest):
            self._do_photos(part, part.job)
        else:
            self._do_change(part.job, part.position)

    def _do_photos(self, part: Prepared, job: JobRequest) -> None:
        if job.expected_animals is not None:
            self._expect(job.expected_animals, part.position)
        self._remove(job.remove_image_ids, part.position)
        for image in job.images:
            self._tell(image, part.position)
        news = [photo for name, photo in part.photos.items() if self._is_news(name, part.position)]
        for photo in news:
            if isinstance(photo, FailedImage):
                self._fail(photo, part.position)
        self._add([photo for photo in news if isinstance(photo, ReadyPhoto)], part.position)

    def _do_change(self, job: ChangeJob, position: Position) -> None:
        match job.change:
            case Decide(said=said):
                decision = decision_of(said, job.at)
                if self._decides(decision.id, position):
                    self.state = self._review.apply(self._at_hand(), (decision,))
            case Undo(decision_id=decision_id):
                if self._decides(decision_id, position) and self._said(decision_id):
                    self.state, _ = self._review.undo(self._at_hand(), (decision_id,))
            case RemoveImage(image_id=image_id):
                self._remove((image_id,), position)
            case DeletePet():
                self._delete(position)
            case Invalidate(let_go=let_go):
                self.asked_to_settle = True
                self._former = None if let_go else self._former

    def _is_news(self, image_id: str, position: Position) -> bool:
        before = self._images.get(image_id)
        return before is None or before < position

    def _tell(self, image: JobImage, position: Position) -> None:
        """A publisher's word on a photo; the newest one holds, also that there is none."""
        known = [part.get(image.image_id) for part in (self.told, self.failed)]
        is_past = any(before is not None and before.position > position for before in known)
        if is_past or not self._is_news(image.image_id, position):
            return
        self.told.pop(image.image_id, None)
        if image.label is not None or image.quality is not None:
            self.told[image.image_id] = Told(position, image.label, image.quality)

    def _add(self, photos: Sequence[ReadyPhoto], position: Position) -> None:
        if photos:
            self.state = self._clustering.add_all(self._at_hand(), [photo.embedding for photo in photos])
        for photo in photos:
            image_id = photo.embedding.image_id
            self._images[image_id] = position
            self._sources[image_id] = photo.source
            self._removed_ms.pop(image_id, None)
            if image_id in self.failed and self.failed[image_id].position < position:
                del self.failed[image_id]

    def _fail(self, photo: FailedImage, position: Position) -> None:
        """A photo that failed takes no place from one that did not, whichever came first."""
        before = self.failed.get(photo.image_id)
        if before is None or before.position < position:
            self.failed[photo.image_id] = Failed(position, photo)

    def _remove(self, image_ids: Iterable[str], position: Position) -> None:
        for image_id in image_ids:
            for known in (self.failed, self.told):
                if image_id in known and known[image_id].position < position:
                    del known[image_id]
            if self._is_news(image_id, position):
                self._take_out(image_id)
                self._images[image_id] = position
                self._removed_ms[image_id] = self._version

    def _take_out(self, image_id: str) -> None:
        if self.state is not None and any(photo.image_id == image_id for photo in self.state.photos):
            self.state = self._clustering.remove(self.state, image_id)
        self._sources.pop(image_id, None)
        if self._former is not None and image_id in self._former.images:
            self._former = None  # a photo that is removed leaves no trace

    def _delete(self, position: Position) -> None:
        """What came before goes without a trace, of whatever model it was; what came after stays."""
        self.deleted = position
        self._former = None
        self._answered = ()
        self._images = {name: at for name, at in self._images.items() if at > position}
        self._removed_ms = {name: at for name, at in self._removed_ms.items() if name in self._images}
        self._sources = {name: part for name, part in self._sources.items() if name in self._images}
        self.failed = {name: part for name, part in self.failed.items() if part.position > position}
        self.told = {name: part for name, part in self.told.items() if part.position > position}
        self._decisions = {name: at for name, at in self._decisions.items() if at > position}
        if self._expected is not None and self._expected < position:
            self._expected = None
        self.state = self._begun_anew(self.state) if self.state is not None else None

    def _begun_anew(self, state: AlbumState) -> AlbumState | None:
        """The album of what is left, as if nothing else had ever been; None where that is nothing."""
        fresh = self._clustering.empty(state.expected_animals if self._expected else None)
        kept = tuple(said for said in state.decisions if said.id in self._decisions)
        photos = [photo for photo in state.photos if photo.image_id in self._images]
        if not (photos or kept or self._expected):
            return None
        if photos:
            tree.require(state, self._clustering.model)
        return tree.brought_to(replace(fresh, decisions=kept), photos, self._clustering.model)

    def _decides(self, decision_id: str, position: Position) -> bool:
        before = self._decisions.get(decision_id)
        if before is not None and before > position:
            return False
        self._decisions[decision_id] = position
        return True

    def _said(self, decision_id: str) -> bool:
        return self.state is not None and any(said.id == decision_id for said in self.state.decisions)

    def _expect(self, animals: int | tuple[int, ...], position: Position) -> None:
        if self._expected is not None and self._expected > position:
            return
        least, most = (animals, animals) if isinstance(animals, int) else animals
        self._expected = position
        self.state = replace(self._at_hand(), expected_animals=(least, most))
        self.asked_to_settle = True

    def _at_hand(self) -> AlbumState:
        return self._clustering.empty() if self.state is None else self.state

    def settled(self) -> AlbumState | None:
        """The state, settled where anything came or went since it last was."""
        if self.state is None or not (self.asked_to_settle or self.state.unsettled):
            return self.state
        return self._clustering.settle(self.state)

    def record(self, state: AlbumState | None) -> AlbumRecord:
        """The album as it is to be stored; photos that went long ago are forgotten."""
        model_version = self._clustering.model.version if state is not None or self.failed else ""
        forgotten = {name for name, at in self._removed_ms.items() if at < self._version - TOMBSTONE_MS}
        return AlbumRecord(
            state=None if state is None else state_codec.pack(state),
            model_version="" if state is None else state.model_version,
            images={name: at for name, at in self._images.items() if name not in forgotten},
            removed_ms={name: at for name, at in self._removed_ms.items() if name not in forgotten},
            sources=self._sources,
            failed=self.failed,
            decisions=self._decisions,
            expected=self._expected,
            deleted=self.deleted,
            version=self._version,
            told=self.told,
            former=self._former,
            answered=with_term(self._answered, model_version, self._version),
        )
