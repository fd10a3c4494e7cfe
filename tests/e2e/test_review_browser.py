"""Review in a real browser: twenty verdicts by keyboard, on a phone by touch, and what stays of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from reviewed_home import IN_PATHS, ReviewedHome
from served_page import served, watched

from sploot_media_clustering.entrypoints.api.app import create_app
from sploot_media_clustering.entrypoints.api.pairing import Pairing
from sploot_media_clustering.services.answer import Answer

pytestmark = pytest.mark.slow

PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
SCREENS = pytest.mark.parametrize("screen", [PHONE, DESKTOP], ids=["phone", "desktop"])
PATIENCE_MS = 60_000
PET = f"internal/pets/{IN_PATHS}"
TOKEN = "c2f1" * 4 + "9d3b" * 4

Opener = Callable[..., Page]


@pytest.fixture
def home(tmp_path: Path, request: pytest.FixtureRequest) -> ReviewedHome:
    return ReviewedHome(tmp_path, each=getattr(request, "param", 4))


@pytest.fixture
def place(home: ReviewedHome, request: pytest.FixtureRequest) -> Iterator[str]:
    """The page over the folder, served on loopback; paired where a test asks for that."""
    parts = home.parts()
    if getattr(request, "param", None):
        parts = replace(parts, pairing=Pairing(TOKEN))
    with served(create_app(parts)) as port:
        yield f"http://127.0.0.1:{port}/"


@pytest.fixture
def opened(browser: Browser, place: str) -> Iterator[Opener]:
    """Opens the page; in the end it has complained about nothing, and has asked nobody else."""

    with watched(browser, place) as made:

        def go(screen: dict[str, int] = DESKTOP, scheme: str = "light", path: str = "review") -> Page:
            page = made(viewport=screen, color_scheme=scheme, has_touch=screen is PHONE)
            page.context.set_default_timeout(PATIENCE_MS)
            page.goto(place + path)
            page.wait_for_selector("body[data-item]")
            return page

        yield go


def item(page: Page) -> dict:
    """What the page shows."""
    return page.evaluate(
        "() => ({...document.body.dataset, kind: document.getElementById('stage').dataset.kind})"
    )


def said(page: Page) -> list[dict]:
    return page.request.get(f"{page.url.partition('review')[0]}{PET}/decisions").json()["decisions"]


def standing(answer: Answer) -> dict[str, str]:
    return {part.id: part.status for part in answer.decisions}


def pressed(page: Page, key: str, name: str = "") -> None:
    """Press a key, and wait until what it says is said."""
    before = page.locator("#said-count").text_content() or "0"
    page.keyboard.press(key)
    if name:
        page.locator("#name").fill(name)
        page.keyboard.press("Enter")
    expect(page.locator("#said-count")).to_have_text(str(int(before) + 1), timeout=PATIENCE_MS)
    expect(page.locator("body")).not_to_have_class("busy", timeout=PATIENCE_MS)


PRESSES = {
    "hero": ("n", "1", "y", "2"),
    "photo": ("y", "n", "1", "o"),
    "same": ("n",),
    "check": ("n",),
    "name": ("r",),
}


@pytest.mark.parametrize("home", [12], indirect=True)
def test_twenty_verdicts_by_keyboard_stay(home: ReviewedHome, opened: Opener) -> None:
    """Each is in the next answer; all outlive another run, another model, and a new window."""
    page = opened()
    kinds = []
    for number in range(20):
        kind = item(page)["kind"]
        keys = [key for key in PRESSES[kind] if page.locator(f'[aria-keyshortcuts="{key}"]').count()]
        key = keys[number % len(keys)]
        pressed(page, key, f"Cat of verdict {number}" if key == "r" else "")
        kinds.append(kind)
        assert len(said(page)) == number + 1
    assert {"hero", "photo"} <= set(kinds)
    made = {part["id"] for part in said(page)}
    for answer in (home.cluster(), home.cluster("test-2")):
        assert set(standing(answer)) == made
        assert "waiting" not in standing(answer).values()
    assert len(said(opened())) == 20


def test_the_last_word_is_taken_back_by_u_and_any_word_in_the_list(opened: Opener) -> None:
    """The question comes back at once; a reload forgets nothing; nobody else's word goes by u."""
    page = opened()
    asked = page.locator("#question").text_content()
    pressed(page, "y")
    page.reload()
    expect(page.locator("#said-count")).to_have_text("1", timeout=PATIENCE_MS)
    page.keyboard.press("u")
    expect(page.locator("#said-count")).to_have_text("", timeout=PATIENCE_MS)
    expect(page.locator("#question")).to_have_text(asked or "")
    page.keyboard.press("u")
    expect(page.locator("#toast")).to_have_text("Nothing was said here yet.")
    pressed(page, "y")
    page.get_by_role("button", name="What was said").click()
    page.locator("#said-list button").click()
    expect(page.locator("#said-list")).to_have_text("Nothing yet.", timeout=PATIENCE_MS)
    assert said(page) == []


def test_keys_mean_nothing_while_something_else_is_written_or_under_way(opened: Opener) -> None:
    """A name holds y and n; a key that is held down is pressed once; Ctrl belongs to the browser."""
    page = opened()
    page.keyboard.press("Control+y")
    page.keyboard.press("r")
    page.keyboard.type("yn")
    page.keyboard.press("Escape")
    assert said(page) == []
    page.evaluate(
        "() => { for (const repeat of [false, true, true])"
        " dispatchEvent(new KeyboardEvent('keydown', {key: 'y', repeat})) }"
    )
    expect(page.locator("#said-count")).to_have_text("1", timeout=PATIENCE_MS)
    assert len(said(page)) == 1


@SCREENS
def test_what_was_skipped_is_looked_at_again(opened: Opener, screen: dict[str, int]) -> None:
    """By key or by touch, down to the last, and back to the first."""
    page = opened(screen)
    asked = page.locator("#question").text_content()
    while page.locator("#stage > *").count():
        if screen is PHONE:
            page.get_by_role("button", name="Skip").tap()
        else:
            page.keyboard.press("s")
    expect(page.get_by_role("heading", name="That was all")).to_be_visible()
    page.get_by_role("button", name="Look again").click()
    expect(page.locator("#question")).to_have_text(asked or "")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_phone_says_it_by_touch(opened: Opener) -> None:
    """A verdict, a photo enlarged and closed, a name."""
    page = opened(PHONE)
    page.get_by_role("group", name="Verdict").get_by_role("button").first.tap()
    expect(page.locator("#said-count")).to_have_text("1", timeout=PATIENCE_MS)
    page.locator("#stage button").first.tap()
    expect(page.locator("#large")).to_be_visible()
    page.locator("#large").get_by_role("button", name="Close").tap()
    expect(page.locator("#large")).to_be_hidden()
    assert len(said(page)) == 1


@SCREENS
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_read_it(opened: Opener, screen: dict[str, int], scheme: str) -> None:
    """What axe checks, of each kind of question, the dialogs and the end."""
    page = opened(screen, scheme)
    seen: set[str] = set()
    while page.locator("#stage > *").count():
        kind = item(page)["kind"]
        if kind not in seen:
            readable(page)
        seen.add(kind)
        page.keyboard.press("s")
    assert seen >= {"hero", "photo", "name"}
    readable(page)
    page.keyboard.press("?")
    readable(page)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="What was said").click()
    readable(page)


def readable(page: Page) -> None:
    found = Axe().run(page)
    assert found.response["violations"] == [], found.generate_report()


@pytest.mark.parametrize("place", [True], indirect=True)
def test_a_browser_that_followed_the_link_is_paired(opened: Opener, browser: Browser, place: str) -> None:
    """One that did not is told so, and sees nothing."""
    page = opened(path=f"pair?token={TOKEN}")
    expect(page).to_have_url(f"{place}review", timeout=PATIENCE_MS)
    pressed(page, "y")
    stranger = browser.new_context().new_page()
    stranger.goto(f"{place}review")
    expect(stranger.get_by_role("heading", name="This browser is not paired")).to_be_visible()
    assert stranger.locator("main img").count() == 0
    stranger.context.close()
