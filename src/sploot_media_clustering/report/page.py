"""The report: one HTML file that holds everything it shows and asks no network for anything."""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from sploot_media_clustering.report import words
from sploot_media_clustering.report.arrange import WIDTHS_PERCENT, AlbumArranger
from sploot_media_clustering.report.details import AlbumDetails, Detail
from sploot_media_clustering.report.pictures import PhotoKey, Picture, Thumbnail, embed, wanted
from sploot_media_clustering.report.said import AlbumWord, album_word
from sploot_media_clustering.report.view import TILES_AT_FIRST, Album
from sploot_media_clustering.services.answer import Answer

_TEMPLATES: Final = "templates"
_SCRIPTS: Final = ("report.js", "said.js", "select.js", "look.js")
_STYLES: Final = ("report.css", "said.css", "look.css")

_UNSAFE_IN_SCRIPT: Final = re.compile("[<>&'\u2028\u2029]")
"""What could end a script element, start a comment in it, or break a line of JavaScript."""


@dataclass(frozen=True, slots=True)
class RenderedReport:
    """What was written.

    Attributes:
        path: the file.
        photos: shown in it.
        missing: of these, without a picture, because none could be had.
        size_bytes: of the file.
    """

    path: Path
    photos: int
    missing: int
    size_bytes: int


def render(answers: Mapping[str, Answer], *, thumbnail: Thumbnail, out_path: Path) -> RenderedReport:
    """Write the report of one or several albums.

    Args:
        answers: by album name, in the order of the report, each with both levels.
        thumbnail: gives pictures; see :data:`~sploot_media_clustering.report.pictures.Thumbnail`.
        out_path: the file to write; its folder is there.

    Returns:
        What was written.
    """
    pictures = embed(wanted(answers), thumbnail)
    page = compose(answers, pictures).encode()
    out_path.write_bytes(page)
    missing = sum(picture.data_uri is None for picture in pictures.values())
    return RenderedReport(path=out_path, photos=len(pictures), missing=missing, size_bytes=len(page))


def compose(answers: Mapping[str, Answer], pictures: Mapping[PhotoKey, Picture]) -> str:
    """The page as text, from pictures that are there."""
    albums: list[Album] = []
    details: list[Detail] = []
    word: list[AlbumWord] = []
    for place, (name, answer) in enumerate(answers.items()):
        own = {image_id: picture for (album, image_id), picture in pictures.items() if album == name}
        arranged = AlbumArranger(f"a{place}", name, answer, own).album()
        albums.append(arranged)
        details += AlbumDetails(answer, arranged.animals, own).details()
        word.append(album_word(name, arranged.anchor, answer, arranged.animals, own))
    script = "".join(map(_asset, _SCRIPTS))
    style = "".join(map(_asset, _STYLES)) + _crop_rules()
    return (
        _environment()
        .get_template("report.html")
        .render(
            albums=albums,
            pictures=list(pictures.values()),
            details=script_json(sorted(details, key=lambda detail: detail.number)),
            word=script_json(word),
            keys=words.KEYS,
            title=_title(albums),
            photos=words.counted(len(pictures), "photo"),
            missing=sum(picture.data_uri is None for picture in pictures.values()),
            tiles_at_first=TILES_AT_FIRST,
            script=Markup(script),  # noqa: S704  # our own file
            style=Markup(style),  # noqa: S704  # our own file
            policy=_policy(script, style),
        )
    )


def script_json(value: Any) -> Markup:  # noqa: ANN401  # whatever msgspec encodes
    """A value as JSON that is safe inside a script element, whatever text it holds."""
    text = msgspec.json.encode(value).decode()
    return Markup(_UNSAFE_IN_SCRIPT.sub(lambda found: f"\\u{ord(found[0]):04x}", text))  # noqa: S704


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("sploot_media_clustering.report", _TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["counted"] = words.counted
    return environment


def _asset(name: str) -> str:
    return (files("sploot_media_clustering.report") / _TEMPLATES / name).read_text(encoding="utf-8")


def _crop_rules() -> str:
    """A class for each place and width of a crop, since the policy allows no style attributes."""
    places = (f".f{percent}{{object-position:{percent}% {percent}%}}" for percent in range(101))
    widths = (f".wide{percent}{{aspect-ratio:{percent / 100}}}" for percent in WIDTHS_PERCENT)
    return "\n".join((*places, *widths))


def _policy(script: str, style: str) -> str:
    """A Content-Security-Policy that allows what is in the file, and nothing else."""
    return (
        "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; "
        f"script-src '{_digest(script)}'; style-src '{_digest(style)}'"
    )


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}"


def _title(albums: list[Album]) -> str:
    return albums[0].title if len(albums) == 1 else words.counted(len(albums), "album")
