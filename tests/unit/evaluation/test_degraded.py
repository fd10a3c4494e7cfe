"""Photos that went wrong on purpose, and whether they become heroes."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
from fake_heads import NETWORKS, Album, FakeHeads, service_of
from judged_home import judged_home
from PIL import Image

from sploot_media_clustering.adapters.images import ImageLimits, PillowDecoder
from sploot_media_clustering.domain.album import Box, Photo, PhotoEmbedding, SightingEmbedding
from sploot_media_clustering.evaluation import degraded
from sploot_media_clustering.evaluation.darkroom import LEAST_STRIP, Darkroom, beside, developed
from sploot_media_clustering.evaluation.degradations import HEAVY_JPEG, KINDS, quality_of
from sploot_media_clustering.evaluation.degraded import DegradedAlbum, degraded_outcome
from sploot_media_clustering.services.embedding import PhotoInput
from sploot_media_clustering.training.labelled import LabelledPhoto

BOX = Box(0.25, 0.2, 0.75, 0.9)


def detailed() -> np.ndarray:
    """A picture with detail everywhere."""
    grey = np.random.default_rng(1).integers(60, 180, (90, 120, 1))
    return np.repeat(grey, 3, 2).astype(np.uint8)


def detail(pixels: np.ndarray) -> float:
    return float(np.abs(np.diff(pixels.astype(float), axis=1)).mean())


@pytest.mark.parametrize("kind", ["motion_blur", "defocus"])
def test_blur_takes_detail(kind: str) -> None:
    """And keeps the size."""
    blurred = KINDS[kind](detailed(), BOX, np.random.default_rng(0))
    assert blurred.shape == detailed().shape
    assert detail(blurred) < 0.8 * detail(detailed())


def test_light_goes_both_ways() -> None:
    """Dark is darker, overexposed brighter, up to white."""
    rng = np.random.default_rng(0)
    assert KINDS["dark"](detailed(), BOX, rng).mean() < 0.4 * detailed().mean()
    assert KINDS["overexposed"](detailed(), BOX, rng).max() == 255


def test_cutting_off_takes_a_part_of_the_animal_and_no_more() -> None:
    """The frame ends inside the box."""
    for seed in range(4):
        cut = KINDS["cut_off"](detailed(), BOX, np.random.default_rng(seed))
        assert cut.shape[0] == 90
        assert 120 * BOX.width < 2 * cut.shape[1] < 2 * 120 * (1 - BOX.width / 2)


def test_what_is_covered_is_inside_the_box() -> None:
    """Everything else stays."""
    covered = KINDS["occluded"](detailed(), BOX, np.random.default_rng(0))
    rows, columns = np.nonzero((covered != detailed()).any(-1))
    assert rows.min() >= 0.2 * 90 - 1
    assert rows.max() <= 0.9 * 90 + 1
    assert columns.min() >= 0.25 * 120 - 1
    assert columns.max() <= 0.75 * 120 + 1
    assert len(rows) > 0.1 * 90 * 120


def test_only_heavy_jpeg_is_saved_badly() -> None:
    """Pixels are left as they are; the file is what suffers."""
    pixels = KINDS[HEAVY_JPEG](detailed(), BOX, np.random.default_rng(0))
    assert np.array_equal(pixels, detailed())
    sizes = {kind: len(developed("x", detailed(), quality_of(kind)).data) for kind in KINDS}
    assert sizes.pop(HEAVY_JPEG) < min(sizes.values())


def test_what_is_beside_the_animal_has_no_animal() -> None:
    """The widest strip counts; a photo full of animal has none."""
    assert beside(detailed(), (Box(0.4, 0.0, 1.0, 1.0),)).shape == (90, 45, 3)  # type: ignore[union-attr]
    assert beside(detailed(), (Box(0.0, 0.0, 1.0, 0.5),)).shape == (43, 120, 3)  # type: ignore[union-attr]
    edge = LEAST_STRIP - 0.05
    assert beside(detailed(), (Box(edge, edge, 1.0 - edge, 1.0 - edge),)) is None


def embedded(photo: PhotoInput) -> PhotoEmbedding:
    assert Image.open(io.BytesIO(photo.data)).size[0] > 0
    return PhotoEmbedding(photo.image_id, None, 120, 90, np.zeros(4, np.float16), (), NETWORKS)


@pytest.mark.parametrize("worse", [True, False])
def test_the_hero_is_an_untouched_photo_where_copies_score_worse(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, worse: bool
) -> None:
    """Copies look like their originals, but for their signals."""
    home = judged_home(animals=1, photos=5)
    photos = [home.photos[row] for row in home.animals[0]]
    sighting = SightingEmbedding(
        BOX, np.array([1, 0, 0], np.float32), 0.9, np.zeros(4, np.float16), np.zeros(9, np.float32)
    )
    Image.fromarray(detailed()).save(tmp_path / "shot.jpg")
    known = {photo.image_id: _signalled(photo, 0.5) for photo in photos}
    labelled = {name: LabelledPhoto(name, tmp_path / "shot.jpg", ("milo",), None) for name in known}
    embeddings = {
        name: PhotoEmbedding(
            name, datetime(2026, 1, 1, tzinfo=UTC), 120, 90, np.zeros(4, np.float16), (sighting,), NETWORKS
        )
        for name in known
    }

    class Copied(FakeHeads):
        def project(self, embedding: PhotoEmbedding) -> Photo:
            original = known[embedding.image_id.split("~")[0]]
            if "~" not in embedding.image_id:
                return original
            return _signalled(original, 0.1 if worse else 0.9, embedding.image_id)

    service = service_of(Album(tuple(known.values())))
    service._heads = Copied(Album(tuple(known.values())))  # type: ignore[assignment]
    monkeypatch.setattr(degraded, "ClusteringService", lambda _: service)
    room = Darkroom(PillowDecoder(ImageLimits()), embedded)
    found = degraded.degraded_album(
        list(known), labelled, embeddings, Mock(spec=degraded.Heads), room, np.random.default_rng(0)
    )
    assert found.untouched is worse
    assert len(found.below) == 5
    assert {below for _, below in found.below} == {worse}


def _signalled(photo: Photo, value: float, name: str = "") -> Photo:
    sighting = photo.sightings[0]
    return replace(
        photo,
        image_id=name or photo.image_id,
        sightings=(replace(sighting, signals=np.full_like(sighting.signals, value)),),
    )


def test_kinds_are_told_over_all_sets() -> None:
    """Heroes by set, copies by kind."""
    albums = [
        DegradedAlbum(untouched=True, below=(("dark", True),)),
        DegradedAlbum(untouched=False, below=(("dark", False),)),
    ]
    outcome = degraded_outcome({"home": albums})
    assert outcome.value("home", "hero_untouched") == 0.5
    assert outcome.value("dark", "copy_below_original") == 0.5
    assert outcome.value("defocus", "copy_below_original") is None
