from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest
import sample_answers as sample
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies_answer import answers

from sploot_media_clustering.errors import NotAnImageError
from sploot_media_clustering.report.page import compose, render, script_json
from sploot_media_clustering.report.pictures import Picture, embed, wanted
from sploot_media_clustering.services.answer import Answer, FailedImage

HOSTILE = [
    "<script>alert(1)</script>.jpg",
    '"><img src=x onerror=alert(1)>.jpg',
    "' onfocus='alert(1)' x='.jpg",
    "</script><svg onload=alert(1)>.jpg",
    "<!-- <script>",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:alert(1)//&lt;b&gt;.jpg",
    "\u202egpj.evil \u05d7\u05ea\u05d5\u05dc \U0001f408\u200d\U0001f4f8\u2028.jpg",
    "\x00\x1b[31m\\u003c.jpg",
]


class Page(HTMLParser):
    """Everything that a browser would take for markup."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._open = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._open = tag

    def handle_data(self, data: str) -> None:
        self.texts.setdefault(self._open, []).append(data)

    def attributes(self, tag: str, name: str) -> list[str]:
        return [attrs[name] or "" for found, attrs in self.tags if found == tag and name in attrs]


def composed(*all_answers: Answer) -> str:
    by_name = {f"album {place}": answer for place, answer in enumerate(all_answers)}
    pictures = {
        key: Picture(place, f"data:image/webp;base64,{place:04d}", 400, 300)
        for place, key in enumerate(wanted(by_name))
    }
    return compose(by_name, pictures)


def hostile_household(text: str) -> Answer:
    """A household in which every text is hostile."""
    photos = [(f"{text}{number}", number // 2) for number in range(4)]
    subject = sample.cluster("s", None, text, photos, [photos[0][0]])
    look = sample.cluster("l", "s", text, photos, [photos[1][0]])
    worded = [
        msgspec.structs.replace(
            cluster,
            name=text,
            heroes=(msgspec.structs.replace(cluster.heroes[0], reasons=(text,), signals={text or "x": 0.5}),),
        )
        for cluster in (subject, look)
    ]
    return sample.answer(
        worded,
        [sample.aside(text or "x", "unsure", best="s")],
        [FailedImage(image_id=text, error=text, message=text)],
        [sample.image(image_id, moment) for image_id, moment in photos],
    )


HARMLESS = Page(composed(hostile_household("harmless.jpg")))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_stay_text(text: str) -> None:
    """No name, label, reason or message adds an element or an attribute to the page."""
    page = Page(composed(hostile_household(text)))
    assert [tag for tag, _ in page.tags] == [tag for tag, _ in HARMLESS.tags]
    assert [set(attrs) for _, attrs in page.tags] == [set(attrs) for _, attrs in HARMLESS.tags]


@settings(max_examples=30)
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_stays_text(text: str) -> None:
    """What holds for known attacks holds for any text."""
    page = Page(composed(hostile_household("x" + text)))
    assert [tag for tag, _ in page.tags] == [tag for tag, _ in HARMLESS.tags]


@pytest.mark.parametrize("text", HOSTILE)
def test_album_names_stay_text(text: str) -> None:
    """The folder's name is no more trusted than the files'."""
    answer = sample.household()
    plain, hostile = (
        Page(compose({name: answer}, {(name, key[1]): picture for key, picture in table.items()}))
        for name in ("home", text)
        for table in [{key: Picture(0, None, 4, 3) for key in wanted({"home": answer})}]
    )
    assert [tag for tag, _ in hostile.tags] == [tag for tag, _ in plain.tags]


@given(
    st.recursive(
        st.text(st.characters(exclude_categories=["Cs"])),
        lambda inner: st.lists(inner, max_size=3),
        max_leaves=5,
    )
)
def test_json_in_scripts_is_whole_and_cannot_end_them(value: object) -> None:
    """What a script reads back is what was put in, and no character of it means anything to HTML."""
    text = str(script_json(value))
    assert json.loads(text) == value
    assert not re.search("[<>&'\u2028\u2029]", text)


@settings(max_examples=25)
@given(st.lists(answers(), max_size=3))
def test_every_answer_makes_a_page(all_answers: list[Answer]) -> None:
    """Empty albums, odd ones and several at once: always one page, ids unique, links that lead somewhere."""
    page = Page(composed(*all_answers))
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    links = page.attributes("a", "href")
    assert {link.removeprefix("#") for link in links} <= set(ids)
    assert all(link.startswith("#") for link in links)
    named = [attrs["aria-labelledby"] for _, attrs in page.tags if "aria-labelledby" in attrs]
    assert set(named) <= set(ids)
    assert [tag for tag, _ in page.tags].count("h1") == 1


def test_each_picture_stands_in_the_file_once() -> None:
    """However often a photo is shown, its bytes are there once."""
    answer = sample.household()
    pictures = embed(wanted({"home": answer}), sample.thumbnail)
    text = compose({"home": answer}, pictures)
    uris = [picture.data_uri for picture in pictures.values() if picture.data_uri]
    assert len(uris) == len(set(uris)) == 9
    assert [text.count(uri) for uri in uris] == [1] * len(uris)
    shown = Page(text).attributes("img", "data-p")
    assert set(shown) == {str(picture.number) for picture in pictures.values()}


def test_every_image_has_an_alternative_text() -> None:
    """Photos say what they show; what only decorates says nothing, on purpose."""
    page = Page(composed(sample.household()))
    images = [attrs for tag, attrs in page.tags if tag == "img"]
    assert all("alt" in attrs for attrs in images)
    photos = page.attributes("button", "data-photo")
    assert sum(attrs["alt"] != "" for attrs in images) == len(photos) > 0


def test_the_page_allows_what_it_holds_and_nothing_else() -> None:
    """The policy names the hashes of our style and script; it allows no other source but data for images."""
    text = composed(sample.household())
    page = Page(text)
    policy = dict(
        rule.strip().split(" ", 1)
        for rule in next(
            attrs["content"] or ""
            for tag, attrs in page.tags
            if attrs.get("http-equiv") == "Content-Security-Policy"
        ).split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["img-src"] == "data:"
    for rule, pattern in (
        ("script-src", r"<script>(.*?)</script>"),
        ("style-src", r"<style>(.*?)</style>"),
    ):
        (content,) = re.findall(pattern, text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert policy[rule] == f"'sha256-{digest}'"


def test_the_page_asks_the_network_for_nothing() -> None:
    """No address but data and places in the page; no handler and no style attribute."""
    page = Page(composed(sample.household(), sample.household()))
    for _, attrs in page.tags:
        assert not {name for name in attrs if name.startswith("on") or name == "style"}
        for name in ("src", "href"):
            assert (attrs.get(name) or "#").startswith(("#", "data:"))


def test_the_same_answer_makes_the_same_page() -> None:
    """Nothing of the hour or of the machine is in the page."""
    assert composed(sample.household()) == composed(sample.household())


def test_several_albums_have_an_index() -> None:
    """One link to each album in the bar and one in the index, in the given order."""
    page = Page(composed(sample.household(), sample.household()))
    albums = [link for link in page.attributes("a", "href") if re.fullmatch(r"#a\d+", link)]
    assert albums == ["#a0", "#a1", "#a0", "#a1"]


def test_render_writes_one_file_and_counts(tmp_path: Path) -> None:
    """The file is there, and a photo whose file went away is counted as missing."""

    def fickle(album: str, image_id: str, side_px: int) -> bytes:
        if image_id == "milo/2.jpg":
            raise NotAnImageError("gone")
        return sample.thumbnail(album, image_id, side_px)

    out = tmp_path / "report.html"
    report = render({"home": sample.household()}, thumbnail=fickle, out_path=out)
    assert (report.path, report.photos, report.missing) == (out, 9, 1)
    assert report.size_bytes == out.stat().st_size
    assert "1\u00a0photo could not be shown" in out.read_text(encoding="utf-8")
    assert list(tmp_path.iterdir()) == [out]
