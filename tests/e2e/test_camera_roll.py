"""The command over the simulated camera roll, and its report in a browser."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from sploot_media_clustering.demo.roll import Roll, write_roll
from sploot_media_clustering.services.answer import Answer, Cluster, decode

pytestmark = pytest.mark.slow

COMMAND = Path(sys.executable).with_name("sploot-clustering")
PICTURES = Path(__file__).parents[2] / ".venv" / "pictures"
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 900}


@dataclass(frozen=True)
class Clustered:
    roll: Roll
    answer: Answer
    report: Path
    printed: str


def cluster(roll: Roll, out: Path) -> subprocess.CompletedProcess[str]:
    home = {**os.environ, "HOME": str(out.parent), "XDG_CACHE_HOME": str(out.parent / "cache")}
    arguments = [str(COMMAND), "cluster", str(roll.folder), "--out", str(out)]
    return subprocess.run(arguments, capture_output=True, text=True, check=False, env=home, timeout=300)


@pytest.fixture(scope="module")
def clustered(tmp_path_factory: pytest.TempPathFactory) -> Clustered:
    folder = tmp_path_factory.mktemp("demo")
    roll = write_roll(folder / "roll", search_path=[str(PICTURES)])
    done = cluster(roll, folder / "out")
    assert done.returncode == 0, done.stderr
    (answer,) = decode((folder / "out" / "clusters.json").read_bytes()).values()
    return Clustered(roll, answer, folder / "out" / "report.html", done.stdout)


def subjects(answer: Answer) -> list[Cluster]:
    return [part for part in answer.clusters if part.level == "subject"]


def test_a_cluster_shows_one_animal(clustered: Clustered) -> None:
    """Nine in ten of the photos in a subject show its animal; two subjects seldom show the same one."""
    main = []
    pure = placed = 0
    for subject in subjects(clustered.answer):
        shown = Counter(
            name for member in subject.members for name in clustered.roll.animals[member.image_id].split("+")
        )
        name, count = shown.most_common(1)[0]
        main.append(name)
        pure += count
        placed += len(subject.members)
    animals = {picture.name for picture in clustered.roll.used if picture.animal}
    assert pure >= 0.9 * placed
    assert len(set(main)) >= len(animals) - 1
    assert len(main) <= len(animals) + 2


def test_a_hero_shows_its_animal_alone(clustered: Clustered) -> None:
    """A collage of two halves is the first hero of neither."""
    heroes = [subject.hero_image_id for subject in subjects(clustered.answer)]
    assert [name for name in heroes if name and "+" in clustered.roll.animals[name]] == []


def test_what_shows_no_animal_stays_outside(clustered: Clustered) -> None:
    """Photos of things are in no cluster, and say why."""
    things = {name for name, animal in clustered.roll.animals.items() if not animal}
    members = {member.image_id for part in clustered.answer.clusters for member in part.members}
    assert things
    assert things & members == set()
    assert things <= {photo.image_id for photo in clustered.answer.unclustered}


def test_a_broken_photo_is_named_once_and_harms_no_other(clustered: Clustered) -> None:
    """The broken file is the only one that failed; all others were read."""
    assert [failed.image_id for failed in clustered.answer.failed_images] == [clustered.roll.broken]
    assert {image.image_id for image in clustered.answer.images} == set(clustered.roll.animals)


def test_the_command_says_where_the_report_is(clustered: Clustered) -> None:
    """A person who ran the command knows what to open next."""
    assert "report.html" in clustered.printed


@pytest.fixture(scope="module", params=[PHONE, DESKTOP], ids=["phone", "desktop"])
def page(request: pytest.FixtureRequest) -> Iterator[Page]:
    browser_path = shutil.which("chromium")
    assert browser_path, "expected Debian's chromium on the PATH; .ci/run installs it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        yield browser.new_page(viewport=request.param)
        browser.close()


def test_the_report_opens_from_a_file_without_a_network(clustered: Clustered, page: Page) -> None:
    """The report is one file: it asks for nothing else, raises no error, fits the screen."""
    asked: list[str] = []
    wrong: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(clustered.report.as_uri())
    page.wait_for_load_state("load")
    assert [url for url in asked if not url.startswith(("data:", "blob:"))] == [clustered.report.as_uri()]
    assert wrong == []
    assert page.locator("img").count() >= len(subjects(clustered.answer))
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
