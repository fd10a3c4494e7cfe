"""The output folder: what ``cluster`` writes, and what ``decide`` and ``export`` go on from.

Beside ``clusters.json`` and ``report.html`` it holds, out of sight, the states of the albums, where their
photos are, and the report's pictures, so that a decision reads no photo again.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from sploot_media_clustering.adapters.atomic_file import write_atomically
from sploot_media_clustering.bootstrap import Reviewing
from sploot_media_clustering.errors import InputError
from sploot_media_clustering.report.page import compose
from sploot_media_clustering.report.pictures import PhotoKey, Thumbnail, Thumbnailer, embed, wanted
from sploot_media_clustering.services.answer import Albums, Answer, decode, encode

CLUSTERS: Final = "clusters.json"
REPORT: Final = "report.html"
HIDDEN: Final = ".states"
_PHOTOS: Final = "photos.json"
_PICTURES: Final = "pictures.zip"


class Photos(msgspec.Struct, frozen=True, kw_only=True):
    """Where the photos of a folder's albums are.

    Attributes:
        uris: by album and image_id.
        top: heroes of each cluster, as asked for.
    """

    uris: dict[str, dict[str, str]]
    top: int


@dataclass(frozen=True, slots=True)
class Results:
    """An output folder.

    Attributes:
        folder: that ``cluster`` wrote, or is about to write.
    """

    folder: Path

    def answers(self) -> dict[str, Answer]:
        """The albums of the folder, by name.

        Raises:
            InputError: ``cluster`` did not write there.
        """
        return decode(self._read(self.folder / CLUSTERS))

    def changed_at(self) -> tuple[int, int]:
        """When ``clusters.json`` was written, and its size: another one where it was written since.

        Raises:
            InputError: ``cluster`` did not write there.
        """
        try:
            found = (self.folder / CLUSTERS).stat()
        except OSError as error:
            raise self._missing(CLUSTERS) from error
        return found.st_mtime_ns, found.st_size

    def photos(self) -> Photos:
        """Where the photos are.

        Raises:
            InputError: ``cluster`` did not write there.
        """
        path = self.folder / HIDDEN / _PHOTOS
        try:
            return msgspec.json.decode(self._read(path), type=Photos)
        except msgspec.DecodeError as error:
            raise InputError(f"{path} is damaged; run cluster with --out {self.folder} again") from error

    def write(self, answers: Mapping[str, Answer], photos: Photos, reviewing: Reviewing) -> bytes:
        """Write everything anew, and return ``clusters.json``.

        Args:
            answers: by album name.
            photos: where they are.
            reviewing: that reads them.
        """
        return self._written(answers, photos, _thumbnailer(photos, reviewing))

    def write_answers(self, answers: Mapping[str, Answer]) -> bytes:
        """Write ``clusters.json`` alone, and return it."""
        data = encode(next(iter(answers.values())) if len(answers) == 1 else Albums(albums=dict(answers)))
        write_atomically(self.folder / CLUSTERS, data)
        return data

    def rewrite(self, answers: Mapping[str, Answer], photos: Photos, reviewing: Reviewing) -> bytes:
        """Write changed answers to the same photos; pictures that are there are not made again."""
        make = _thumbnailer(photos, reviewing)
        kept = self._pictures()

        def thumbnail(album: str, image_id: str, side_px: int) -> bytes:
            found = kept.get(_entry((album, image_id), side_px))
            return found if found is not None else make(album, image_id, side_px)

        return self._written(answers, photos, thumbnail)

    def _written(self, answers: Mapping[str, Answer], photos: Photos, thumbnail: Thumbnail) -> bytes:
        data = self.write_answers(answers)
        made: dict[str, bytes] = {}

        def noted(album: str, image_id: str, side_px: int) -> bytes:
            picture = thumbnail(album, image_id, side_px)
            made[_entry((album, image_id), side_px)] = picture
            return picture

        page = compose(answers, embed(wanted(answers), noted))
        write_atomically(self.folder / REPORT, page.encode())
        write_atomically(self.folder / HIDDEN / _PHOTOS, msgspec.json.encode(photos))
        write_atomically(self.folder / HIDDEN / _PICTURES, _zipped(made))
        return data

    def _pictures(self) -> dict[str, bytes]:
        """The report's pictures by entry; none where they are gone or damaged, since they can be made."""
        try:
            with zipfile.ZipFile(self.folder / HIDDEN / _PICTURES) as archive:
                return {name: archive.read(name) for name in archive.namelist()}
        except (OSError, zipfile.BadZipFile):
            return {}

    def _read(self, path: Path) -> bytes:
        try:
            return path.read_bytes()
        except OSError as error:
            raise self._missing(path.name) from error

    def _missing(self, name: str) -> InputError:
        return InputError(f"expected a folder that `cluster --out` wrote, got {self.folder}: no {name} in it")


def _thumbnailer(photos: Photos, reviewing: Reviewing) -> Thumbnailer:
    uris = {(album, image_id): uri for album, own in photos.uris.items() for image_id, uri in own.items()}
    return Thumbnailer(reviewing.source, reviewing.decoder, uris)


def _entry(key: PhotoKey, side_px: int) -> str:
    return f"{side_px}/{key[0]}/{key[1]}"


def _zipped(pictures: Mapping[str, bytes]) -> bytes:
    """Stored, not deflated: the pictures are compressed already."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in pictures.items():
            archive.writestr(name, data)
    return buffer.getvalue()
