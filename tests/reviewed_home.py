"""An output folder of a made-up household with painted photos, as ``cluster`` would have written it."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from fake_heads import Album, FakeHeads, service_of
from sample_answers import NOON, picture
from strategies_album import drawn_photo, tree_model

from sploot_media_clustering.adapters.filesystems import FileSystems
from sploot_media_clustering.adapters.images import ImageLimits, PillowDecoder
from sploot_media_clustering.adapters.sources import FsspecSource
from sploot_media_clustering.bootstrap import Reviewing
from sploot_media_clustering.bootstrap_service import thumbnails
from sploot_media_clustering.domain.album import Photo
from sploot_media_clustering.entrypoints.api.parts import ApiParts
from sploot_media_clustering.entrypoints.cli.folder_albums import FolderAlbums, NoJobs
from sploot_media_clustering.entrypoints.cli.kept_states import KeptStates
from sploot_media_clustering.entrypoints.cli.results import Photos, Results
from sploot_media_clustering.services.answer import Answer
from sploot_media_clustering.services.answering import Request
from sploot_media_clustering.services.gallery import Gallery
from sploot_media_clustering.settings import ApiSettings

NAME = "Our cats"
IN_PATHS = "Our-cats"
CENTRES = {"ada": 2.2, "bob": 0.0, "cleo": -2.2}
LOOKS = (-6.0, 0.0, 6.0)


def _photo(image_id: str, rng: np.random.Generator, centre: float, number: int) -> Photo:
    return drawn_photo(image_id, rng, centre, look=LOOKS[number % len(LOOKS)], size_px=(320, 240))


def _photos(each: int) -> list[Photo]:
    rng = np.random.default_rng(5)
    photos = [
        _photo(f"{name}/{number}.jpg", rng, centre, number)
        for name, centre in CENTRES.items()
        for number in range(each)
    ]
    between = [
        _photo(f"between/{number}.jpg", rng, (-1.1, 1.1)[number % 2], number) for number in range(each)
    ]
    return photos + between


class ReviewedHome:
    """The folder and what serves it.

    Attributes:
        results: the folder.
        photos: of the album.
    """

    def __init__(self, folder: Path, each: int = 4) -> None:
        self.results = Results(folder / "out")
        self.photos = _photos(each)
        self.uris: dict[str, str] = {}
        for photo in self.photos:
            path = folder / "photos" / photo.image_id
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(picture(photo.image_id, photo.width_px, photo.height_px))
            self.uris[photo.image_id] = str(path)
        (folder / "out").mkdir()
        self.cluster()

    def reviewing(self, version: str = "test-1") -> Reviewing:
        service = service_of(Album(tuple(self.photos)))
        heads = FakeHeads(Album(tuple(self.photos)))
        heads.tree = replace(tree_model(), version=version)
        service._heads = heads
        limits = ImageLimits()
        source = FsspecSource(file_systems=FileSystems(), max_bytes=limits.max_bytes)
        return Reviewing(service, source, PillowDecoder(limits))

    def cluster(self, version: str = "test-1") -> Answer:
        """What the command does: goes on from what is there, under the model of this version."""
        reviewing = self.reviewing(version)
        clustering = reviewing.clustering
        album = Album(tuple(self.photos))
        states = KeptStates(self.results.folder, clustering)
        state = clustering.updated(states.load(NAME, None), album.embeddings(list(album.photos)))
        version_ms = time.time_ns() // 1_000_000
        request = Request(pet_id=NAME, at=NOON, version=version_ms, questions=20)
        answer = clustering.answer(state, request)
        states.save(NAME, clustering.shown(state, answer))
        self.results.write({NAME: answer}, Photos(uris={NAME: self.uris}, top=3), reviewing)
        return answer

    def parts(self, version: str = "test-1") -> ApiParts:
        """The parts of the API over the folder, as the command ``review`` puts them together."""
        reviewing = self.reviewing(version)
        albums, jobs = FolderAlbums(self.results, reviewing), NoJobs()
        gallery = Gallery(albums, albums, albums, thumbnails(reviewing.source, reviewing.decoder))
        return ApiParts(
            settings=ApiSettings(local=True),
            intake=jobs,
            albums=albums,
            dead_letters=jobs,
            gallery=gallery,
        )
