"""A worker without networks: a photo's bytes say which animal it shows, and heads read them off again.

Run as a program, it is a worker's process: ``python fake_worker.py URL [STEP:COUNT]`` kills itself after the
COUNT-th time that STEP of the protocol was done.
"""

from __future__ import annotations

import hashlib
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from fake_heads import MODEL, FakeHeads
from strategies_album import DIMENSION, LOOK_DIMENSION, SCENE_DIMENSION, sighting

from sploot_media_clustering.adapters.filesystems import FileSystems
from sploot_media_clustering.adapters.pet_embeddings import FolderPetEmbeddings
from sploot_media_clustering.bootstrap_worker import Manner, Tools
from sploot_media_clustering.domain.album import Photo, PhotoEmbedding
from sploot_media_clustering.entrypoints.worker import work
from sploot_media_clustering.errors import NotAnImageError, SourceUnavailableError
from sploot_media_clustering.services.clustering import ClusteringService
from sploot_media_clustering.services.consuming import Pace
from sploot_media_clustering.services.embedding import PhotoFailure, PhotoInput
from sploot_media_clustering.services.job_request import JobImage, JobRequest
from sploot_media_clustering.services.preparing import Patience
from sploot_media_clustering.services.processing import Limits

NETWORKS = "networks-1"
ANIMALS = ("milo", "bella")
BLIND = "blind"
"""Version of a model to which all animals look alike."""
ATTEMPTS = 1
"""Of a worker's process, which takes a second to start."""
MANNER = Manner(
    pace=Pace(in_hand=16, wait_s=0.05, claim_every_s=0.05, drain_s=10),
    patience=Patience(first_wait_s=0.01),
    beat_s=0.1,
    silence_s=0.4,
)


@dataclass
class SketchEmbedder:
    """Photos are texts such as ``milo 7``; ``crash`` raises, what is no such text can't be read."""

    version: str = NETWORKS
    batches: list[int] = field(default_factory=list)

    def embed(self, photos: Iterable[PhotoInput]) -> Iterator[PhotoEmbedding | PhotoFailure]:
        listed = list(photos)
        self.batches.append(len(listed))
        for photo in listed:
            try:
                yield _embedding(photo, self.version)
            except NotAnImageError as error:
                yield PhotoFailure(photo.image_id, error)

    def embed_one(self, photo: PhotoInput) -> PhotoEmbedding:
        self.batches.append(1)
        return _embedding(photo, self.version)


def _embedding(photo: PhotoInput, networks: str) -> PhotoEmbedding:
    animal, _, number = photo.data.decode().partition(" ")
    if animal == "crash":
        raise ZeroDivisionError("the networks broke")
    if animal == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if animal not in ANIMALS:
        raise NotAnImageError("expected a photo of milo or bella, got none")
    vector = np.array([ANIMALS.index(animal), int(number)], np.float16)
    return PhotoEmbedding(photo.image_id, None, 40, 30, vector, (), networks)


class SketchHeads(FakeHeads):
    """Heads that make of an embedding the animal that it names."""

    def __init__(self, version: str, network_version: str) -> None:
        self.tree = replace(MODEL, version=version)
        self.network_version = network_version

    def project(self, embedding: PhotoEmbedding) -> Photo:
        animal, number = (int(part) for part in embedding.embedding)
        animal = 0 if self.tree.version == BLIND else animal
        seed = hashlib.sha256(f"{animal} {number}".encode()).digest()
        rng = np.random.default_rng(list(seed))
        scene = rng.normal(size=SCENE_DIMENSION)
        centre = np.full(DIMENSION, 6.0 if animal else -6.0)
        look = np.full(LOOK_DIMENSION, 2.0 if number % 2 else -2.0)
        return Photo(
            image_id=embedding.image_id,
            captured_at=embedding.captured_at,
            width_px=40,
            height_px=30,
            scene=(scene / np.linalg.norm(scene)).astype(np.float32),
            sightings=(sighting(rng, centre, look, species=animal),),
        )


@dataclass
class SketchSource:
    """The photo is in its URI: ``sketch:milo 7``; ``gone`` is unavailable, ``slow`` only at first."""

    reads: Counter[str] = field(default_factory=Counter)

    def read(self, uri: str) -> bytes:
        self.reads[uri] += 1
        text = uri.removeprefix("sketch:")
        if text == "gone" or (text.startswith("slow ") and self.reads[uri] < 2):
            raise SourceUnavailableError("the server did not answer")
        return text.removeprefix("slow ").encode()


def sketch_clustering(version: str = MODEL.version, networks: str = NETWORKS) -> ClusteringService:
    service = ClusteringService.__new__(ClusteringService)
    service._heads = SketchHeads(version, networks)  # type: ignore[assignment]
    return service


def photos_job(job_id: str, pet_id: str, photos: dict[str, str], **told: object) -> JobRequest:
    """A job of photos by id, each a text such as ``milo 7``."""
    images = tuple(JobImage(image_id=name, uri=f"sketch:{text}") for name, text in photos.items())
    return JobRequest(job_id=job_id, pet_id=pet_id, images=images, **told)


def killer(told: str) -> Callable[[str], None]:
    """Ends the process, without a chance to tidy up, after a step was done so many times."""
    step, _, count = told.partition(":")
    left = [int(count or 1)]

    def after(done: str) -> None:
        left[0] -= done == step
        if not left[0] and done == step:
            os.kill(os.getpid(), signal.SIGKILL)

    return after


def main() -> None:
    url, folder, *steps = sys.argv[1:]
    tools = Tools(
        sketch_clustering(), SketchEmbedder(), SketchSource(), FolderPetEmbeddings(folder, FileSystems())
    )
    after = killer(steps[0]) if steps else lambda _step: None
    work(url, tools, replace(MANNER, limits=Limits(attempts=ATTEMPTS), after=after))


if __name__ == "__main__":
    main()
