"""The desk over any store, and an album of two cats to put into it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import numpy as np
from fake_heads import Album, service_of
from strategies_album import drawn_photo

from sploot_media_clustering.adapters.sources import file_digest
from sploot_media_clustering.services.album_record import Source
from sploot_media_clustering.services.applying import AlbumApplier, Prepared, ReadyPhoto
from sploot_media_clustering.services.committing import Committer
from sploot_media_clustering.services.desk import Desk
from sploot_media_clustering.services.job_ports import DeadLetters, JobQueue, PetStore
from sploot_media_clustering.services.job_request import JobImage, JobRequest
from sploot_media_clustering.services.photo_names import StoredNames
from sploot_media_clustering.services.store_desk import StoreAlbums, StoreIntake, StoreLetters

_RNG = np.random.default_rng(3)
CATS = Album(
    tuple(
        drawn_photo(f"{name}/{number}.jpg", _RNG, centre)
        for name, centre in (("a", 6.0), ("b", -6.0))
        for number in range(5)
    )
)


async def always_well() -> None:
    """A store in memory always answers."""


class Service:
    """The desk and a worker's hand, over the ports of a store."""

    def __init__(
        self,
        queue: JobQueue,
        pets: PetStore,
        letters: DeadLetters,
        health: Callable[[], Awaitable[None]] = always_well,
    ) -> None:
        self.queue, self.pets, self.letters = queue, pets, letters
        self.committer = Committer(pets, AlbumApplier(service_of(CATS), questions=5))
        self.desk = Desk(
            StoreIntake(queue),
            StoreAlbums(queue, pets, self.committer, health),
            StoreLetters(letters, queue, pets),
            StoredNames(queue, pets, file_digest),
        )

    async def work(self, job_id: str = "cats", pet_id: str = "milo") -> None:
        """Hand the cats in, and do what a worker does with them."""
        images = tuple(JobImage(image_id=name, uri=f"s3://cats/{name}") for name in CATS.photos)
        job = JobRequest(job_id=job_id, pet_id=pet_id, images=images)
        queued = await self.queue.add(job)
        photos = {
            part.image_id: ReadyPhoto(part, Source(f"s3://cats/{part.image_id}", b""))
            for part in CATS.embeddings(list(CATS.photos))
        }
        await self.committer.commit(pet_id, [Prepared(job, queued.position, photos)], settle=True)
        await self.committer.publish(pet_id)
