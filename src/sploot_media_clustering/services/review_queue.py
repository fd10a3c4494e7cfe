"""What is to be looked at in an album, the least sure first, and what a person may say of each in one press.

Doubt is 1 where yes and no are equally likely, and 0 where one of them is certain.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Final, Literal, TypeAlias

import msgspec
from scipy.special import expit

from sploot_media_clustering.domain.decisions import Kind
from sploot_media_clustering.services.answer import Answer, Cluster, Count, Hero, Member
from sploot_media_clustering.services.decision_records import Question, Said, Sighted
from sploot_media_clustering.services.shapes import Fraction, as_fraction

ItemKind: TypeAlias = Literal["photo", "same", "check", "hero", "name"]

LEAST_DOUBT: Final = 0.1
"""What is surer than 19 to 1 is not asked."""
MOST_ITEMS: Final = 200
ITEMS: Final = 50

_PREFERENCE: Final = 15.0
"""Log odds that a picture is preferred for each unit of score that it is ahead, as in the built-in heads: it
orders what is asked, and decides nothing."""
_SPOKESMEN: Final = 24
"""Sightings that stand for an animal in what is said; the surest of it."""
_EXAMPLES: Final = 4
_MOVES: Final = 6
"""Animals that a photo can be moved to in one press; the largest."""
_ID_HEX: Final = 12


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a person may say of an item.

    Attributes:
        key: to press for it.
        text: on its button.
        said: the body to hand in; where it is of kind ``name``, with the name added.
        shows: the photo that it speaks of, where that is another one.
    """

    key: str
    text: str
    said: Said
    shows: Sighted | None = None


class ReviewItem(msgspec.Struct, frozen=True, kw_only=True):
    """Something to be looked at.

    Attributes:
        id: the same while nothing about it changes.
        kind: ``photo`` (is this Milo?), ``same`` (are these two one animal?), ``check`` (are these photos of
            two animals?), ``hero`` (is this the picture to show?), ``name`` (what is this animal called?).
        text: the question.
        cluster_ids: of what it is about.
        sightings: the photos to look at.
        others: examples to compare them with.
        probability: that the answer is yes; for ``check``, that there are two.
        doubt: from 1, least sure, to 0; items come in this order.
        verdicts: what may be said.
    """

    id: str
    kind: ItemKind
    text: str
    cluster_ids: tuple[str, ...]
    sightings: tuple[Sighted, ...]
    others: tuple[Sighted, ...]
    probability: Fraction
    doubt: Fraction
    verdicts: tuple[Verdict, ...]


class ReviewQueue(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be looked at in an album.

    Attributes:
        pet_id: the album.
        version: of the album.
        total: how many items there are.
        items: the least sure first.
    """

    pet_id: str
    version: int
    total: Count
    items: tuple[ReviewItem, ...]


def doubt(probability: float) -> float:
    """How unsure an answer is that is yes with this probability, as answers carry it."""
    return as_fraction(1.0 - abs(2.0 * probability - 1.0))


def review_queue(answer: Answer, limit: int = ITEMS) -> ReviewQueue:
    """The queue of an album, read off its answer.

    Args:
        answer: with both levels, members and questions.
        limit: items, at most.
    """
    found = _Asker(answer).items()
    ordered = sorted(found, key=lambda item: (-item.doubt, item.kind, item.id))
    return ReviewQueue(
        pet_id=answer.pet_id, version=answer.version, total=len(ordered), items=tuple(ordered[:limit])
    )


class _Asker:
    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._subjects = {part.id: part for part in answer.clusters if part.level == "subject"}

    def items(self) -> Iterator[ReviewItem]:
        yield from self._unsure()
        for part in self._answer.clusters:
            if part.level == "subject":
                yield from self._members(part)
                yield from self._name(part)
            yield from self._hero(part)
        for question in self._answer.questions:
            if question.kind != "confirm":  # about some of the photos that stand aside; all are asked about
                yield self._question(question)

    def _unsure(self) -> Iterator[ReviewItem]:
        for part in self._answer.unclustered:
            best = part.best
            if part.reason == "unsure" and best is not None and best.id in self._subjects:
                seen = Sighted(image_id=part.image_id, box=part.box)
                if _spokesmen(self._subjects[best.id], without=seen.image_id):
                    yield self._photo(seen, self._subjects[best.id], best.probability)

    def _members(self, subject: Cluster) -> Iterator[ReviewItem]:
        for member in subject.members if len(subject.members) > 1 else ():
            if not member.confirmed and doubt(member.probability) >= LEAST_DOUBT:
                yield self._photo(_seen(member), subject, member.probability)

    def _photo(self, seen: Sighted, subject: Cluster, probability: float) -> ReviewItem:
        others = _spokesmen(subject, without=seen.image_id)
        verdicts = [
            _verdict("y", "Yes", "confirm", (seen,), others),
            _verdict("n", "No", "not_this", (seen,), others),
            *self._moves(seen, subject),
            _verdict("o", "An animal of its own", "split", (seen,), others),
            _verdict("a", "No animal", "not_animal", (seen,)),
            _naming(subject),
        ]
        text = f"Is this {_called(subject)}?"
        return _item("photo", text, [subject], (seen,), others[:_EXAMPLES], probability, verdicts)

    def _moves(self, seen: Sighted, subject: Cluster) -> Iterator[Verdict]:
        """To other animals, but for those that are in the photo already."""
        free = [
            other
            for other in self._subjects.values()
            if other.id != subject.id and all(m.image_id != seen.image_id for m in other.members)
        ]
        for number, other in enumerate(free[:_MOVES], start=1):
            others, called = _spokesmen(other), other.name or other.label
            yield _verdict(str(number), called, "confirm", (seen,), others, shows=others[0])

    def _hero(self, part: Cluster) -> Iterator[ReviewItem]:
        """Of clusters with a choice; a look that leads with its animal's hero asks nothing more."""
        subject = self._subjects[part.parent_id or part.id]
        leads = part.parent_id is None or part.hero_image_id != subject.hero_image_id
        if len(part.heroes) < 2 or part.heroes[0].pinned or not leads:  # noqa: PLR2004 a choice
            return
        first, *rest = part.heroes
        seen = _shown(first)
        others = _spokesmen(subject, without=seen.image_id)
        verdicts = [
            _verdict("y", "Yes, show it", "hero", (seen,)),
            _verdict("n", "No, never", "not_hero", (seen,)),
            *(
                _verdict(str(number), "Better", "hero", (_shown(other),), shows=_shown(other))
                for number, other in enumerate(rest, start=1)
            ),
            _verdict("x", "Not this animal", "not_this", (seen,), others),
            _naming(subject),
        ]
        look = "" if part.parent_id is None else f" for “{part.name or part.label}”"
        text = f"Show this one of {_called(subject)}{look}?"
        probability = float(expit(_PREFERENCE * (first.score - rest[0].score)))
        shown = tuple(map(_shown, rest))
        yield _item("hero", text, [part], (seen,), shown, probability, verdicts)

    def _name(self, subject: Cluster) -> Iterator[ReviewItem]:
        if subject.name is None and not subject.provisional:
            shown = _spokesmen(subject)[: _EXAMPLES + 1]
            text = f"What is {_called(subject)} called?"
            yield _item("name", text, [subject], shown[:1], shown[1:], 1.0, [_naming(subject)])

    def _question(self, question: Question) -> ReviewItem:
        subjects = [self._subjects[part] for part in question.cluster_ids]
        yes, no = {
            "same": ("Yes, one animal", "No, two animals"),
            "check": ("Yes, two animals", "No, one animal"),
        }[question.kind]
        verdicts = [
            Verdict(key="y", text=yes, said=question.yes),
            Verdict(key="n", text=no, said=question.no),
            _naming(subjects[0]),
        ]
        return _item(
            "same" if question.kind == "same" else "check",
            question.text,
            subjects,
            question.sightings,
            question.others,
            question.probability,
            verdicts,
        )


def _item(
    kind: ItemKind,
    text: str,
    clusters: Sequence[Cluster],
    sightings: tuple[Sighted, ...],
    others: tuple[Sighted, ...],
    probability: float,
    verdicts: Sequence[Verdict],
) -> ReviewItem:
    ids = tuple(part.id for part in clusters)
    compared = others if kind in ("same", "check") else ()
    digest = hashlib.sha256(msgspec.json.encode((kind, sightings, compared)))
    return ReviewItem(
        id=digest.hexdigest()[:_ID_HEX],
        kind=kind,
        text=text,
        cluster_ids=ids,
        sightings=sightings,
        others=others,
        probability=as_fraction(probability),
        doubt=doubt(probability),
        verdicts=tuple(verdicts),
    )


def _verdict(
    key: str,
    text: str,
    kind: Kind,
    sightings: tuple[Sighted, ...],
    others: tuple[Sighted, ...] = (),
    *,
    shows: Sighted | None = None,
) -> Verdict:
    return Verdict(key=key, text=text, said=Said(kind=kind, sightings=sightings, others=others), shows=shows)


def _naming(subject: Cluster) -> Verdict:
    text = "Name it" if subject.name is None else f"Rename {subject.name}"
    return _verdict("r", text, "name", _spokesmen(subject))


def _spokesmen(subject: Cluster, without: str | None = None) -> tuple[Sighted, ...]:
    """The members that are surest, those that a person confirmed first."""
    order = sorted(subject.members, key=lambda member: (not member.confirmed, -member.probability))
    return tuple(_seen(member) for member in order if member.image_id != without)[:_SPOKESMEN]


def _seen(member: Member) -> Sighted:
    return Sighted(image_id=member.image_id, box=member.box)


def _shown(hero: Hero) -> Sighted:
    return Sighted(image_id=hero.image_id, box=hero.box)


def _called(subject: Cluster) -> str:
    return subject.name or f"“{subject.label}”"
