"""Hypothesis strategies for answers: consistent ones, with every corner of the schema in reach."""

from __future__ import annotations

from datetime import UTC
from typing import get_args

from hypothesis import strategies as st
from msgspec import structs

from sploot_media_clustering.domain.decisions import KINDS
from sploot_media_clustering.services.answer import (
    Albums,
    Answer,
    BestGuess,
    Cluster,
    Descriptor,
    FailedImage,
    Hero,
    Image,
    Level,
    Member,
    Metrics,
    Reason,
    SeenAnimal,
    Species,
    Unclustered,
)
from sploot_media_clustering.services.decision_records import Decided, Question, Said, Sighted
from sploot_media_clustering.services.shapes import BoxFractions, as_fraction

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
fractions = st.floats(0, 1).map(as_fraction)
instants = st.datetimes(timezones=st.just(UTC))
species = st.sampled_from(get_args(Species))
moments = st.integers(0, 9)


@st.composite
def boxes(draw: st.DrawFn) -> BoxFractions:
    left, right = sorted((draw(fractions), draw(fractions)))
    top, bottom = sorted((draw(fractions), draw(fractions)))
    return left, top, right, bottom


@st.composite
def heroes(draw: st.DrawFn, image_ids: list[str]) -> tuple[Hero, ...]:
    chosen = draw(st.lists(st.sampled_from(image_ids), max_size=3, unique=True))
    return tuple(
        Hero(
            image_id=image_id,
            rank=rank,
            score=draw(fractions),
            reasons=tuple(draw(st.lists(words, max_size=2))),
            signals=draw(st.dictionaries(names, fractions, max_size=3)),
            box=draw(boxes()),
            focal_point=(draw(fractions), draw(fractions)),
            pinned=draw(st.booleans()),
        )
        for rank, image_id in enumerate(chosen, start=1)
    )


@st.composite
def members(draw: st.DrawFn, image_ids: list[str]) -> tuple[Member, ...]:
    return tuple(
        Member(
            image_id=image_id,
            score=draw(fractions),
            position=position,
            probability=draw(fractions),
            box=draw(boxes()),
            species=draw(species),
            moment=draw(moments),
            confirmed=draw(st.booleans()),
        )
        for position, image_id in enumerate(image_ids, start=1)
    )


@st.composite
def clusters(draw: st.DrawFn, cluster_id: str, parent_id: str | None, image_ids: list[str]) -> Cluster:
    ranked = draw(heroes(image_ids))
    described = st.builds(Descriptor, attribute=words, value=words, share=fractions)
    return Cluster(
        id=cluster_id,
        level="subject" if parent_id is None else "look",
        parent_id=parent_id,
        label=draw(words),
        name=draw(st.none() | words),
        provisional=draw(st.booleans()),
        descriptors=tuple(draw(st.lists(described, max_size=2))),
        size=len(image_ids),
        cohesion=draw(fractions),
        hero_image_id=ranked[0].image_id if ranked else None,
        heroes=ranked,
        members=draw(members(image_ids)),
    )


@st.composite
def trees(draw: st.DrawFn, image_ids: list[str]) -> tuple[Cluster, ...]:
    """Up to two subjects with up to two looks each."""
    if not image_ids:
        return ()
    tree = []
    some = st.lists(st.sampled_from(image_ids), min_size=1, max_size=4, unique=True)
    for subject in range(draw(st.integers(0, 2))):
        photos = draw(some)
        tree.append(draw(clusters(f"s{subject}", None, photos)))
        inside = st.lists(st.sampled_from(photos), min_size=1, max_size=3, unique=True)
        tree += [
            draw(clusters(f"s{subject}-{look}", f"s{subject}", draw(inside)))
            for look in range(draw(st.integers(0, 2)))
        ]
    return tuple(tree)


@st.composite
def unclustered(draw: st.DrawFn, image_ids: list[str], cluster_ids: list[str]) -> Unclustered:
    guesses = st.none()
    if cluster_ids:
        guesses |= st.builds(BestGuess, id=st.sampled_from(cluster_ids), probability=fractions)
    return Unclustered(
        image_id=draw(st.sampled_from(image_ids)),
        level=draw(st.sampled_from(get_args(Level))),
        reason=draw(st.sampled_from(get_args(Reason))),
        best=draw(guesses),
        box=draw(st.none() | boxes()),
    )


@st.composite
def images(draw: st.DrawFn, image_id: str) -> Image:
    seen = st.builds(SeenAnimal, box=boxes(), species=species, score=fractions)
    return Image(
        image_id=image_id,
        captured_at=draw(st.none() | st.datetimes() | instants),
        width_px=draw(st.integers(1, 9000)),
        height_px=draw(st.integers(1, 9000)),
        moment=draw(st.none() | moments),
        sightings=tuple(draw(st.lists(seen, max_size=2))),
    )


sighted = st.builds(Sighted, image_id=names, box=st.none() | boxes())
said = st.builds(
    Said,
    kind=st.sampled_from(KINDS),
    sightings=st.lists(sighted, min_size=1, max_size=2).map(tuple),
    others=st.lists(sighted, max_size=2).map(tuple),
    name=st.none() | names,
)
decided = st.builds(
    lambda part, instant, decision_id, status: Decided(
        id=decision_id, at=instant, status=status, **structs.asdict(part)
    ),
    said,
    instants,
    names,
    st.sampled_from(["holds", "superseded", "waiting"]),
)
questions = st.builds(
    Question,
    id=names,
    kind=st.sampled_from(["confirm", "same", "check"]),
    text=words,
    cluster_ids=st.lists(names, min_size=1, max_size=2).map(tuple),
    sightings=st.lists(sighted, min_size=1, max_size=2).map(tuple),
    others=st.lists(sighted, max_size=2).map(tuple),
    probability=fractions,
    worth=st.floats(0, 100),
    yes=said,
    no=said,
)


@st.composite
def answers(draw: st.DrawFn) -> Answer:
    """An answer whose clusters, photos and guesses refer to each other and to nothing else."""
    image_ids = draw(st.lists(names, max_size=5, unique=True))
    tree = draw(trees(image_ids))
    aside = unclustered(image_ids, [cluster.id for cluster in tree])
    failed = st.builds(FailedImage, image_id=names, error=words, message=words)
    return Answer(
        pet_id=draw(words),
        version=draw(st.integers(0, 2**53)),
        updated_at=draw(instants),
        model_version=draw(words),
        pipeline=draw(words),
        clusters=tree,
        unclustered=tuple(draw(st.lists(aside, max_size=3 if image_ids else 0))),
        metrics=Metrics(
            coverage=draw(st.dictionaries(words, fractions, max_size=3)),
            quality_score=draw(fractions),
            processed_at=draw(instants),
        ),
        failed_images=tuple(draw(st.lists(failed, max_size=2))),
        images=tuple(draw(images(image_id)) for image_id in image_ids),
        decisions=tuple(draw(st.lists(decided, max_size=2))),
        questions=tuple(draw(st.lists(questions, max_size=2))),
    )


albums = st.dictionaries(words, answers(), max_size=2).map(lambda by_name: Albums(albums=by_name))
