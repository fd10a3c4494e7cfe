"""Corrections in the report, in a real browser: what is said is shown, kept, downloaded and taken back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
import sample_answers as sample
from axe_playwright_python.sync_playwright import Axe
from msgspec.structs import replace
from playwright.sync_api import Browser, Page, expect

from sploot_media_clustering.domain.decisions import Decision
from sploot_media_clustering.report.page import compose
from sploot_media_clustering.report.pictures import Picture, embed, wanted
from sploot_media_clustering.services.answer import Answer
from sploot_media_clustering.services.decision_records import Decided, Question, Said, Sighted, decode_lines

pytestmark = pytest.mark.slow

PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1440, "height": 900}
SCREENS = pytest.mark.parametrize("screen", [PHONE, DESKTOP], ids=["phone", "desktop"])
HOSTILE = '"><img src=x onerror=alert(1)></script><script>alert(2)</script>'
PIXEL = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"

Opener = Callable[..., Page]


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Opener]:
    contexts = []
    complaints: list[str] = []

    def go(
        answer: Answer,
        screen: dict[str, int] = DESKTOP,
        *,
        pictures: bool = True,
        scheme: str = "light",
    ) -> Page:
        keys = wanted({"home": answer})
        table = (
            embed(keys, sample.thumbnail)
            if pictures
            else {key: Picture(place, PIXEL, 4, 3) for place, key in enumerate(keys)}
        )
        path = tmp_path / "report.html"
        path.write_text(compose({"home": answer}, table), encoding="utf-8")
        context = browser.new_context(
            viewport=screen, color_scheme=scheme, reduced_motion="reduce", offline=True
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path.as_uri())
        return page

    yield go
    for context in contexts:
        context.close()
    assert complaints == []


def downloaded(page: Page, path: Path) -> tuple[Decision, ...]:
    """What the page's file says."""
    page.locator("#said-open").click()
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Download decisions").click()
    downloading.value.save_as(path)
    page.keyboard.press("Escape")
    return decode_lines(path.read_bytes())


def albumful(count: int) -> Answer:
    """An album of so many photos: animals of fifty photos each, four looks an animal, three months."""
    clusters = []
    images = []
    for place in range(count // 50):
        photos = [(f"{place}/{number}.jpg", 50 * place + number) for number in range(50)]
        clusters.append(sample.cluster(f"s{place}", None, f"cat {place}", photos, [photos[0][0]]))
        for look in range(4):
            part = photos[12 * look : 12 * look + 12]
            clusters.append(
                sample.cluster(f"l{place}-{look}", f"s{place}", f"look {look}", part, [part[0][0]])
            )
        images += [sample.image(image_id, moment, days=moment % 90) for image_id, moment in photos]
    return sample.answer(clusters, images=images)


def test_selected_photos_are_split_off_together(opened: Opener, tmp_path: Path) -> None:
    """One decision: those chosen are an animal of their own, those left are not; the page greys them."""
    page = opened(sample.household())
    page.locator("[data-select]").first.click()
    chosen = page.locator(".animal").first.locator(".shelf .photo:visible")
    chosen.nth(0).click()
    chosen.nth(1).click()
    expect(page.locator("#selection-count")).to_have_text("2 photos")
    expect(page.locator("#viewer")).to_be_hidden()
    page.get_by_role("button", name="Split off").click()
    expect(page.locator("#selection")).to_be_hidden()
    expect(chosen.nth(0)).to_have_class("photo taken")
    (decision,) = downloaded(page, tmp_path / "said.jsonl")
    assert decision.kind == "split"
    assert {ref.image_id for ref in decision.sightings} == {"milo/3.jpg", "milo/1.jpg"}
    assert {ref.image_id for ref in decision.others} == {
        "milo/2.jpg",
        "milo/4.jpg",
        "milo/5.jpg",
        "milo/6.jpg",
    }
    assert all(ref.box is not None for ref in (*decision.sightings, *decision.others))


def test_what_is_no_animal_is_said_in_the_viewer(opened: Opener, tmp_path: Path) -> None:
    """Of a photo with one sighting in a word; the page greys it."""
    page = opened(sample.household())
    tile = page.locator(".animal").first.locator(".shelf .photo:visible").first
    tile.click()
    page.get_by_role("button", name="Not an animal").click()
    page.keyboard.press("Escape")
    expect(tile).to_have_class("photo taken")
    (decision,) = downloaded(page, tmp_path / "said.jsonl")
    assert (decision.kind, decision.others) == ("not_animal", ())
    assert [ref.image_id for ref in decision.sightings] == ["milo/3.jpg"]


def test_a_question_shows_the_animal_that_it_means(opened: Opener) -> None:
    """Near and whole; outlined where its photo shows another one too."""
    front, behind, along = (0.0, 0.0, 0.7, 1.0), (0.8, 0.4, 1.0, 0.6), (0.0, 0.2, 1.0, 0.8)
    home = sample.cluster("s", None, "cat", [("both.jpg", 1), ("1.jpg", 2)], ["1.jpg"])
    seen = (Sighted(image_id="both.jpg", box=behind), Sighted(image_id="1.jpg", box=along))
    doubt = Question(
        id="q",
        kind="confirm",
        text="Is this Cat too?",
        cluster_ids=("s",),
        sightings=seen[:1],
        others=seen[1:],
        probability=0.6,
        worth=1.0,
        yes=Said(kind="confirm", sightings=seen[:1], others=seen[1:]),
        no=Said(kind="not_this", sightings=seen[:1], others=seen[1:]),
    )
    members = [replace(part, box=box) for part, box in zip(home.members, (front, along), strict=True)]
    page = opened(
        replace(
            sample.answer(
                [replace(home, members=tuple(members))],
                [replace(sample.aside("both.jpg", "unsure", best="s"), box=behind)],
            ),
            questions=(doubt,),
        )
    )
    page.locator("#ask-open").click()
    for side, box, longest in (("#ask-these", behind, 0.8), ("#ask-those", along, 1.0)):
        frame, photo = (
            page.locator(f"{side} {part}").evaluate("e => e.getBoundingClientRect().toJSON()")
            for part in (".photo", "img")
        )
        left, right = (photo["x"] + photo["width"] * box[i] - frame["x"] for i in (0, 2))
        top, bottom = (photo["y"] + photo["height"] * box[i] - frame["y"] for i in (1, 3))
        assert min(left, top) >= -1
        assert max(right, bottom) <= frame["width"] + 1
        assert max(right - left, bottom - top) == pytest.approx(longest * frame["width"], abs=2)
    expect(page.locator("#ask-those .outline")).to_have_count(0)
    outline = page.locator("#ask-these .outline").bounding_box()
    photo = page.locator("#ask-these img").bounding_box()
    assert outline is not None
    assert photo is not None
    assert outline["x"] == pytest.approx(photo["x"] + 0.8 * photo["width"], abs=1)
    assert outline["height"] == pytest.approx(0.2 * photo["height"], abs=1)


def test_a_whole_animal_cannot_be_split_from_itself(opened: Opener) -> None:
    """With every photo chosen, or none, there is nothing to say."""
    page = opened(sample.answer([sample.cluster("s", None, "cat", [("1.jpg", 1), ("2.jpg", 2)], ["1.jpg"])]))
    page.locator("[data-select]").first.click()
    split = page.get_by_role("button", name="Split off")
    expect(split).to_be_disabled()
    for tile in page.locator(".shelf .photo").all():
        tile.click()
    expect(split).to_be_disabled()
    page.locator(".shelf .photo").first.click()
    expect(split).to_be_enabled()
    page.keyboard.press("Escape")
    expect(page.locator("#selection")).to_be_hidden()


def test_animals_said_to_be_one_stand_together_until_that_is_undone(opened: Opener, tmp_path: Path) -> None:
    """The second moves under the first; u parts them; two animals can be said to differ too."""
    page = opened(albumful(150))
    names = page.locator(".animal .about h2")
    page.locator("[data-same]").first.click()
    page.locator("#choose-list button").nth(1).click()
    expect(names).to_have_text(["Cat 0", "Cat 2", "Cat 1"])
    expect(page.locator(".animal").nth(1)).to_have_class("animal c2 joined")
    page.reload()
    expect(names).to_have_text(["Cat 0", "Cat 2", "Cat 1"])
    page.keyboard.press("u")
    expect(names).to_have_text(["Cat 0", "Cat 1", "Cat 2"])
    page.locator("[data-different]").first.click()
    page.locator("#choose-list button").first.click()
    (decision,) = downloaded(page, tmp_path / "said.jsonl")
    assert decision.kind == "different"
    assert (decision.sightings[0].image_id, decision.others[0].image_id) == ("0/0.jpg", "1/0.jpg")


def test_decisions_of_the_album_are_listed_and_marked_for_undo(opened: Opener) -> None:
    """A superseded one is struck through and tells by what; a mark makes the command to run."""
    milo = (Sighted(image_id="milo/1.jpg", box=sample.BOX),)
    old = Decided(
        id="aa11",
        at=sample.NOON,
        kind="name",
        sightings=milo,
        name=HOSTILE,
        status="superseded",
        superseded_by="bb22",
    )
    new = Decided(id="bb22", at=sample.NOON, kind="name", sightings=milo, name="Milo")
    page = opened(msgspec.structs.replace(sample.household(), decisions=(old, new)))
    page.locator("#said-open").click()
    gone = page.locator(".word.gone")
    expect(gone).to_contain_text(HOSTILE)
    expect(gone).to_contain_text("replaced by Milo")
    page.locator("[data-undo=bb22]").click()
    expect(page.locator(".command")).to_have_text("sploot-clustering decide FOLDER --undo bb22")
    page.locator("[data-undo=bb22]").click()
    expect(page.locator(".command")).to_have_count(0)


def test_a_month_leaves_its_own_photos(opened: Opener) -> None:
    """Pressed, only tiles of that month are there, those under others too; pressed again, all."""
    page = opened(albumful(100), pictures=False)
    month = page.locator(".month").nth(1)
    expect(month).to_have_attribute("aria-label", "April 2026, 30\u00a0photos")
    wanted_numbers = set((month.get_attribute("data-photos") or "").split())
    before = page.locator(".tile:visible").count()
    month.click()
    shown = page.locator(".tile:visible .photo").evaluate_all(
        "tiles => tiles.map(tile => tile.dataset.photo)"
    )
    assert shown
    assert set(shown) <= wanted_numbers
    month.click()
    expect(page.locator(".tile:visible")).to_have_count(before)


def test_photos_of_a_moment_are_compared_by_keyboard(opened: Opener, tmp_path: Path) -> None:
    """c puts two side by side, arrows turn the second, z enlarges both, the better one is said."""
    page = opened(sample.household())
    page.get_by_role("button", name="3 photos of one moment").first.click()
    page.locator(".stack .photo").first.click()
    page.keyboard.press("c")
    names = page.locator("#compare .name")
    expect(names).to_have_text(["1.jpg", "2.jpg"])
    page.keyboard.press("ArrowRight")
    expect(names).to_have_text(["1.jpg", "4.jpg"])
    page.keyboard.press("z")
    panes = page.locator(".pane img").evaluate_all("all => all.map(one => getComputedStyle(one).transform)")
    assert panes == ["matrix(2.6, 0, 0, 2.6, 0, 0)"] * 2
    page.get_by_role("button", name="Show first").last.click()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    (decision,) = downloaded(page, tmp_path / "said.jsonl")
    assert (decision.kind, decision.sightings[0].image_id) == ("hero", "milo/4.jpg")


def test_arrows_go_from_tile_to_tile(opened: Opener) -> None:
    """Right and back left; down leads to a tile that stands lower."""
    page = opened(albumful(50))
    first, second = (page.locator(".shelf .photo").nth(place) for place in (0, 1))
    first.focus()
    page.keyboard.press("ArrowRight")
    expect(second).to_be_focused()
    page.keyboard.press("ArrowDown")
    lower = page.evaluate("document.activeElement.getBoundingClientRect().top")
    box = second.bounding_box()
    assert box is not None
    assert lower > box["y"]
    second.focus()
    page.keyboard.press("ArrowLeft")
    expect(first).to_be_focused()


def test_hostile_words_stay_text(opened: Opener) -> None:
    """A name typed, kept and shown again is never markup."""
    page = opened(sample.household())
    page.locator("[data-name]").first.click()
    page.locator("#choose-name").fill(HOSTILE)
    page.keyboard.press("Enter")
    page.reload()
    expect(page.locator(".animal h2 bdi").first).to_have_text(HOSTILE)
    page.locator("#said-open").click()
    expect(page.locator("#said-text")).to_contain_text(HOSTILE)
    assert page.locator("img[src='x']").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@SCREENS
def test_axe_finds_nothing_serious_in_what_opens(opened: Opener, screen: dict[str, int], scheme: str) -> None:
    """Months, selection, comparison and keys, on both screens and in both themes; nothing overflows."""
    page = opened(albumful(100), screen, scheme=scheme)

    def serious() -> list[str]:
        found = Axe().run(page).response["violations"]
        return [part["id"] for part in found if part["impact"] in {"serious", "critical"}]

    page.locator(".month").first.click()
    assert serious() == []
    page.locator(".month").first.click()
    page.locator("[data-select]").first.click()
    page.locator(".shelf .photo:visible").first.click()
    assert serious() == []
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    assert serious() == []
    page.keyboard.press("Escape")
    page.locator(".shelf .photo:visible").first.click()
    page.keyboard.press("c")
    assert serious() == []
    assert page.evaluate("document.documentElement.scrollWidth") <= screen["width"]


@SCREENS
def test_what_is_touched_is_large_enough(opened: Opener, screen: dict[str, int]) -> None:
    """24 pixels a side at least, or that far from the next (WCAG 2.2, 2.5.8)."""
    page = opened(sample.household(), screen)
    rules = {"runOnly": {"type": "rule", "values": ["target-size"]}}
    found = Axe().run(page, options=rules).response["violations"]
    assert [node["target"] for part in found for node in part["nodes"]] == []


@pytest.mark.parametrize("count", [1000, 5000])
def test_large_albums_open_and_answer(opened: Opener, count: int) -> None:
    """The page is there, is searched and takes a correction."""
    page = opened(albumful(count), PHONE, pictures=False)
    expect(page.locator(".animal")).to_have_count(count // 50)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.keyboard.press("/")
    page.keyboard.type("cat 7")
    expect(page.locator(".animal:visible").first).to_contain_text("Cat 7")
    page.keyboard.press("Escape")
    page.locator("[data-select]").first.click()
    page.locator(".shelf .photo:visible").first.click()
    page.locator("[data-do=not_this]").click()
    expect(page.locator("#said-open span")).to_have_text("1")
