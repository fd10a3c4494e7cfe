"""The report in a real browser: opened from a file, without a network, by mouse, keyboard and finger."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest
import sample_answers as sample
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from sploot_media_clustering.report.page import render
from sploot_media_clustering.services.answer import Answer
from sploot_media_clustering.services.decision_records import Decided, Question, Said, Sighted, decode_lines

pytestmark = pytest.mark.slow

PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
SCREENS = pytest.mark.parametrize("screen", [PHONE, DESKTOP], ids=["phone", "desktop"])
SCHEMES = pytest.mark.parametrize("scheme", ["light", "dark"])
HOSTILE = "\"><img src=x onerror=alert(1)></script><script>alert(2)</script> \u202egpj.'evil"


def hostile_album() -> Answer:
    """An album in which every text tries to become markup."""
    photos = [(f"{HOSTILE}{number}", number // 2) for number in range(4)]
    subject = sample.cluster("s", None, HOSTILE, photos, [photos[0][0]])
    return sample.answer(
        [
            msgspec.structs.replace(subject, name=HOSTILE),
            sample.cluster("l", "s", HOSTILE, photos, [photos[1][0]]),
        ],
        [sample.aside(photos[3][0], "unsure", best="s")],
        [msgspec.structs.replace(sample.household().failed_images[0], image_id=HOSTILE, message=HOSTILE)],
        [sample.image(image_id, moment) for image_id, moment in photos],
    )


def crowd() -> Answer:
    """One animal in forty photos, each of a moment of its own."""
    photos = [(f"{number}.jpg", number) for number in range(40)]
    return sample.answer([sample.cluster("s", None, "dog", photos, ["0.jpg"])])


def endless() -> Answer:
    """An album whose names have no place to break a line at."""
    name = "IMG" + 200 * "0"
    photos = [(f"{name}/{name}{number}", number) for number in range(3)]
    return sample.answer(
        [
            sample.cluster("s", None, name, photos, [photos[0][0]]),
            sample.cluster("l", "s", name, photos, [photos[0][0]]),
            sample.cluster("m", "s", name, photos, [photos[0][0]]),
        ],
        [sample.aside(f"{name}/aside", "unsure", best="l")],
        [msgspec.structs.replace(sample.household().failed_images[0], image_id=name)],
    )


def asked() -> Answer:
    """A household with two questions and two decisions, one of them superseded."""
    home = sample.household()
    milo, luna = (
        tuple(Sighted(image_id=m.image_id, box=m.box) for m in part.members)
        for part in home.clusters
        if part.level == "subject"
    )
    who = (Sighted(image_id="x/who.jpg", box=sample.BOX),)

    def question(kind: str, text: str, one: tuple[Sighted, ...], other: tuple[Sighted, ...]) -> Question:
        yes, no = ("confirm", "not_this") if kind == "confirm" else ("same", "different")
        return Question(
            id=kind,
            kind=kind,
            text=text,
            cluster_ids=("milo", "luna"),
            sightings=one[:3],
            others=other[:3],
            probability=0.4,
            worth=1.0,
            yes=Said(kind=yes, sightings=one, others=other),
            no=Said(kind=no, sightings=one, others=other),
        )

    older = Decided(
        id="1",
        at=sample.NOON,
        kind="name",
        sightings=milo,
        name="Tom",
        status="superseded",
        superseded_by="2",
    )
    return msgspec.structs.replace(
        home,
        decisions=(older, Decided(id="2", at=sample.NOON, kind="name", sightings=milo, name="Milo")),
        questions=(
            question("confirm", "Is this Milo too?", who, milo),
            question("same", "Are Milo and cat 2 the same animal?", milo, luna),
        ),
    )


ALBUMS: dict[str, dict[str, Answer]] = {
    "household": {"Home": sample.household()},
    "several": {
        "Home": sample.household(),
        "Home again": sample.household(),
        "Crowd": crowd(),
        "Nothing": sample.answer(),
    },
    "asked": {"Home": asked()},
    "hostile": {HOSTILE: hostile_album()},
    "crowd": {"Crowd": crowd()},
    "endless": {9 * "endless": endless()},
    "nothing": {"Nothing": sample.answer()},
    "no albums": {},
}


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("reports")
    return {
        name: render(albums, thumbnail=sample.thumbnail, out_path=folder / f"{name}.html").path
        for name, albums in ALBUMS.items()
    }


@dataclass
class Visit:
    """An open report, and what the browser complained about or asked for."""

    page: Page
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


Visitor = Callable[..., Visit]


@pytest.fixture
def visit(browser: Browser, reports: dict[str, Path]) -> Iterator[Visitor]:
    contexts = []

    def go(
        name: str, *, screen: dict[str, int] = DESKTOP, scheme: str = "light", touch: bool = False
    ) -> Visit:
        context = browser.new_context(
            viewport=screen, color_scheme=scheme, has_touch=touch, reduced_motion="reduce", offline=True
        )
        contexts.append(context)
        seen = Visit(context.new_page())
        seen.page.on("request", lambda request: seen.asked.append(request.url))
        seen.page.on("console", lambda message: seen.complaints.append(message.text))
        seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
        seen.page.on("dialog", lambda dialog: seen.complaints.append(dialog.message))
        seen.page.goto(reports[name].as_uri())
        return seen

    yield go
    for context in contexts:
        context.close()


@SCREENS
@pytest.mark.parametrize("name", ALBUMS)
def test_a_report_opens_from_a_file_and_fits(visit: Visitor, name: str, screen: dict[str, int]) -> None:
    """It asks for itself only, nothing is logged, nothing overflows sideways."""
    seen = visit(name, screen=screen)
    seen.page.wait_for_load_state("load")
    assert [url for url in seen.asked if not url.startswith("data:")] == [seen.page.url]
    assert seen.complaints == []
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= screen["width"]


@SCREENS
@SCHEMES
@pytest.mark.parametrize("name", ["household", "several", "crowd", "nothing"])
def test_axe_finds_nothing_to_complain_about(
    visit: Visitor, name: str, screen: dict[str, int], scheme: str
) -> None:
    """Contrast, names, roles, headings and landmarks hold in both themes and on both screens."""
    page = visit(name, screen=screen, scheme=scheme).page
    assert Axe().run(page).response["violations"] == []
    if page.locator(".photo").count():
        page.locator(".photo").first.click()
        assert Axe().run(page).response["violations"] == []


def test_every_photo_is_shown_once_it_comes_into_view(visit: Visitor) -> None:
    """Each tile gets its picture, and the pictures are whole."""
    page = visit("household").page
    for tile in page.locator(".count").all():
        tile.click()
    for image in page.locator("img[data-p]:visible").all():
        image.scroll_into_view_if_needed()
        expect(image).to_have_js_property("complete", value=True)
        assert image.evaluate("image => image.naturalWidth") > 0
    tiles = page.locator(".shelf .photo, .group .photo")
    # Six on Milo's two shelves and three set aside; Luna's only photo is her portrait.
    expect(tiles).to_have_count(9)
    expect(page.locator(".portrait .photo")).to_have_count(2)


def test_photos_wait_until_they_are_near(visit: Visitor) -> None:
    """A long report does not decode what nobody has scrolled to."""
    page = visit("several", screen=PHONE).page
    last = page.locator(".tile img:visible").last
    assert last.get_attribute("src") is None
    last.scroll_into_view_if_needed()
    expect(last).to_have_attribute("src", re.compile("^data:image/jpeg;base64,"))


def test_the_keyboard_opens_turns_and_closes_the_viewer(visit: Visitor) -> None:
    """Enter opens a photo, arrows turn, Escape closes, and the focus is back where it was."""
    page = visit("household").page
    tile = page.locator(".shelf .photo").first
    tile.focus()
    page.keyboard.press("Enter")
    viewer, name = page.locator("#viewer"), page.locator("#viewer-name")
    expect(viewer).to_be_visible()
    expect(name).to_have_text("3.jpg")
    expect(page.locator("#viewer-back")).to_be_disabled()
    page.keyboard.press("ArrowRight")
    expect(name).to_have_text("1.jpg")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(name).to_have_text("3.jpg")
    page.keyboard.press("Escape")
    expect(viewer).to_be_hidden()
    expect(tile).to_be_focused()


def test_the_viewer_says_why_a_hero_won(visit: Visitor) -> None:
    """Reasons as sentences, signals as bars, places with their certainty."""
    page = visit("household").page
    page.locator(".portrait .photo").first.click()
    panel = page.locator("#viewer-panel")
    expect(panel).to_contain_text("First choice for Milo and Asleep on the sofa")
    expect(panel).to_contain_text("Looks at the camera.")
    expect(panel.locator(".signals dt")).to_have_text(["Sharpness", "Eyes open"])
    bars = panel.locator(".meter i")
    share = bars.first.evaluate("bar => bar.clientWidth / bar.parentElement.clientWidth")
    assert share == pytest.approx(0.8, abs=0.02)
    expect(panel).to_contain_text("93% sure")


def test_a_moment_opens_in_place_and_in_the_viewer(visit: Visitor) -> None:
    """A stack of three shows its other two on demand; the viewer lists all three and goes to them."""
    page = visit("household").page
    count = page.locator(".count")
    expect(count).to_have_text("3")
    under = page.locator(".under")
    expect(under.first).to_be_hidden()
    count.click()
    expect(count).to_have_attribute("aria-expanded", "true")
    expect(under.first).to_be_visible()
    page.locator(".under .photo").first.click()
    expect(page.locator("#viewer-name")).to_have_text("2.jpg")
    page.locator(".strip .photo").first.click()
    expect(page.locator("#viewer-name")).to_have_text("1.jpg")
    page.locator("#viewer-close").click()
    count.click()
    expect(under.first).to_be_hidden()


def test_long_shelves_open(visit: Visitor) -> None:
    """The first rows are there; the rest comes when asked for, and goes again."""
    page = visit("crowd").page
    visible = page.locator(".shelf .tile:visible")
    expect(visible).to_have_count(21)
    page.get_by_role("button", name="Show all 40 photos").click()
    expect(visible).to_have_count(40)
    page.get_by_role("button", name="Show fewer").click()
    expect(visible).to_have_count(21)


@pytest.mark.parametrize("way", ["mouse", "keyboard"])
def test_animals_are_outlined_on_hover_and_focus(visit: Visitor, way: str) -> None:
    """The outline lies where the box is, seen through the crop of the tile."""
    page = visit("household").page
    portrait = page.locator(".portrait .photo").first
    if way == "mouse":
        portrait.hover()
    else:
        page.locator(".jump a").last.focus()
        page.keyboard.press("Tab")  # the theme
        for _ in range(20):
            page.keyboard.press("Tab")
            if portrait.evaluate("tile => tile === document.activeElement"):
                break
    mark = portrait.locator(".outline")
    expect(mark).to_have_count(1)
    expect(mark).to_have_text("Milo · 93%")
    frame, box = portrait.bounding_box(), mark.bounding_box()
    assert frame is not None
    assert box is not None
    # The photo is 4 : 3 in a square, so a box of half its width is two thirds of the tile.
    assert box["width"] / frame["width"] == pytest.approx(0.5 * 4 / 3, abs=0.03)
    assert box["height"] / frame["height"] == pytest.approx(0.8, abs=0.03)
    if way == "mouse":
        page.mouse.move(0, 0)
        expect(mark).to_have_count(0)


def test_the_viewer_outlines_animals_on_demand(visit: Visitor) -> None:
    """Where there is nothing to hover with, a button outlines the animals."""
    page = visit("household", screen=PHONE, touch=True).page
    page.locator(".portrait .photo").first.tap()
    mark = page.locator("#viewer-sheet .outline")
    expect(mark).to_have_count(0)
    page.locator("#viewer-outlines").tap()
    expect(mark).to_have_count(1)
    sheet, box = page.locator("#viewer-sheet").bounding_box(), mark.bounding_box()
    assert sheet is not None
    assert box is not None
    assert box["width"] / sheet["width"] == pytest.approx(0.5, abs=0.03)
    assert (box["x"] - sheet["x"]) / sheet["width"] == pytest.approx(0.2, abs=0.03)


@SCHEMES
def test_the_theme_follows_the_system_until_it_is_switched(visit: Visitor, scheme: str) -> None:
    """The button goes to the other theme, and a second click back."""
    page = visit("household", scheme=scheme).page

    def is_dark() -> bool:
        colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(int(part) for part in re.findall(r"\d+", colour)[:3]) < 3 * 128

    assert is_dark() == (scheme == "dark")
    page.get_by_role("button", name="Switch between light and dark").click()
    assert is_dark() == (scheme == "light")
    page.get_by_role("button", name="Switch between light and dark").click()
    assert is_dark() == (scheme == "dark")


def test_hostile_names_are_shown_as_they_are(visit: Visitor) -> None:
    """No script runs; the viewer shows the name to the letter."""
    seen = visit("hostile")
    seen.page.locator(".portrait .photo").first.click()
    expect(seen.page.locator("#viewer-name")).to_have_text(f"{HOSTILE.rpartition('/')[2]}0")
    assert seen.page.locator("h1").inner_text() == HOSTILE
    assert seen.page.locator("img[src='x']").count() == 0
    assert seen.complaints == []


def test_the_index_leads_to_every_album(visit: Visitor) -> None:
    """Each cover is a link that brings its album into view."""
    page = visit("several").page
    covers = page.locator(".covers a")
    expect(covers).to_have_count(4)
    covers.nth(1).click()
    expect(page.locator("#a1-name")).to_be_in_viewport()


def test_a_finger_turns_the_photos(visit: Visitor) -> None:
    """A swipe to the left shows the next photo."""
    page = visit("household", screen=PHONE, touch=True).page
    page.locator(".shelf .photo").first.tap()
    expect(page.locator("#viewer-name")).to_have_text("3.jpg")
    devtools = page.context.new_cdp_session(page)
    for kind, points in (
        ("touchStart", [{"x": 300, "y": 200}]),
        ("touchMove", [{"x": 120, "y": 205}]),
        ("touchEnd", []),
    ):
        devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    expect(page.locator("#viewer-name")).to_have_text("1.jpg")


def test_corrections_made_in_the_page_are_downloaded_kept_and_taken_back(
    visit: Visitor, tmp_path: Path
) -> None:
    """Name, merge, take out, choose, undo: the file says what was said, and a reload forgets nothing."""
    page = visit("household").page
    page.locator("[data-name]").first.click()
    page.locator("#choose-name").fill("  Miez <b> ")
    page.keyboard.press("Enter")
    expect(page.locator(".animal h2 bdi").first).to_have_text("Miez <b>")
    page.locator("[data-same]").first.click()
    page.locator("#choose-list button").first.click()
    page.locator(".shelf button[data-photo]").first.click()
    page.keyboard.press("x")
    page.keyboard.press("h")
    page.keyboard.press("Escape")
    expect(page.locator("#said-open span")).to_have_text("4")
    page.keyboard.press("u")
    page.reload()
    expect(page.locator("#said-open span")).to_have_text("3")
    page.locator("#said-open").click()
    with page.expect_download() as downloading:
        page.get_by_text("Download decisions").click()
    downloading.value.save_as(tmp_path / "said.jsonl")
    said = decode_lines((tmp_path / "said.jsonl").read_bytes())
    assert [(decision.kind, decision.name) for decision in said] == [
        ("name", "Miez <b>"),
        ("same", None),
        ("not_this", None),
    ]
    page.get_by_text("Undo from here").first.click()
    expect(page.locator("#said-open span")).to_have_text("")


def test_questions_are_answered_by_one_key(visit: Visitor) -> None:
    """Yes, no and skip; what was answered is not asked again."""
    page = visit("asked").page
    expect(page.locator("#ask-open span")).to_have_text("2")
    page.locator("#ask-open").click()
    expect(page.locator("#ask-title")).to_have_text("Is this Milo too?")
    page.keyboard.press("y")
    expect(page.locator("#ask-title")).to_have_text("Are Milo and cat 2 the same animal?")
    expect(page.locator("#toast")).to_have_text("Yes: Is this Milo too? Press u to take it back.")
    told, skip = page.locator("#toast").bounding_box(), page.locator("[data-reply=skip]").bounding_box()
    assert told is not None
    assert skip is not None
    assert told["y"] + told["height"] <= skip["y"] or told["y"] >= skip["y"] + skip["height"]
    page.keyboard.press("s")
    expect(page.locator("#ask")).not_to_be_visible()
    expect(page.locator("#said-open span")).to_have_text("1")
    page.reload()
    expect(page.locator("#ask-open span")).to_have_text("1")


def test_search_leaves_what_matches(visit: Visitor) -> None:
    """By name, by look and by file; nothing typed shows everything again."""
    page = visit("household").page
    everything = page.locator(".animal:visible").count()
    page.keyboard.press("/")
    page.keyboard.type("garden")
    expect(page.locator(".animal:visible")).to_have_count(1)
    expect(page.locator(".shelf:visible")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.locator(".animal:visible")).to_have_count(everything)


@SCREENS
@SCHEMES
@pytest.mark.parametrize("opened", ["#said-open", "#ask-open", "[data-name]", "[data-same]"])
def test_what_opens_for_corrections_is_accessible(
    visit: Visitor, screen: dict[str, int], scheme: str, opened: str
) -> None:
    """No serious finding in any of the dialogs."""
    page = visit("asked", screen=screen, scheme=scheme).page
    page.locator(opened).first.click()
    found = Axe().run(page).response["violations"]
    assert [finding["id"] for finding in found if finding["impact"] in ("serious", "critical")] == []
