"""The page of local mode in a real browser: albums as they change, on a phone and a desktop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from msgspec.structs import replace
from page_service import PageService
from playwright.sync_api import Browser, Page, expect
from sample_answers import NOON, answer, cluster, household, image
from served_page import served, watched

pytestmark = pytest.mark.slow

SCREENS = pytest.mark.parametrize(
    "screen", [{"width": 390, "height": 844}, {"width": 1280, "height": 900}], ids=["phone", "desktop"]
)
HOSTILE = '"><img src=x onerror=alert(1)><script>alert(2)</script>'


@pytest.fixture
def service(tmp_path: Path) -> PageService:
    return PageService(tmp_path / "photos")


@pytest.fixture
def place(service: PageService) -> Iterator[str]:
    """The page, served on loopback."""
    with served(service.app) as port:
        yield f"http://localhost:{port}/"


Opener = Callable[..., Page]


@pytest.fixture
def opened(browser: Browser, place: str) -> Iterator[Opener]:
    """Opens the page; in the end it has complained about nothing, and has asked nobody else."""

    with watched(browser, place) as made:

        def go(screen: dict[str, int], scheme: str = "light", fragment: str = "") -> Page:
            page = made(viewport=screen, color_scheme=scheme)
            page.goto(place + fragment)
            return page

        yield go


def milo() -> object:
    return replace(household(), pet_id="milo")


@SCREENS
def test_albums_clusters_and_heroes_appear_while_it_is_open(
    service: PageService, opened: Opener, screen: dict[str, int]
) -> None:
    """Nothing at first, then an album, then its change, without anybody loading the page again."""
    page = opened(screen)
    expect(page.get_by_text("No albums yet")).to_be_visible()
    service.show(milo())
    expect(page.get_by_role("heading", name="milo", exact=True)).to_be_visible(timeout=10_000)
    expect(page.get_by_role("region", name="Milo").locator(".portrait img")).to_be_visible()
    expect(page.get_by_text("asleep on the sofa")).to_be_visible()
    expect(page.locator(".aside img")).to_have_count(2)
    loaded = "() => document.querySelector('.portrait img').naturalWidth"
    page.wait_for_function(loaded)
    assert page.evaluate(loaded) == 640
    renamed = replace(milo().clusters[0], name="Sir Milo")
    service.show(replace(milo(), version=2, clusters=(renamed, *milo().clusters[1:])))
    expect(page.get_by_role("heading", name="Sir Milo")).to_be_visible(timeout=10_000)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@SCREENS
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_read_it(
    service: PageService, opened: Opener, screen: dict[str, int], scheme: str
) -> None:
    """What axe checks: contrast, names, structure."""
    service.show(milo())
    page = opened(screen, scheme)
    expect(page.get_by_role("region", name="Milo")).to_be_visible()
    found = Axe().run(page)
    assert found.response["violations"] == [], found.generate_report()


def test_albums_are_chosen_by_their_names(service: PageService, opened: Opener) -> None:
    """And what stands in the address leads to the same album again."""
    service.show(milo())
    service.show(replace(household(), pet_id="zoe"))
    page = opened({"width": 1280, "height": 900})
    page.get_by_role("link", name="zoe").click()
    expect(page.get_by_role("heading", name="zoe", exact=True)).to_be_visible()
    assert page.url.endswith("#zoe")
    again = opened({"width": 1280, "height": 900}, fragment="#zoe")
    expect(again.get_by_role("heading", name="zoe", exact=True)).to_be_visible()


def test_crops_show_the_animal(service: PageService, opened: Opener) -> None:
    """At the photo's edge, and from end to end: then with margins in a square frame."""
    names = ["edge.jpg", "long.jpg"]
    part = cluster("c", None, "cat", [(name, n) for n, name in enumerate(names)], ["edge.jpg"])
    boxes = {"edge.jpg": (0.7, 0.1, 1.0, 0.9), "long.jpg": (0.0, 0.1, 1.0, 0.9)}
    members = tuple(replace(member, box=boxes[member.image_id]) for member in part.members)
    heroes = tuple(replace(hero, box=boxes[hero.image_id]) for hero in part.heroes)
    boxed = replace(part, members=members, heroes=heroes)
    service.show(replace(answer([boxed], images=[image(name, 1) for name in names]), pet_id="p"))
    page = opened({"width": 390, "height": 844})
    edge, long = (page.locator(f".tiles img[alt='{name}']") for name in names)
    expect(edge).to_have_css("object-position", "100% 100%")
    expect(page.locator(".portrait img")).to_have_css("object-position", "100% 100%")
    expect(long).to_have_css("aspect-ratio", "1.33333 / 1")
    photo, frame = (found.bounding_box() for found in (long, long.locator("..")))
    assert photo is not None
    assert frame is not None
    assert (photo["width"], photo["height"]) == pytest.approx((frame["width"], 0.75 * frame["width"]), abs=1)
    assert photo["y"] - frame["y"] == pytest.approx(frame["width"] / 8, abs=1)


def test_names_are_text(service: PageService, opened: Opener) -> None:
    """What people called an animal, a look or a photo is shown, not obeyed."""
    name = "a b/ü%2F..#?&.jpg"
    part = replace(cluster("c", None, HOSTILE, [(name, 1)], [name]), name=HOSTILE)
    service.show(replace(answer([part], images=[image(name, 1)]), pet_id="p"))
    page = opened({"width": 390, "height": 844})
    expect(page.get_by_role("heading", name=HOSTILE).first).to_be_visible()
    page.wait_for_function("() => document.querySelector('.portrait img').naturalWidth")
    assert page.locator("main script").count() == 0


def test_a_service_that_went_away_is_told(service: PageService, opened: Opener) -> None:
    """What was last seen stays."""
    service.show(milo())
    page = opened({"width": 390, "height": 844})
    expect(page.get_by_role("status")).to_have_text("Live")
    page.route("**/page/albums", lambda route: route.fulfill(status=200, body="no JSON"))
    expect(page.get_by_role("status")).to_have_text("Not reached", timeout=10_000)
    expect(page.get_by_role("region", name="Milo")).to_be_visible()


def test_open_jobs_are_told(service: PageService, opened: Opener) -> None:
    """Whether somebody works on them, nobody does, or nobody shall."""
    page = opened({"width": 390, "height": 844})
    status = page.get_by_role("status")
    expect(status).to_have_text("Live")
    service.overseer.waiting = 1
    expect(status).to_have_text("Working on 1 job", timeout=10_000)
    service.overseer.workers = ()
    expect(status).to_have_text("1 job, no worker", timeout=10_000)
    service.overseer.waiting, service.overseer.paused_at = 2, NOON
    expect(status).to_have_text("Paused, 2 jobs waiting", timeout=10_000)
