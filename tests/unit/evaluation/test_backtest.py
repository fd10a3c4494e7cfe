"""Jobs of the past through two candidates: the same jobs, figures album by album."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace

import pytest
from fake_worker import SketchEmbedder, photos_job, sketch_clustering
from msgspec import structs

from sploot_media_clustering.evaluation.backtest import (
    CHANCE,
    DIFFERENCE,
    History,
    Replayed,
    chance,
    compared,
    proposed_sure,
    replay,
)
from sploot_media_clustering.services.album_record import Source
from sploot_media_clustering.services.answer import FailedImage
from sploot_media_clustering.services.applying import AlbumApplier, ReadyPhoto
from sploot_media_clustering.services.embedding import PhotoInput
from sploot_media_clustering.services.rollout import shares

TEXTS = {f"{name}{number}": f"{name} {number}" for name in ("milo", "bella") for number in range(4)}
TRUTH = {image_id: text.split()[0] for image_id, text in TEXTS.items()}
PHOTOS: Mapping[str, ReadyPhoto | FailedImage] = {
    name: ReadyPhoto(SketchEmbedder().embed_one(PhotoInput(name, text.encode())), Source(text, b""))
    for name, text in TEXTS.items()
}


def history() -> History:
    """Two photos at a time, one of each cat; publishers call all of them by one label."""
    names = [f"{name}{number}" for number in range(4) for name in ("milo", "bella")]
    jobs = []
    for first in range(0, len(names), 2):
        job = photos_job(f"job-{first}", "home", {name: TEXTS[name] for name in names[first : first + 2]})
        images = tuple(structs.replace(image, label="asleep") for image in job.images)
        jobs.append(structs.replace(job, images=images))
    return History("home", tuple(jobs), TRUTH)


def replayed(pipeline: str) -> Replayed:
    ticks = itertools.count()
    applier = AlbumApplier(sketch_clustering(), pipelines=shares(pipeline))
    return replay(history(), applier, PHOTOS, clock=lambda: float(next(ticks)))


def test_an_album_is_replayed_job_by_job() -> None:
    """In the end it is what its photos make it, and each job took its time."""
    mixture = replayed("mixture")
    assert mixture.photos == 8
    assert mixture.measures["bcubed_f"] == mixture.measures["adjusted_rand"] == 1.0
    assert mixture.measures["unassigned"] == 0.0
    assert mixture.measures["job_ms"] == 1000.0
    assert len(mixture.sureness) == 8
    stub = replayed("stub")
    assert stub.measures["adjusted_rand"] == 0.0
    assert stub.measures["churn"] == 0.0


def test_photos_that_failed_are_left_out() -> None:
    """And an album of which nobody told anything has no accuracy."""
    failed = {name: FailedImage(image_id=name, error="E", message="m") for name in TEXTS}
    applier = AlbumApplier(sketch_clustering())
    nothing = replay(replace(history(), truth={}), applier, failed)
    assert nothing.photos == 0
    assert "bcubed_f" not in nothing.measures


def test_candidates_are_compared_album_by_album() -> None:
    """Means of both, their difference, and what chance brings."""
    stub, mixture = replayed("stub"), replayed("mixture")
    pairs = [(replace(stub, pet_id=f"home-{n}"), replace(mixture, pet_id=f"home-{n}")) for n in range(8)]
    figures, albums = compared(("old: stub", "new: mixture"), pairs)
    assert figures.value("old: stub", "adjusted_rand") == 0.0
    assert figures.value(DIFFERENCE, "adjusted_rand") == 1.0
    assert figures.value(CHANCE, "adjusted_rand") == pytest.approx(2 / 2**8, abs=0.005)
    assert {measure.group for measure in albums.measures} == {f"home-{n}" for n in range(8)}
    assert albums.value("home-0", "subject_agreement") == pytest.approx(0.0)


def test_chance_is_one_where_nothing_differs() -> None:
    """And half where one of one differs: its sign could as well be the other; both count."""
    assert chance([0.0, 0.0]) == 1.0
    assert chance([1.0]) == 1.0
    assert chance([1.0] * 20) < 0.001


def test_a_threshold_is_proposed_at_which_as_many_are_sure() -> None:
    """Three of four were, so one of four has to be below it; it moves no farther than that takes."""
    old = [replace(replayed("mixture"), sureness=(0.3, 0.6, 0.7, 0.9))]
    new = [replace(replayed("mixture"), sureness=(0.1, 0.2, 0.3, 0.4))]
    assert proposed_sure((0.5, 0.5), old, new) == 0.2
    assert proposed_sure((0.5, 0.15), old, new) == 0.15
    assert proposed_sure((0.5, 0.05), old, new) == pytest.approx(0.1001)
    assert proposed_sure((0.1, 0.05), old, new) == 0.05
    assert proposed_sure((1.0, 0.9), old, new) == pytest.approx(0.9)
    assert proposed_sure((0.5, 0.5), [], new) is None
