"""The built-in package as it is, and as it must not be."""

from __future__ import annotations

import hashlib
import io
import json
import math
import shutil
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from PIL import Image
from skimage import data

from sploot_media_clustering.adapters.canary_check import check_close
from sploot_media_clustering.adapters.images import ImageLimits, PillowDecoder
from sploot_media_clustering.adapters.model_package import (
    DEFAULT_PACKAGE,
    ModelPackage,
    built_in_packages,
    default_package,
    load_package,
    verify,
)
from sploot_media_clustering.errors import ModelPackageError
from sploot_media_clustering.services.canary import canary_picture
from sploot_media_clustering.services.embedding import EmbeddingService, PhotoInput
from sploot_media_clustering.services.manifest import MANIFEST_NAME

MAX_PACKAGE_BYTES = 45_000_000


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the built-in package, to be spoilt."""
    folder = tmp_path / "package"
    shutil.copytree(built_in_packages()[DEFAULT_PACKAGE], folder)
    return folder


def change(folder: Path, *keys: str | int, value: object) -> None:
    """Set one value deep inside the manifest."""
    path = folder / MANIFEST_NAME
    manifest = json.loads(path.read_bytes())
    place: Any = manifest
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    path.write_text(json.dumps(manifest))


def replace_file(folder: Path, file: str, content: bytes) -> None:
    """Put other bytes in a file's place, and say so in the manifest."""
    (folder / file).write_bytes(content)
    manifest = json.loads((folder / MANIFEST_NAME).read_bytes())
    place = next(i for i, entry in enumerate(manifest["files"]) if entry["path"] == file)
    change(folder, "files", place, "size_bytes", value=len(content))
    change(folder, "files", place, "sha256", value=hashlib.sha256(content).hexdigest())


def open_all(package: ModelPackage) -> None:
    package.open_embedder(threads=1)
    package.open_detector(threads=1)


def jpeg(pixels: np.ndarray) -> bytes:
    encoded = io.BytesIO()
    Image.fromarray(pixels).save(encoded, "JPEG", quality=92)
    return encoded.getvalue()


def service() -> EmbeddingService:
    package = default_package()
    return EmbeddingService(
        decoder=PillowDecoder(ImageLimits()),
        detector=package.open_detector(threads=2),
        embedder=package.open_embedder(threads=2),
        thresholds=package.manifest.detector.thresholds,
        workers=2,
    )


def test_the_built_in_package_passes_every_check() -> None:
    """Files, shapes and canary are what the manifest says, and all of it is small enough for a wheel."""
    package = default_package()
    checks = verify(package)
    assert [check.detail for check in checks if not check.passed] == []
    assert {check.name for check in checks} >= {
        "file embedder.onnx",
        "file detector.onnx",
        "embedder",
        "detector",
    }
    assert sum(entry.size_bytes for entry in package.manifest.files) <= MAX_PACKAGE_BYTES
    assert all(entry.licence and entry.origin for entry in package.manifest.files)


def test_a_cat_is_found_and_told() -> None:
    """In a photo of a cat's head there is one sighting, most of the frame, surely a cat."""
    with service() as embedding:
        photo = embedding.embed_one(PhotoInput("chelsea", jpeg(data.chelsea())))
    (sighting,) = photo.sightings
    assert sighting.detector_score > 0.8
    assert sighting.species[0] > 0.8
    assert sighting.box.area > 0.6


def test_two_cats_side_by_side_are_two_sightings() -> None:
    """Also where the second is the first one mirrored."""
    cat = data.chelsea()
    with service() as embedding:
        photo = embedding.embed_one(PhotoInput("two", jpeg(np.hstack([cat, cat[:, ::-1]]))))
    assert len(photo.sightings) == 2


def test_a_room_without_animals_has_no_sighting() -> None:
    """A cup of coffee, a rocket and plain grey are no animals."""
    empty = [data.coffee(), data.rocket(), np.full((300, 400, 3), 128, np.uint8)]
    with service() as embedding:
        photos = [embedding.embed_one(PhotoInput("empty", jpeg(picture))) for picture in empty]
    assert [photo.sightings for photo in photos] == [(), (), ()]


def test_batches_and_single_photos_agree() -> None:
    """The real networks give a photo the same vectors in a batch and alone, within 1e-4."""
    cat = data.chelsea()
    photos = [PhotoInput(str(step), jpeg(np.ascontiguousarray(cat[:, 5 * step :]))) for step in range(11)]
    with service() as embedding:
        for photo, together in zip(photos, embedding.embed(photos), strict=True):
            alone = embedding.embed_one(photo)
            np.testing.assert_allclose(together.embedding, alone.embedding, atol=1e-4)
            for one, other in zip(together.sightings, alone.sightings, strict=True):
                np.testing.assert_allclose(one.embedding, other.embedding, atol=1e-4)
                np.testing.assert_allclose(one.species, other.species, atol=1e-4)
                assert one.box.overlap(other.box) == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize("file", ["embedder.onnx", "detector.onnx"])
def test_a_flipped_byte_is_noticed(copy: Path, file: str) -> None:
    """Before anything parses it, a file is compared with its checksum."""
    content = bytearray((copy / file).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / file).write_bytes(content)
    with pytest.raises(
        ModelPackageError, match=rf"{file}: expected SHA-256 .*, got .*; copy the package again"
    ):
        load_package(copy)


@pytest.mark.parametrize("file", ["embedder.onnx", "detector.onnx"])
def test_a_missing_file_is_named(copy: Path, file: str) -> None:
    """The message says which file is expected where."""
    (copy / file).unlink()
    with pytest.raises(ModelPackageError, match=rf"{file}: expected a file in .*No such file"):
        load_package(copy)


def test_a_cut_off_file_is_noticed(copy: Path) -> None:
    """A copy that ended early has too few bytes."""
    content = (copy / "detector.onnx").read_bytes()
    (copy / "detector.onnx").write_bytes(content[:1000])
    with pytest.raises(ModelPackageError, match=r"detector.onnx: expected 3,\d+,\d+ bytes, got 1,000"):
        load_package(copy)


def test_a_folder_without_a_manifest_is_no_package(tmp_path: Path) -> None:
    """Naming the wrong folder gives the remedy."""
    with pytest.raises(ModelPackageError, match=r"expected a model package with a manifest.json"):
        load_package(tmp_path)


def test_a_link_out_of_the_folder_is_not_followed(copy: Path, tmp_path: Path) -> None:
    """Files lie in the package, whatever a link says."""
    outside = tmp_path / "outside.onnx"
    (copy / "embedder.onnx").rename(outside)
    (copy / "embedder.onnx").symlink_to(outside)
    with pytest.raises(ModelPackageError, match=r"embedder.onnx: expected a file inside"):
        load_package(copy)


@pytest.mark.parametrize(
    ("keys", "value", "message"),
    [
        (("embedder", "dimension"), 1279, r"embedder.onnx: expected outputs .*1279.*, got .*1280"),
        (("embedder", "input_px"), 225, r"embedder.onnx: expected inputs .*225.*, got .*256"),
        (("detector", "candidates"), 63, r"detector.onnx: expected outputs .*63.*, got .*64"),
    ],
)
def test_a_network_of_another_shape_is_noticed(
    copy: Path, keys: tuple[str, ...], value: int, message: str
) -> None:
    """The manifest's dimensions are compared with the network's own."""
    change(copy, *keys, value=value)
    with pytest.raises(ModelPackageError, match=message):
        open_all(load_package(copy))


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("species", [0.9, 0.0, 0.0], r"embedder.onnx: expected the canary's species \(0.900"),
        ("scores", [0.1, 0.1, 0.1, 0.1, 0.1], r"detector.onnx: expected the canary's scores \(0.100"),
    ],
)
def test_another_canary_is_noticed(copy: Path, key: str, value: list[float], message: str) -> None:
    """A network that computes something else is refused at load, not found out by its users."""
    change(copy, "canary", key, value=value)
    package = load_package(copy)
    with pytest.raises(ModelPackageError, match=message):
        open_all(package)
    assert [check.name for check in verify(package) if not check.passed] == [
        "embedder" if key == "species" else "detector"
    ]


def test_another_embedding_of_the_canary_is_noticed(copy: Path) -> None:
    """The cosine tells networks apart, and a vector of another length is no canary."""
    vector = np.random.default_rng(0).random(1280).astype("<f2")
    change(copy, "canary", "embedding", value=msgspec.to_builtins(vector.tobytes()))
    with pytest.raises(ModelPackageError, match=r"embedder.onnx: expected .*cosine of at least 0.999, got 0"):
        open_all(load_package(copy))
    change(copy, "canary", "embedding", value=msgspec.to_builtins(vector[:9].tobytes()))
    with pytest.raises(ModelPackageError, match=r"expected a canary of 1280 numbers, got 9"):
        open_all(load_package(copy))


def test_what_is_no_network_is_refused(copy: Path) -> None:
    """Bytes that the manifest vouches for are still parsed with suspicion."""
    replace_file(copy, "embedder.onnx", b"not a network")
    with pytest.raises(ModelPackageError, match="expected a network that ONNX Runtime"):
        open_all(load_package(copy))


def test_verify_goes_on_after_a_failure(copy: Path) -> None:
    """Every check is reported, so that one call tells all that is wrong."""
    package = load_package(copy)
    (copy / "detector.onnx").write_bytes(b"damaged")
    failed = {check.name: check.detail for check in verify(package) if not check.passed}
    assert set(failed) == {"file detector.onnx", "detector"}
    assert "copy the package again" in failed["file detector.onnx"]


def test_the_canary_holds_an_animal() -> None:
    """A canary that the detector saw nothing in would let a blind detector pass."""
    (candidates,) = default_package().open_detector(threads=1).detect(canary_picture(300)[None])
    assert candidates[0].scores[0] > 0.7


@pytest.mark.parametrize("place", [0, 1, 2])
def test_what_is_no_number_is_not_close(place: int) -> None:
    """A network that computes NaN is refused, wherever it does."""
    found = [0.5, 0.5, 0.5]
    found[place] = math.nan
    with pytest.raises(ModelPackageError, match=r"within 0\.1, got"):
        check_close("embedder.onnx", "species", (0.5, 0.5, 0.5), tuple(found), 0.1)
