"""What people say, in their own words: found, recorded, done, listed and taken back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from fake_heads import Album, embedding_of, service_of
from strategies_album import drawn_photo

from sploot_media_clustering.domain.decisions import Kind
from sploot_media_clustering.domain.tree import AlbumState
from sploot_media_clustering.errors import InputError
from sploot_media_clustering.services.answer import Answer, Cluster
from sploot_media_clustering.services.answering import Request
from sploot_media_clustering.services.clustering import ClusteringService
from sploot_media_clustering.services.decision_records import decode_lines, encode_lines
from sploot_media_clustering.services.review import ReviewService, namesake, said
from sploot_media_clustering.services.state_codec import pack, unpack

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
REQUEST = Request(pet_id="home", at=NOON, questions=20)


class Household:
    """Two cats, five photos each, one photo of both, and one of none."""

    def __init__(self) -> None:
        rng = np.random.default_rng(3)
        photos = [drawn_photo(f"a/{i}.jpg", rng, 6.0) for i in range(5)]
        photos += [drawn_photo(f"b/{i + 5}.jpg", rng, -6.0) for i in range(5)]
        photos += [drawn_photo("both.jpg", rng, 6.0, -6.0), drawn_photo("sofa.jpg", rng)]
        self.clustering: ClusteringService = service_of(Album(tuple(photos)))
        self.review = ReviewService(self.clustering)
        self.state = self.clustering.updated(self.clustering.empty(), map(embedding_of, photos))

    def answer(self, state: AlbumState | None = None) -> Answer:
        return self.clustering.answer(state or self.state, REQUEST)

    def told(self, kind: Kind, *names: str, name: str | None = None, at: datetime = NOON) -> Answer:
        """Say something, and read the album."""
        self.state, _ = self.review.decide(self.state, said(kind, self.answer(), names, name), at)
        return self.answer()


@pytest.fixture
def household() -> Household:
    return Household()


def subjects(answer: Answer) -> list[Cluster]:
    return [part for part in answer.clusters if part.level == "subject"]


def owner(answer: Answer, image_id: str) -> list[str]:
    return [
        part.name or part.label for part in subjects(answer) for m in part.members if m.image_id == image_id
    ]


def test_an_animal_is_named_by_a_photo_of_it_and_then_called_so(household: Household) -> None:
    """A photo means the animal it shows; the name stands in the answer beside the label."""
    answer = household.told("name", "0.jpg", name="Milo")
    assert owner(answer, "a/3.jpg") == ["Milo"]
    assert {part.name for part in subjects(answer)} == {"Milo", None}
    assert household.told("name", "milo", name="Moritz", at=LATER).decisions[0].status == "superseded"


def test_a_name_that_another_animal_has_is_known(household: Household) -> None:
    """However it is written; that of the animal itself, or a new one, is nobody else's."""
    answer = household.told("name", "0.jpg", name="Milo")
    (milo,) = [part for part in subjects(answer) if part.name == "Milo"]
    assert namesake(answer, said("name", answer, ["5.jpg"], " milo ")) == milo
    assert namesake(answer, said("name", answer, ["0.jpg"], "Milo")) is None
    assert namesake(answer, said("name", answer, ["5.jpg"], "Luna")) is None
    assert namesake(answer, said("hero", answer, ["5.jpg"])) is None


def test_two_animals_said_to_be_one_are_one_until_that_is_taken_back(household: Household) -> None:
    """Undo brings both back, under their own ids."""
    before = household.answer()
    one, two = (part.id for part in subjects(before))
    answer = household.told("same", one, two)
    assert [part.size for part in subjects(answer)] == [12]
    state, gone = household.review.undo(household.state, [answer.decisions[0].id])
    assert [decision.kind for decision in gone] == ["same"]
    assert {part.id for part in subjects(household.answer(state))} == {one, two}


def test_a_photo_taken_out_of_an_animal_stands_aside(household: Household) -> None:
    """not_this takes the animal's sighting of a photo, and asks for a photo that is there."""
    household.told("name", "0.jpg", name="Milo")
    answer = household.told("not_this", "Milo", "a/4.jpg", at=LATER)
    assert owner(answer, "a/4.jpg") == []
    assert [part.image_id for part in answer.unclustered if part.reason != "no_animal"] == ["a/4.jpg"]
    with pytest.raises(InputError, match="which is not"):
        household.told("not_this", "Milo", "a/4.jpg")


def test_a_photo_is_told_apart_from_the_animal_that_it_was_put_to(household: Household) -> None:
    """In either order; and one with itself is no two animals."""
    (animal,) = owner(household.answer(), "a/1.jpg")
    for told in ((animal, "1.jpg"), ("1.jpg", animal)):
        what = said("different", household.answer(), told)
        alone, rest = sorted((what.sightings, what.others), key=len)
        assert [part.image_id for part in alone] == ["a/1.jpg"]
        assert {part.image_id for part in rest} == {f"a/{i}.jpg" for i in (0, 2, 3, 4)} | {"both.jpg"}
    of_two = said("different", household.answer(), (animal, "both.jpg"))
    assert len(of_two.others) == 1
    assert of_two.others[0] in set(said("name", household.answer(), [animal], "Milo").sightings)
    with pytest.raises(InputError, match="stands on both"):
        household.told("different", "1.jpg", "1.jpg")


def test_of_photos_that_match_a_pattern_those_of_the_animal_are_meant(household: Household) -> None:
    """Those of others, and of none, are left out; a photo that is named itself is not."""
    household.told("name", "0.jpg", name="Milo")
    answer = household.answer()
    for kind in ("not_this", "split"):
        what = said(kind, answer, ["Milo", "*[3-8].jpg"])
        assert [part.image_id for part in what.sightings] == ["a/3.jpg", "a/4.jpg"]
    two = said("not_hero", answer, ["[bs]o*.jpg"])
    assert [part.image_id for part in two.sightings] == ["both.jpg", "both.jpg"]
    assert len(said("not_animal", answer, ["*.jpg#2"]).sightings) == 1
    with pytest.raises(InputError, match=r"got b/5\.jpg, which is not"):
        said("not_this", answer, ["Milo", "b/*.jpg"])
    with pytest.raises(InputError, match=r"in any photo that 'so\*jpg' matches"):
        said("hero", answer, ["so*jpg"])


def test_photos_split_off_are_an_animal_of_their_own(household: Household) -> None:
    """split takes exactly the photos that were told, which are then confirmed."""
    household.told("name", "0.jpg", name="Milo")
    answer = household.told("split", "Milo", "a/[34].jpg", at=LATER)
    assert sorted(part.size for part in subjects(answer)) == [2, 4, 6]
    (pair,) = [part for part in subjects(answer) if part.size == 2]
    assert all(member.confirmed for member in pair.members)
    assert owner(answer, "a/0.jpg") == ["Milo"]


def test_confirming_takes_the_likelier_animal_of_a_photo_of_two(household: Household) -> None:
    """Of a photo of both cats, the one that already is of the animal is confirmed."""
    household.told("name", "0.jpg", name="Milo")
    answer = household.told("confirm", "Milo", "both.jpg", at=LATER)
    assert len(owner(answer, "both.jpg")) == 2
    (milo,) = [part for part in subjects(answer) if part.name == "Milo"]
    assert [member.image_id for member in milo.members if member.confirmed] == ["both.jpg"]


def test_a_chosen_hero_leads_and_a_refused_one_is_never_shown(household: Household) -> None:
    """The newest choice leads; what is refused leaves every list of heroes."""
    first = household.answer().clusters[0].hero_image_id
    assert first is not None
    answer = household.told("not_hero", first)
    assert all(hero.image_id != first for part in answer.clusters for hero in part.heroes)
    answer = household.told("hero", "a/1.jpg", at=LATER)
    (milo,) = [part for part in subjects(answer) if any(m.image_id == "a/1.jpg" for m in part.members)]
    assert (milo.hero_image_id, milo.heroes[0].pinned) == ("a/1.jpg", True)
    answer = household.told("hero", first, at=LATER + timedelta(hours=1))
    assert answer.decisions[0].status == "superseded"


def test_a_sighting_that_is_no_animal_is_shown_as_none(household: Household) -> None:
    """A photo of nothing else shows no animal; of two on a photo, the one that was meant."""
    with pytest.raises(InputError, match=r"several animals.*both.jpg#2"):
        household.told("not_animal", "both.jpg")
    answer = household.told("not_animal", "both.jpg#1", "3.jpg")
    shown = {image.image_id: [seen.rejected for seen in image.sightings] for image in answer.images}
    assert (shown["both.jpg"], shown["a/3.jpg"], shown["a/1.jpg"]) == ([True, False], [True], [False])
    none = {part.image_id for part in answer.unclustered if part.reason == "no_animal"}
    assert none == {"a/3.jpg", "sofa.jpg"}
    assert sorted(part.size for part in answer.clusters if part.level == "subject") == [4, 6]
    assert "both.jpg" not in {part.image_id for part in answer.unclustered}
    household.told("name", "both.jpg", name="Bella", at=LATER)
    assert {"Bella"} == {c.name for c in household.answer().clusters if c.level == "subject"} - {None}


def test_decisions_go_through_a_file_and_come_back_once(household: Household) -> None:
    """Export, import into the bare album, import again: the same album, and nothing twice."""
    bare = household.state
    household.told("name", "0.jpg", name="Milo")
    household.told("different", "Milo", "b/5.jpg", at=LATER)
    lines = encode_lines(household.state.decisions)
    decisions = decode_lines(lines)
    again = household.review.apply(bare, decisions)
    assert household.answer(again) == household.answer()
    assert household.review.apply(again, decisions) is again
    assert encode_lines(again.decisions) == lines


def test_everything_after_a_decision_can_be_taken_back(household: Household) -> None:
    """undo_back_to keeps the decision that is named and all before it."""
    household.told("name", "0.jpg", name="Milo")
    for hour in range(3):
        household.told("hero", f"a/{hour}.jpg", at=LATER + timedelta(hours=hour))
    kept = household.state.decisions[1].id
    state, gone = household.review.undo_back_to(household.state, kept)
    assert (len(state.decisions), len(gone)) == (2, 2)
    assert household.review.undo_back_to(state, kept) == (state, ())
    with pytest.raises(InputError, match="no decision 'x'"):
        household.review.undo(state, ["x"])


def test_decisions_stay_when_photos_go_and_wait_for_them(household: Household) -> None:
    """The photos of a decision go: it waits; they come back: it holds."""
    household.told("split", "a/0.jpg", "a/3.jpg", "a/4.jpg")
    photos = {part.image_id: part for part in household.state.photos}
    state = household.state
    for image_id in ("a/3.jpg", "a/4.jpg"):
        state = household.clustering.remove(state, image_id)
    assert [part.status for part in household.answer(state).decisions] == ["waiting"]
    for image_id in ("a/3.jpg", "a/4.jpg"):
        state, added = household.clustering.add(state, embedding_of(photos[image_id]))
        assert added.settled
    assert [part.status for part in household.answer(state).decisions] == ["holds"]
    assert sorted(part.size for part in subjects(household.answer(state))) == [2, 4, 6]


def test_every_answer_to_a_question_ends_it() -> None:
    """Whatever is answered to a question holds, and the question is not asked again."""
    kinds = set()
    doubtful = (
        (2, 3, 1.8, 6),
        (2, 3, 1.8, 0),
        (2, 2, 2.6, 1),
        (3, 4, 1.0, 0),
        (3, 4, 1.6, 0),
        (3, 4, 1.8, 0),
        (3, 4, 3.0, 5),
    )
    for animals, count, apart, seed in doubtful:
        rng = np.random.default_rng(seed)
        photos = tuple(
            drawn_photo(f"{k}/{i}.jpg", rng, k * apart) for k in range(animals) for i in range(count)
        )
        clustering = service_of(Album(photos))
        review = ReviewService(clustering)
        state = clustering.updated(clustering.empty(), map(embedding_of, photos))
        asked = clustering.answer(state, REQUEST).questions
        assert sorted(asked, key=lambda question: -question.worth) == list(asked)
        for question in asked:
            kinds.add(question.kind)
            assert question.kind != "check" or question.text.endswith("two groups different animals?")
            for reply in (question.yes, question.no):
                after, decision = review.decide(state, reply, NOON)
                assert decision.id not in after.superseded
                assert question.id not in {part.id for part in clustering.answer(after, REQUEST).questions}
    assert {"check", "same"} <= kinds


@pytest.mark.parametrize(
    ("kind", "names", "complaint"),
    [
        ("name", ["Milou"], "expected an animal, look or photo of home, got 'Milou'"),
        ("name", ["cta 2"], "did you mean Cat 2"),
        ("name", ["Birba"], "got 'Birba'; its animals are Cat, Cat 2"),
        ("name", ["Cat", "2"], "expected one animal, got 2 names; put a name with spaces in quotes"),
        ("name", ["sofa.jpg"], "no animal was found in sofa.jpg"),
        ("name", ["both.jpg"], "whose photos show 2 of them"),
        ("name", ["both.jpg#3"], "shows 2 animals, got number 3"),
        ("same", ["a/0.jpg"], "expected two animals, got 1"),
        ("not_this", ["a/0.jpg"], "expected an animal, then one photo or more"),
        ("split", ["a/0.jpg", "a/*.jpg", "both.jpg#1"], "these are all photos of"),
        ("same", ["a/0.jpg", "a/0.jpg"], "stands on both"),
    ],
)
def test_what_can_not_be_meant_is_said(
    household: Household, kind: Kind, names: list[str], complaint: str
) -> None:
    """Messages say what was expected, what came, and what is near."""
    with pytest.raises(InputError, match=complaint):
        household.told(kind, *names, name="Milo" if kind == "name" else None)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (b"{}", "line 1: expected a decision"),
        (b'\n{"id":"x","at":"2026-01-01T00:00:00Z","kind":"praise","sightings":[]}', "line 2"),
        (b'{"id":"x","at":"2026-01-01T00:00:00Z","kind":"hero","sightings":[]}', "about, got none"),
        (b'{"id":"","at":"2026-01-01T00:00:00Z","kind":"hero","sightings":[{"image_id":"a"}]}', "line 1"),
        (
            b'{"id":"x","at":"2026-01-01T00:00:00Z","kind":"name","sightings":[{"image_id":"a"}]}',
            "a name of 1",
        ),
    ],
)
def test_a_file_with_a_broken_line_is_refused_by_its_number(line: bytes, complaint: str) -> None:
    """Nothing of a damaged file is taken, and the line is told."""
    with pytest.raises(InputError, match=complaint):
        decode_lines(line)


def test_a_state_keeps_its_decisions_through_bytes(household: Household) -> None:
    """Decisions, names and links survive packing."""
    household.told("name", "0.jpg", name="Milo")
    household.told("same", "Milo", "b/5.jpg", at=LATER)
    back = unpack(pack(household.state))
    assert household.answer(back) == household.answer()
    assert back.decisions == household.state.decisions
