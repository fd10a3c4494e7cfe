"""The API in local mode with its page, over albums in memory and photos in a folder."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import numpy as np
from asgi_client import Client
from memory_desk import MemoryAlbums, MemoryIntake, MemoryLetters, MemoryOverseer
from PIL import Image
from starlette.types import ASGIApp

from sploot_media_clustering.bootstrap_service import local_thumbnails
from sploot_media_clustering.entrypoints.api.app import create_app
from sploot_media_clustering.entrypoints.api.parts import ApiParts
from sploot_media_clustering.services import album_record
from sploot_media_clustering.services.album_record import AlbumRecord, Source
from sploot_media_clustering.services.answer import Answer
from sploot_media_clustering.services.gallery import Gallery, StoredSources
from sploot_media_clustering.services.job_ports import StoredAlbum
from sploot_media_clustering.settings import ApiSettings

LOCAL = ApiSettings(local=True)


@dataclass
class PageService:
    """Albums that change under the page's eyes.

    Attributes:
        root: folder that photos may be read from.
        settings: of the API.
    """

    root: Path
    settings: ApiSettings = LOCAL
    albums: MemoryAlbums = field(default_factory=MemoryAlbums)
    versions: dict[str, int] = field(default_factory=dict)
    uris: dict[str, str] = field(default_factory=dict)
    overseer: MemoryOverseer = field(default_factory=lambda: MemoryOverseer(waiting=0, in_hand=0))

    def show(self, answer: Answer) -> None:
        """An album is there, or has changed; each of its photos is a file."""
        self.albums.answers[answer.pet_id] = answer
        self.versions[answer.pet_id] = answer.version
        for part in answer.images:
            path = self.root / part.image_id
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                seed = list(sha256(part.image_id.encode()).digest())
                pixels = np.random.default_rng(seed).integers(0, 255, (12, 16, 3), dtype=np.uint8)
                Image.fromarray(pixels).resize((640, 480)).save(path, "JPEG")
            self.uris.setdefault(part.image_id, path.as_uri())

    def delete(self, pet_id: str) -> None:
        del self.albums.answers[pet_id]
        self.versions[pet_id] += 1

    async def newest(self, count: int) -> dict[str, int]:
        return dict(sorted(self.versions.items(), key=lambda part: -part[1])[:count])

    async def read(self, pet_id: str, job_ids: Collection[str] = ()) -> StoredAlbum:
        del job_ids
        answer = self.albums.answers.get(pet_id)
        names = {part.image_id for part in answer.images} if answer else set()
        sources = {name: Source(uri, sha256(uri.encode()).digest()) for name, uri in self.uris.items()}
        record = AlbumRecord(sources={name: part for name, part in sources.items() if name in names})
        return StoredAlbum(version=1, record=album_record.pack(record), now_ms=0, done={}, dead=frozenset())

    @property
    def parts(self) -> ApiParts:
        gallery = Gallery(self, self.albums, StoredSources(self), local_thumbnails(self.root))
        return ApiParts(
            settings=self.settings,
            intake=MemoryIntake(),
            albums=self.albums,
            dead_letters=MemoryLetters(),
            overseer=self.overseer,
            gallery=gallery,
        )

    @property
    def app(self) -> ASGIApp:
        return create_app(self.parts)

    def client(self) -> Client:
        return Client(self.app)
