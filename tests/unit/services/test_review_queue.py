"""What is to be looked at: the least sure first, and verdicts that an album takes as they are."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from fake_heads import Album, embedding_of, service_of
from msgspec.structs import replace
from sample_answers import BOX, aside, cluster, household
from strategies_album import drawn_photo

from sploot_media_clustering.services.answer import Answer, BestGuess, Cluster
from sploot_media_clustering.services.answering import Request
from sploot_media_clustering.services.decision_records import Question, Said, Sighted
from sploot_media_clustering.services.review import ReviewService
from sploot_media_clustering.services.review_queue import ReviewItem, Verdict, review_queue

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def with_chances(part: Cluster, *chances: float) -> Cluster:
    members = zip(part.members, chances, strict=True)
    return replace(part, members=tuple(replace(member, probability=p) for member, p in members))


def unsure(image_id: str, chance: float) -> object:
    return replace(aside(image_id, "unsure", best="milo"), best=BestGuess(id="milo", probability=chance))


def album(**changes: object) -> Answer:
    """Milo, of whom one photo is doubtful, Luna, and a photo that may be Milo's."""
    milo = cluster("milo", None, "cat 1", [(f"m{i}.jpg", i) for i in range(4)], ["m0.jpg"])
    luna = cluster("luna", None, "cat 2", [(f"l{i}.jpg", 9 + i) for i in range(3)], ["l0.jpg"])
    parts = {
        "clusters": (
            replace(with_chances(milo, 0.99, 0.99, 0.7, 0.99), name="Milo"),
            replace(with_chances(luna, 0.99, 0.99, 0.99), name="Luna"),
        ),
        "unclustered": (unsure("who.jpg", 0.45), aside("sofa.jpg", "no_animal")),
    }
    return replace(household(), **(parts | changes))


def items(answer: Answer) -> list[ReviewItem]:
    return list(review_queue(answer).items)


def pressed(item: ReviewItem, key: str) -> Verdict:
    return next(part for part in item.verdicts if part.key == key)


def test_the_least_sure_comes_first_and_the_sure_is_not_asked() -> None:
    """One half is least sure; members above 19 to 1 and photos of no animal are in no doubt."""
    found = items(album())
    assert [(part.kind, part.sightings[0].image_id) for part in found] == [
        ("photo", "who.jpg"),
        ("photo", "m2.jpg"),
    ]
    assert [part.doubt for part in found] == [pytest.approx(0.9), pytest.approx(0.6)]


def test_what_a_person_confirmed_is_not_asked_again() -> None:
    """Nor is there anything to say of an animal's only photo."""
    milo, luna = album().clusters
    sure = tuple(replace(member, confirmed=True) for member in milo.members)
    lonely = with_chances(replace(luna, members=luna.members[:1], size=1), 0.5)
    answer = album(clusters=(replace(milo, members=sure), lonely), unclustered=())
    assert items(answer) == []


def test_each_verdict_is_one_key_and_speaks_of_the_photo_and_its_animal() -> None:
    """Yes, no, another animal, one of its own, none; the surest photos stand for the animal."""
    item = items(album())[1]
    assert [part.key for part in item.verdicts] == ["y", "n", "1", "o", "a", "r"]
    asked = (Sighted(image_id="m2.jpg", box=BOX),)
    kinds = {part.key: part.said.kind for part in item.verdicts}
    assert kinds == {
        "y": "confirm",
        "n": "not_this",
        "1": "confirm",
        "o": "split",
        "a": "not_animal",
        "r": "name",
    }
    assert all(part.said.sightings == asked for part in item.verdicts if part.key != "r")
    assert {part.image_id for part in pressed(item, "y").said.others} == {"m0.jpg", "m1.jpg", "m3.jpg"}
    moved = pressed(item, "1")
    assert {part.image_id for part in moved.said.others} == {"l0.jpg", "l1.jpg", "l2.jpg"}
    assert (moved.text, moved.shows) == ("Luna", moved.said.others[0])


def test_a_photo_can_not_be_moved_to_an_animal_that_it_shows_already() -> None:
    """Two animals of one photo are two."""
    milo, luna = album().clusters
    both = replace(luna.members[0], image_id="m2.jpg")
    answer = album(clusters=(milo, replace(luna, members=(both, *luna.members[1:]))))
    assert [part.key for part in items(answer)[1].verdicts] == ["y", "n", "o", "a", "r"]


def ranked(part: Cluster, *scores: float, pinned: bool = False) -> Cluster:
    first = part.heroes[0]
    heroes = [
        replace(first, image_id=m.image_id, rank=i + 1, score=score, pinned=pinned and not i)
        for i, (m, score) in enumerate(zip(part.members, scores, strict=False))
    ]
    return replace(part, heroes=tuple(heroes), hero_image_id=heroes[0].image_id)


def of_heroes(*clusters: Cluster) -> list[ReviewItem]:
    named = tuple(replace(part, name="Milo") if part.parent_id is None else part for part in clusters)
    return items(album(clusters=named, unclustered=()))


def test_a_hero_is_asked_about_where_there_is_a_choice() -> None:
    """The closer its rival, the sooner; a better one is a digit, and a hero that was chosen is settled."""
    milo = cluster("milo", None, "cat 1", [(f"m{i}.jpg", i) for i in range(4)], [])
    milo = with_chances(replace(milo, heroes=(cluster_hero(),)), *[0.99] * 4)
    close, clear = ranked(milo, 0.9, 0.89, 0.5), ranked(milo, 0.9, 0.7, 0.5)
    (item,) = of_heroes(close)
    assert item.kind == "hero"
    assert item.doubt > (of_heroes(clear)[0].doubt if of_heroes(clear) else 0.0)
    better = pressed(item, "2")
    assert (better.said.kind, better.said.sightings) == ("hero", (Sighted(image_id="m2.jpg", box=BOX),))
    assert pressed(item, "n").said.kind == "not_hero"
    assert of_heroes(ranked(milo, 0.9, 0.89, pinned=True)) == []
    assert of_heroes(ranked(milo, 0.9)) == []


def cluster_hero() -> object:
    return household().clusters[0].heroes[0]


def test_a_look_that_leads_with_its_animals_hero_asks_nothing_more() -> None:
    """Another one asks for itself, and says which look it is."""
    photos = [(f"m{i}.jpg", i) for i in range(4)]
    milo = with_chances(cluster("milo", None, "cat 1", photos, ["m0.jpg"]), *[0.99] * 4)
    same = cluster("a", "milo", "asleep", photos[:2], ["m0.jpg"])
    other = cluster("b", "milo", "awake", photos[2:], ["m2.jpg"])
    chosen = [ranked(milo, 0.9, 0.88), ranked(same, 0.9, 0.88), ranked(other, 0.8, 0.79)]
    assert sorted(item.cluster_ids for item in of_heroes(*chosen)) == [("b",), ("milo",)]
    assert "“awake”" in next(item.text for item in of_heroes(*chosen) if item.cluster_ids == ("b",))


def test_an_animal_without_a_name_is_asked_for_last() -> None:
    """Unless it is provisional; nobody is in doubt about it."""
    found = items(album(clusters=tuple(replace(part, name=None) for part in album().clusters)))
    assert [part.kind for part in found] == ["photo", "photo", "name", "name"]
    assert pressed(found[-1], "r").said.kind == "name"
    provisional = tuple(replace(part, name=None, provisional=True) for part in album().clusters)
    assert [part.kind for part in items(album(clusters=provisional))] == ["photo", "photo"]


def test_questions_about_animals_are_in_the_queue_and_those_about_photos_not_twice() -> None:
    """Their yes and no are verdicts as they are."""
    part = Sighted(image_id="who.jpg", box=BOX)
    answers = {kind: Said(kind=kind, sightings=(part,), others=(part,)) for kind in ("same", "different")}
    pair = Question(
        id="q",
        kind="same",
        text="Are Milo and Luna the same animal?",
        cluster_ids=("milo", "luna"),
        sightings=(part,),
        others=(part,),
        probability=0.3,
        worth=1.0,
        yes=answers["same"],
        no=answers["different"],
    )
    photo = replace(pair, kind="confirm", cluster_ids=("milo",))
    found = items(album(questions=(photo, pair)))
    assert [(part.kind, part.doubt) for part in found] == [("photo", 0.9), ("photo", 0.6), ("same", 0.6)]
    assert pressed(found[-1], "n").said is answers["different"]


def test_as_many_are_told_as_are_asked_for() -> None:
    """And how many there are."""
    queue = review_queue(album(), limit=1)
    assert (queue.total, len(queue.items)) == (2, 1)


def test_an_album_takes_every_verdict_and_the_item_is_gone() -> None:
    """Said of a real album, whichever key is pressed; taken back, the same item is there again."""
    rng = np.random.default_rng(3)
    apart = {"a": 2.2, "b": -2.2}
    photos = [drawn_photo(f"{name}/{i}.jpg", rng, at) for name, at in apart.items() for i in range(4)]
    photos += [drawn_photo("between.jpg", rng, 0.3), drawn_photo("both.jpg", rng, 2.2, -2.2)]
    clustering = service_of(Album(tuple(photos)))
    state = clustering.updated(clustering.empty(), map(embedding_of, photos))
    asked = Request(pet_id="home", at=NOON, questions=20)
    review = ReviewService(clustering)
    before = items(clustering.answer(state, asked))
    assert {part.kind for part in before} >= {"hero", "name"}
    for item in {part.kind: part for part in before}.values():
        for verdict in item.verdicts:
            what = verdict.said if verdict.key != "r" else replace(verdict.said, name="Milo")
            after, decision = review.decide(state, what, NOON)
            left = items(clustering.answer(after, asked))
            if verdict.key != "r" or item.kind == "name":
                assert item.id not in {part.id for part in left}, (item.kind, verdict.key)
        back, _ = review.undo(after, [decision.id])
        assert {part.id for part in items(clustering.answer(back, asked))} == {part.id for part in before}
