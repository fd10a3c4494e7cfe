"""What the answer promises to whoever reads clusters.json."""

from __future__ import annotations

import json
import math
import os
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator
from strategies_answer import albums, answers

from sploot_media_clustering.domain.album import Box
from sploot_media_clustering.errors import InputError
from sploot_media_clustering.services import answer as answer_module
from sploot_media_clustering.services.answer import (
    Albums,
    Answer,
    Cluster,
    Descriptor,
    FailedImage,
    Hero,
    Image,
    Member,
    Metrics,
    SeenAnimal,
    Unclustered,
    as_image_id,
    decode,
    encode,
    json_schema,
)
from sploot_media_clustering.services.decision_records import Decided, Question, Said, Sighted
from sploot_media_clustering.services.shapes import as_box, as_fraction

SCHEMA = json.loads(json_schema())
VALIDATOR = Draft202012Validator(SCHEMA)

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
BOX = (0.1, 0.2, 0.8, 0.9)


def whole_answer() -> Answer:
    """An answer in which every member is filled."""
    hero = Hero(
        image_id="a.jpg",
        rank=1,
        score=0.9,
        reasons=("Sharp eyes.",),
        signals={"sharpness": 0.8},
        box=BOX,
        focal_point=(0.5, 0.4),
    )
    member = Member(
        image_id="a.jpg", score=0.9, position=1, probability=0.99, box=BOX, species="cat", moment=0
    )
    subject = Cluster(
        id="s1",
        level="subject",
        parent_id=None,
        label="Cat",
        name=None,
        provisional=False,
        descriptors=(Descriptor(attribute="species", value="cat", share=1.0),),
        size=1,
        cohesion=0.7,
        hero_image_id="a.jpg",
        heroes=(hero,),
        members=(member,),
    )
    look = msgspec.structs.replace(subject, id="l1", level="look", parent_id="s1", label="asleep")
    guess = answer_module.BestGuess(id="s1", probability=0.4)
    return Answer(
        pet_id="milo",
        version=3,
        updated_at=NOON,
        model_version="pets-1",
        pipeline="mixture",
        clusters=(subject, look),
        unclustered=(
            Unclustered(image_id="b.jpg", level="subject", reason="unsure", best=guess, box=BOX),
            Unclustered(image_id="c.jpg", level="subject", reason="unreadable"),
        ),
        metrics=Metrics(coverage={"Cat": 0.5}, quality_score=0.9, processed_at=NOON),
        failed_images=(FailedImage(image_id="c.jpg", error="EmptyFileError", message="no bytes"),),
        images=(
            Image(
                image_id="a.jpg",
                captured_at=datetime(2026, 1, 1, 8),  # a camera's clock tells no offset
                width_px=640,
                height_px=480,
                moment=0,
                sightings=(SeenAnimal(box=BOX, species="cat", score=0.9),),
            ),
        ),
    )


def complaints(document: object) -> list[str]:
    return [error.message for error in VALIDATOR.iter_errors(document)]


def test_the_schema_is_a_schema() -> None:
    """The shipped file is valid JSON Schema 2020-12."""
    Draft202012Validator.check_schema(SCHEMA)


@settings(max_examples=50)
@given(answers() | albums)
def test_every_answer_satisfies_the_schema(answer: Answer | Albums) -> None:
    """Whatever the types allow, the schema allows."""
    assert complaints(json.loads(encode(answer))) == []


@settings(max_examples=50)
@given(answers())
def test_what_is_written_reads_back_the_same(answer: Answer) -> None:
    """decode undoes encode, and a single album stands under its pet_id."""
    assert decode(encode(answer)) == {answer.pet_id: answer}


@settings(max_examples=25)
@given(albums)
def test_several_albums_read_back_the_same(several: Albums) -> None:
    """decode undoes encode for several albums too."""
    assert decode(encode(several)) == several.albums


@pytest.mark.parametrize(
    ("definition", "struct"),
    [
        ("answer", Answer),
        ("cluster", Cluster),
        ("descriptor", Descriptor),
        ("hero", Hero),
        ("member", Member),
        ("best_guess", answer_module.BestGuess),
        ("unclustered", Unclustered),
        ("seen_animal", SeenAnimal),
        ("image", Image),
        ("failed_image", FailedImage),
        ("metrics", Metrics),
        ("albums", Albums),
        ("sighted", Sighted),
        ("said", Said),
        ("decided", Decided),
        ("question", Question),
    ],
)
def test_schema_and_types_name_the_same_members(definition: str, struct: type[msgspec.Struct]) -> None:
    """Neither the schema nor the types know a member that the other does not."""
    assert set(SCHEMA["$defs"][definition]["properties"]) == set(struct.__struct_fields__)


SAMPLE: dict[str, Any] = json.loads(encode(whole_answer()))
MISTAKES: dict[str, tuple[tuple[str | int, ...], object]] = {
    "a probability above 1": (("clusters", 0, "members", 0, "probability"), 1.5),
    "a box of three sides": (("clusters", 0, "heroes", 0, "box"), [0.1, 0.2, 0.3]),
    "a box of five sides": (("clusters", 0, "heroes", 0, "box"), [0.1, 0.2, 0.3, 0.4, 0.5]),
    "a focal point outside": (("clusters", 0, "heroes", 0, "focal_point"), [0.1, -0.2]),
    "an unknown level": (("clusters", 0, "level"), "album"),
    "an unknown species": (("clusters", 0, "members", 0, "species"), "unicorn"),
    "an unknown reason": (("unclustered", 0, "reason"), "shy"),
    "a look without a parent": (("clusters", 1, "parent_id"), None),
    "a subject with a parent": (("clusters", 0, "parent_id"), "s2"),
    "a rank of 0": (("clusters", 0, "heroes", 0, "rank"), 0),
    "a position of text": (("clusters", 0, "members", 0, "position"), "1"),
    "a time without an offset": (("updated_at",), "2026-01-02T12:00:00"),
    "a guess without probability": (("unclustered", 0, "best"), {"id": "s1"}),
    "a photo without width": (("images", 0, "width_px"), 0),
    "a signal that is not a number": (("clusters", 0, "heroes", 0, "signals"), {"sharpness": "high"}),
    "a failure without a message": (("failed_images", 0), {"image_id": "c.jpg", "error": "EmptyFileError"}),
    "a later schema version": (("schema_version",), 2),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_schema_rejects(mistake: str) -> None:
    """One wrong value anywhere makes a document invalid, alone and among albums."""
    document = deepcopy(SAMPLE)
    assert complaints(document) == []
    (*way, last), wrong = MISTAKES[mistake]
    place: Any = document
    for step in way:
        place = place[step]
    place[last] = wrong
    assert complaints(document) != []
    assert complaints({"albums": {"milo": document}}) != []


@pytest.mark.parametrize("name", SCHEMA["$defs"]["answer"]["required"])
def test_the_schema_misses_what_is_missing(name: str) -> None:
    """A document without one of the required members is invalid."""
    document = {key: value for key, value in SAMPLE.items() if key != name}
    assert complaints(document) != []


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"{'pet_id': 1}", b'{"albums": {"a": {}}}', b"\xff"])
def test_what_is_not_an_answer_is_an_input_error(data: bytes) -> None:
    """decode names what is wrong instead of leaking the JSON library's errors."""
    with pytest.raises(InputError, match=r"expected the JSON of clusters\.json"):
        decode(data)


def test_a_later_schema_is_refused_with_the_remedy() -> None:
    """A file of a later schema version asks for an upgrade."""
    later = msgspec.structs.replace(whole_answer(), schema_version=answer_module.SCHEMA_VERSION + 1)
    with pytest.raises(InputError, match="upgrade"):
        decode(encode(later))


def test_readers_ignore_what_they_do_not_know() -> None:
    """A member that a later release adds breaks neither decode nor the schema."""
    extended = SAMPLE | {"weather": "fine"}
    assert complaints(extended) == []
    assert decode(json.dumps(extended).encode()) == {"milo": whole_answer()}


def test_the_same_answer_gives_the_same_bytes() -> None:
    """The order in which a mapping was filled does not show."""
    answer = whole_answer()
    forth, back = (dict.fromkeys(order, 0.5) for order in ("ab", "ba"))
    written = {
        encode(
            msgspec.structs.replace(
                answer, metrics=Metrics(coverage=coverage, quality_score=0, processed_at=NOON)
            )
        )
        for coverage in (forth, back)
    }
    assert len(written) == 1


@pytest.mark.parametrize(
    ("value", "expected"), [(-0.1, 0.0), (0.123456, 0.1235), (1.0000001, 1.0), (math.inf, 1.0)]
)
def test_fractions_stay_inside_and_short(value: float, expected: float) -> None:
    """A fraction is clipped to [0, 1] and rounded to four places."""
    assert as_fraction(value) == expected


def test_nan_is_no_fraction() -> None:
    """NaN, which JSON can't carry, is refused where it arises."""
    with pytest.raises(ValueError, match="NaN"):
        as_fraction(math.nan)


def test_a_box_is_left_top_right_bottom() -> None:
    """The order of a box's sides is part of the contract."""
    assert as_box(Box(left=0.1, top=0.2, right=0.3, bottom=0.44444)) == (0.1, 0.2, 0.3, 0.4444)


def test_image_ids_use_forward_slashes() -> None:
    """The platform's separator becomes a slash."""
    assert as_image_id(os.path.join("milo", "1.jpg")) == "milo/1.jpg"  # noqa: PTH118  # the platform's own


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (b"caf\xe9.jpg", r"caf\xe9.jpg"),
        (b"\xff\xfe", r"\xff\xfe"),
        ("\u00fcn\u00efcode \U0001f408.jpg".encode(), "\u00fcn\u00efcode \U0001f408.jpg"),
    ],
)
def test_any_file_name_can_be_written(name: bytes, expected: str) -> None:
    """A file name that is not UTF-8 becomes an image_id that JSON can hold; one that is stays as it is."""
    assert as_image_id(os.fsdecode(name)) == expected
    assert expected.encode()


def test_the_documented_example_is_one() -> None:
    """The example in the reference satisfies the schema, and reads back and forth to the same JSON."""
    text = (Path(__file__).parents[3] / "docs" / "reference" / "clusters-json.md").read_text(encoding="utf-8")
    example = json.loads(text.split("```json\n")[1].split("```")[0])
    assert complaints(example) == []
    (answer,) = decode(json.dumps(example).encode()).values()
    assert json.loads(encode(answer)) == example
    assert list(json.loads(encode(answer))) == list(example)


def test_every_member_is_documented() -> None:
    """The reference names every member that the schema has."""
    text = (Path(__file__).parents[3] / "docs" / "reference" / "clusters-json.md").read_text(encoding="utf-8")
    names = {name for part in SCHEMA["$defs"].values() for name in part.get("properties", {})}
    assert {name for name in names if name not in text} == set()
