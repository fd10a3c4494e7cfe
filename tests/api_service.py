"""The API over a desk in memory that knows one album, ``milo``."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import replace as changed
from hashlib import sha256

from asgi_client import Client
from memory_desk import MemoryAlbums, MemoryIntake, MemoryLetters
from msgspec.structs import replace
from sample_answers import NOON, household

from sploot_media_clustering.entrypoints.api.app import create_app
from sploot_media_clustering.entrypoints.api.parts import ApiParts
from sploot_media_clustering.services.desk import DeadLetter
from sploot_media_clustering.services.overseeing import Overseer
from sploot_media_clustering.settings import ApiSettings

TOKEN, NEXT_TOKEN, METRICS_TOKEN = (sha256(name).hexdigest()[:32] for name in (b"now", b"next", b"metrics"))
SETTINGS = ApiSettings(tokens=(TOKEN, NEXT_TOKEN), metrics_tokens=(METRICS_TOKEN,), max_body_bytes=10_000)


@dataclass
class Service:
    """The application over a desk in memory that knows one album, ``milo``."""

    settings: ApiSettings
    intake: MemoryIntake
    albums: MemoryAlbums
    letters: MemoryLetters

    def client(
        self, token: str | None = TOKEN, *, overseer: Overseer | None = None, **changes: object
    ) -> Client:
        parts = ApiParts(
            settings=changed(self.settings, **changes),
            intake=self.intake,
            albums=self.albums,
            dead_letters=self.letters,
            overseer=overseer,
        )
        return Client(create_app(parts), {"X-Internal-Token": token} if token else {})


def letter(number: int) -> DeadLetter:
    return DeadLetter(
        id=f"{number}-0",
        job_id=f"job-{number}",
        pet_id="milo",
        reason="expected a job as JSON",
        attempts=1,
        at=NOON,
        message={"payload": "{"},
    )


def service_in_memory() -> Service:
    letters = {f"{number}-0": letter(number) for number in (1, 2, 3)}
    return Service(
        SETTINGS,
        MemoryIntake(),
        MemoryAlbums({"milo": replace(household(), pet_id="milo")}),
        MemoryLetters(letters),
    )
