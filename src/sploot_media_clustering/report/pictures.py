"""The report's pictures: which are needed, how large, and made once each."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, TypeAlias

from PIL import Image

from sploot_media_clustering.domain.album import WHOLE
from sploot_media_clustering.errors import TemporaryError, UnreadablePhotoError
from sploot_media_clustering.services.answer import Answer
from sploot_media_clustering.services.ports import ImageDecoder, PhotoSource

PhotoKey: TypeAlias = tuple[str, str]
"""An album's name and an image_id in it."""

Thumbnail: TypeAlias = Callable[[str, str, int], bytes]
"""Album, image_id and longest side in pixels to a picture file that browsers show.

Called from several threads. Raises UnreadablePhotoError or a TemporaryError where there is no such picture.
"""

WEBP_QUALITY: Final = 74
"""Where artefacts begin to show on fur at the size of a tile."""

_WEBP_METHOD: Final = 2
"""Half the time of Pillow's default of 4 for 4 % more bytes (180 pet photos at 400 pixels)."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """Longest sides in pixels.

    Attributes:
        subject_px: of an animal's first hero.
        look_px: of a look's first hero.
        tile_px: of every other photo.
    """

    subject_px: int
    look_px: int
    tile_px: int


_SIZES_BY_COUNT: Final = (
    (150, Sizes(subject_px=1080, look_px=800, tile_px=720)),
    (450, Sizes(subject_px=840, look_px=512, tile_px=400)),
    (1500, Sizes(subject_px=640, look_px=400, tile_px=320)),
)
_SIZES_OF_MANY: Final = Sizes(subject_px=512, look_px=288, tile_px=208)
"""So that a report of 400 photos stays below 12 MB, one of 1 000 near 20 and one of 5 000 near 35: at this
quality a photo of a pet takes some 0.14 bytes a pixel, and a third more in the page."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One embedded picture.

    Attributes:
        number: its place in the report's table.
        data_uri: the file itself; None where it could not be had.
        width_px: of the file.
        height_px: of the file.
    """

    number: int
    data_uri: str | None
    width_px: int
    height_px: int


class Thumbnailer:
    """Makes thumbnails out of the photos themselves.

    Args:
        source: where photos come from.
        decoder: bytes to pixels; anything it reads can be shown.
        uris: of every photo, by album and image_id.
    """

    def __init__(self, source: PhotoSource, decoder: ImageDecoder, uris: Mapping[PhotoKey, str]) -> None:
        self._source = source
        self._decoder = decoder
        self._uris = uris

    def __call__(self, album: str, image_id: str, side_px: int) -> bytes:
        """One photo as WebP, at most ``side_px`` on its longest side and never larger than the original.

        Raises:
            UnreadablePhotoError: there is no such photo, or it can't be decoded.
            SourceUnavailableError: the store did not answer.
        """
        uri = self._uris.get((album, image_id))
        if uri is None:
            raise UnreadablePhotoError(f"expected a photo of album {album!r}, got {image_id!r}: run again")
        picture = self._decoder.decode(self._source.read(uri))
        width_px, height_px = picture.size_px
        scale = min(1.0, side_px / max(width_px, height_px))
        pixels = picture.view(WHOLE, max(1, round(width_px * scale)), max(1, round(height_px * scale)))
        out = io.BytesIO()
        Image.fromarray(pixels).save(out, "WEBP", quality=WEBP_QUALITY, method=_WEBP_METHOD)
        return out.getvalue()


def wanted(answers: Mapping[str, Answer]) -> dict[PhotoKey, int]:
    """Every photo that the report shows, once each, with the longest side it needs in pixels."""
    roles: dict[PhotoKey, str] = {}
    for album, answer in answers.items():
        for cluster in answer.clusters:
            for hero in cluster.heroes:
                role = cluster.level if hero.rank == 1 else "tile"
                key = (album, hero.image_id)
                if roles.get(key) != "subject" and not (role == "tile" and key in roles):
                    roles[key] = role
            for member in cluster.members:
                roles.setdefault((album, member.image_id), "tile")
        for photo in answer.unclustered:
            if photo.reason != "unreadable":
                roles.setdefault((album, photo.image_id), "tile")
    sizes = sizes_for(len(roles))
    sides_px = {"subject": sizes.subject_px, "look": sizes.look_px, "tile": sizes.tile_px}
    return {key: sides_px[role] for key, role in roles.items()}


def sizes_for(count: int) -> Sizes:
    """The sizes of a report of so many photos: the more there are, the smaller."""
    return next((sizes for limit, sizes in _SIZES_BY_COUNT if count <= limit), _SIZES_OF_MANY)


def embed(wishes: Mapping[PhotoKey, int], thumbnail: Thumbnail) -> dict[PhotoKey, Picture]:
    """Make every wished thumbnail, several at a time; the result does not depend on how many."""

    def picture(place: int, key: PhotoKey, side_px: int) -> Picture:
        try:
            data = thumbnail(*key, side_px)
        except (UnreadablePhotoError, TemporaryError):
            # A photo that went away since it was clustered leaves an empty frame, which the page counts.
            return Picture(number=place, data_uri=None, width_px=side_px, height_px=side_px)
        with Image.open(io.BytesIO(data)) as image:
            mime, (width_px, height_px) = image.get_format_mimetype(), image.size
        uri = f"data:{mime};base64,{base64.b64encode(data).decode('ascii')}"
        return Picture(number=place, data_uri=uri, width_px=width_px, height_px=height_px)

    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        tasks = [
            pool.submit(picture, place, key, side_px) for place, (key, side_px) in enumerate(wishes.items())
        ]
        return {key: task.result() for key, task in zip(wishes, tasks, strict=True)}
