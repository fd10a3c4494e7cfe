"""What people said holds, leaves no trace when taken back, and touches nobody else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies_album import DIMENSION, LOOK_DIMENSION, Spec, albums, sighting, tree_model

from sploot_media_clustering.domain import arrivals, tree
from sploot_media_clustering.domain.album import Photo
from sploot_media_clustering.domain.decisions import OF_TWO, Decision, Kind, SightingRef, decide
from sploot_media_clustering.domain.level import ASIDE, PLACED
from sploot_media_clustering.domain.statements import Assignment, statements, unmet
from sploot_media_clustering.domain.tree import AlbumState, TreeModel

MODEL = tree_model()
START = datetime(2026, 1, 1, tzinfo=UTC)
STRUCTURAL: tuple[Kind, ...] = ("same", "different", "not_this", "confirm", "split", "not_animal", "name")


class Step(NamedTuple):
    """One thing that happens to an album: what, and which photos, decisions and names it picks."""

    what: str
    first: int
    second: int
    many: int
    name: str


steps = st.builds(
    Step,
    st.sampled_from(["add", "remove", "undo", *STRUCTURAL, "name", "same"]),
    st.integers(0, 999),
    st.integers(0, 999),
    st.integers(1, 4),
    st.sampled_from(["Milo", "Luna", "milo"]),
)


def settled(photos: tuple[Photo, ...], decisions: tuple[Decision, ...] = ()) -> AlbumState:
    state = tree.empty(MODEL)
    for photo in photos:
        state, _ = arrivals.arrive(state, photo, MODEL)
    return tree.settle(replace(state, decisions=decisions), MODEL)


def said(state: AlbumState, step: Step, at: int) -> Decision | None:
    """A decision about sightings of the album; of clusters of sightings where that is what people do."""
    refs = [
        SightingRef(photo.image_id, sighting.box) for photo in state.photos for sighting in photo.sightings
    ]
    if not refs:
        return None
    labels = state.subject_labels()

    def group(pick: int) -> list[SightingRef]:
        row = pick % len(refs)
        if step.many % 2 and labels[row] != ASIDE and step.what in ("same", "name", "different"):
            return [refs[i] for i in np.flatnonzero(labels == labels[row])]
        return [refs[(row + i) % len(refs)] for i in range(step.many)]

    kind: Kind = next(k for k in STRUCTURAL if k == step.what)
    own = group(step.first)
    others = [ref for ref in group(step.second) if ref not in own] if kind in OF_TWO else []
    if kind in OF_TWO and not others:
        return None
    name = step.name if kind == "name" else None
    return decide(kind, START + timedelta(seconds=at), own, others, name=name)


def after(state: AlbumState, step: Step, at: int, waiting: list[Photo]) -> AlbumState:
    if step.what == "add" and waiting:
        return arrivals.add(state, waiting.pop(), MODEL)[0]
    if step.what == "remove" and state.photos:
        gone = state.photos[step.first % len(state.photos)]
        waiting.append(gone)
        return arrivals.remove(state, gone.image_id, MODEL)
    if step.what == "undo" and state.decisions:
        place = step.first % len(state.decisions)
        kept = (*state.decisions[:place], *state.decisions[place + 1 :])
        return tree.settle(replace(state, decisions=kept), MODEL)
    if step.what in STRUCTURAL and (decision := said(state, step, at)) is not None:
        return tree.settle(replace(state, decisions=(*state.decisions, decision)), MODEL)
    return state


def broken(state: AlbumState) -> list[Decision]:
    """Decisions that neither hold nor gave way to a newer one."""
    live = [
        s
        for s in statements(state.decisions, state.photos)
        if not s.waiting and s.decision.id not in state.superseded
    ]
    return [s.decision for s in unmet(live, Assignment(state.subjects.labels, state.animals))]


def partition(state: AlbumState) -> tuple[object, ...]:
    return (
        state.subjects.labels.tolist(),
        state.animals.tolist(),
        state.names,
        dict(state.superseded),
        state.subjects.probabilities.tolist(),
        state.subjects.mixture.sums.tolist(),
        [(part.rows.tolist(), part.level.labels.tolist()) for part in state.looks],
    )


@settings(max_examples=20, deadline=None)
@given(albums(most=14), st.lists(steps, max_size=12))
def test_any_history_ends_where_its_surviving_decisions_and_photos_lead(
    spec: Spec, history: list[Step]
) -> None:
    """Decisions hold after every step, and a settled album knows nothing of what was taken back."""
    photos = spec.build()
    waiting = list(photos[len(photos) // 2 :])
    state = settled(photos[: len(photos) // 2])
    for at, step in enumerate(history):
        state = after(state, step, at, waiting)
        assert broken(state) == []
    state = tree.settle(state, MODEL)
    assert partition(state) == partition(settled(state.photos, state.decisions))


@settings(max_examples=20, deadline=None)
@given(albums(most=14), st.lists(steps, min_size=1, max_size=6))
def test_the_newest_decision_always_holds(spec: Spec, history: list[Step]) -> None:
    """Whatever was said before, what was said last is so."""
    state = settled(spec.build())
    for at, step in enumerate(history):
        decision = said(state, step, at) if step.what in STRUCTURAL else None
        if decision is not None:
            state = tree.settle(replace(state, decisions=(*state.decisions, decision)), MODEL)
            assert decision.id not in state.superseded


@settings(max_examples=20, deadline=None)
@given(albums(most=20), steps)
def test_a_decision_moves_no_sure_photo_of_another_animal(spec: Spec, step: Step) -> None:
    """Members of animals that a decision does not speak of stay together; only unsure ones join them."""
    state = settled(spec.build())
    decision = said(state, step, 0) if step.what in STRUCTURAL else None
    if decision is None:
        return
    before = state.subject_labels()
    (statement,) = statements((decision,), state.photos)
    spoken = {int(before[row]) for row in (*statement.rows, *statement.others)}
    after_it = tree.settle(replace(state, decisions=(decision,)), MODEL).subject_labels()
    for label in set(before.tolist()) - spoken - {ASIDE}:
        inside = np.flatnonzero(before == label)
        (now,) = set(after_it[inside].tolist())
        company = np.setdiff1d(np.flatnonzero(after_it == now), inside)
        assert now != ASIDE
        assert all(before[row] == ASIDE or int(before[row]) in spoken for row in company)


def one_cat(rng: np.random.Generator, first: str, count: int, centre: np.ndarray) -> tuple[Photo, ...]:
    look = np.zeros(LOOK_DIMENSION)
    return tuple(
        Photo(
            image_id=f"{first}{i:03d}.jpg",
            captured_at=None,
            width_px=800,
            height_px=600,
            scene=_unit(rng.normal(size=5)),
            sightings=(sighting(rng, centre, look),),
        )
        for i in range(count)
    )


def _unit(vector: np.ndarray) -> np.ndarray:
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def test_a_kitten_and_the_cat_it_became_are_one_animal_of_two_gaussians() -> None:
    """Linked by one decision, new photos of either join the animal; one Gaussian would lose a side."""
    rng = np.random.default_rng(5)
    kitten, adult = np.full(DIMENSION, 5.0), np.full(DIMENSION, -5.0)
    photos = one_cat(rng, "k", 20, kitten) + one_cat(rng, "a", 15, adult)
    state = settled(photos)
    assert len(state.subject_ids) == 2
    groups = [[SightingRef(photo.image_id) for photo in photos if photo.image_id[0] == side] for side in "ka"]
    link = decide("same", START, groups[0], groups[1])
    state = tree.settle(replace(state, decisions=(link,)), MODEL)
    assert (len(state.subject_ids), len(state.subjects.mixture)) == (1, 2)
    new = one_cat(rng, "n", 100, kitten) + one_cat(rng, "m", 100, adult)
    joined = 0
    for photo in new:
        _, (arrival,) = arrivals.arrive(state, photo, MODEL)
        joined += arrival.reason == PLACED
    assert joined >= 0.95 * len(new)


def test_a_name_follows_its_animal_and_not_a_stranger() -> None:
    """One of the named photos turns out to be another animal: the name stays with the others."""
    rng = np.random.default_rng(1)
    photos = one_cat(rng, "a", 6, np.full(DIMENSION, 5.0)) + one_cat(rng, "b", 3, np.full(DIMENSION, -5.0))
    named = decide("name", START, [SightingRef(p.image_id) for p in photos[:7]], name="Milo")
    state = settled(photos, (named,))
    assert state.names == ("Milo", None)


def test_a_name_given_again_replaces_the_first() -> None:
    """Renaming an animal supersedes the older name."""
    rng = np.random.default_rng(1)
    photos = one_cat(rng, "a", 6, np.zeros(DIMENSION))
    refs = [SightingRef(p.image_id) for p in photos]
    first = decide("name", START, refs, name="Milo")
    second = decide("name", START + timedelta(days=1), refs[:1], name="Moritz")
    state = settled(photos, (first, second))
    assert (state.names, dict(state.superseded)) == (("Moritz",), {first.id: second.id})


def test_two_names_keep_two_animals_apart() -> None:
    """Photos that the mixture would put together are two animals once they have two names."""
    rng = np.random.default_rng(1)
    photos = one_cat(rng, "a", 10, np.zeros(DIMENSION))
    refs = [SightingRef(p.image_id) for p in photos]
    names = (
        decide("name", START, refs[:5], name="Milo"),
        decide("name", START + timedelta(days=1), refs[5:], name="Luna"),
    )
    assert settled(photos).names == (None,)
    assert set(settled(photos, names).names) == {"Milo", "Luna"}


def test_a_split_keeps_the_id_where_most_confirmed_photos_are() -> None:
    """Of a split, the part that a person confirmed keeps the id, even the smaller one."""
    rng = np.random.default_rng(1)
    photos = one_cat(rng, "a", 10, np.zeros(DIMENSION))
    refs = [SightingRef(p.image_id) for p in photos]
    state = settled(photos)
    (kept,) = state.subject_ids
    state = tree.settle(replace(state, decisions=(decide("split", START, refs[:3], refs[3:]),)), MODEL)
    small = int(state.subject_labels()[0])
    assert len(state.subject_ids) == 2
    assert state.subject_ids[small] == kept


def test_a_photo_that_is_not_of_an_animal_stays_out_of_it() -> None:
    """Taken out, a photo does not come back at any later settling."""
    rng = np.random.default_rng(1)
    photos = one_cat(rng, "a", 10, np.zeros(DIMENSION))
    refs = [SightingRef(p.image_id) for p in photos]
    state = settled(photos, (decide("not_this", START, refs[:1], refs[1:]),))
    for photo in one_cat(rng, "b", 10, np.zeros(DIMENSION)):
        state, _ = arrivals.add(state, photo, MODEL)
    labels = tree.settle(state, MODEL).subject_labels()
    assert labels[0] == ASIDE
    assert (labels[1:] == 0).all()


def test_what_is_no_animal_stays_out_of_all_of_them() -> None:
    """Whatever joins later, until a newer word says whom it shows."""
    rng = np.random.default_rng(1)
    photos = one_cat(rng, "a", 8, np.zeros(DIMENSION)) + one_cat(rng, "b", 8, np.full(DIMENSION, 9.0))
    refs = [SightingRef(p.image_id) for p in photos]
    state = settled(
        photos, (decide("not_animal", START, refs[:2]), decide("name", START, refs[2:8], name="Milo"))
    )
    for photo in one_cat(rng, "c", 6, np.zeros(DIMENSION)):
        state, _ = arrivals.add(state, photo, MODEL)
    state = tree.settle(state, MODEL)
    assert (state.subject_labels()[:2] == ASIDE).all()
    assert (state.subject_labels()[2:] != ASIDE).all()
    newer = decide("confirm", START + timedelta(1), refs[:1], refs[2:8])
    state = tree.settle(replace(state, decisions=(*state.decisions, newer)), MODEL)
    assert state.subject_labels()[0] == state.subject_labels()[2]
    assert state.superseded == {state.decisions[0].id: newer.id}


def test_a_decision_is_found_again_by_overlap() -> None:
    """Another detector's box of the same animal is meant, a box elsewhere is not."""
    photo = one_cat(np.random.default_rng(1), "a", 1, np.zeros(DIMENSION))[0]
    box = photo.sightings[0].box
    near = replace(box, right=box.right - 0.1 * box.width)
    far = replace(box, left=box.right - 0.1 * box.width)
    found = [
        statements((decide("name", START, [SightingRef(photo.image_id, b)], name="Milo"),), (photo,))[
            0
        ].waiting
        for b in (box, near, far)
    ]
    assert found == [False, False, True]


def test_models_of_another_tree_read_the_same_decisions() -> None:
    """Decisions know no ids, so they hold under another model."""
    rng = np.random.default_rng(1)
    photos = one_cat(rng, "a", 6, np.full(DIMENSION, 5.0)) + one_cat(rng, "b", 6, np.full(DIMENSION, -5.0))
    refs = [SightingRef(p.image_id) for p in photos]
    decisions = (decide("same", START, refs[:6], refs[6:]),)
    other: TreeModel = tree_model(min_size=3)
    state = tree.empty(other)
    for photo in photos:
        state, _ = arrivals.arrive(state, photo, other)
    state = tree.settle(replace(state, decisions=decisions), other)
    assert len(state.subject_ids) == 1
