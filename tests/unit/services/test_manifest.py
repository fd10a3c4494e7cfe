from __future__ import annotations

import json
from typing import Any

import pytest

from sploot_media_clustering.adapters.model_package import built_in_packages
from sploot_media_clustering.errors import ModelPackageError
from sploot_media_clustering.services.manifest import MANIFEST_NAME, read_manifest, write_manifest


@pytest.fixture
def told() -> dict[str, Any]:
    """The built-in manifest, to be spoilt."""
    folder = next(iter(built_in_packages().values()))
    manifest: dict[str, Any] = json.loads((folder / MANIFEST_NAME).read_bytes())
    return manifest


def encoded(told: dict[str, Any]) -> bytes:
    return json.dumps(told).encode()


def test_what_was_written_reads_the_same(told: dict[str, Any]) -> None:
    """Writing a manifest and reading it gives the manifest."""
    manifest = read_manifest(encoded(told))
    assert read_manifest(write_manifest(manifest)) == manifest


@pytest.mark.parametrize("path", ["../embedder.onnx", "/etc/passwd", "a/../../b", "c:\\x", "", "a\\b"])
def test_files_lie_inside_the_package(told: dict[str, Any], path: str) -> None:
    """A path that leads out of the folder is refused."""
    told["files"][0]["path"] = path
    with pytest.raises(ModelPackageError, match="inside the package"):
        read_manifest(encoded(told))


def test_an_unknown_format_is_refused(told: dict[str, Any]) -> None:
    """A manifest of tomorrow is not guessed at."""
    told["format"] = 2
    with pytest.raises(ModelPackageError, match="expected a manifest of format 1, got 2"):
        read_manifest(encoded(told))


def test_an_unknown_field_is_refused(told: dict[str, Any]) -> None:
    """A misspelt field would otherwise be a default that nobody chose."""
    told["embedder"]["inputpx"] = 200
    with pytest.raises(ModelPackageError, match="inputpx"):
        read_manifest(encoded(told))


def test_a_network_that_is_not_listed_is_refused(told: dict[str, Any]) -> None:
    """Every file in use has a checksum."""
    told["embedder"]["file"] = "other.onnx"
    with pytest.raises(ModelPackageError, match=r"other\.onnx.*add it there"):
        read_manifest(encoded(told))


@pytest.mark.parametrize(
    ("field", "value"), [("crop_margin", 0.2), ("views", ["whole photo, squashed to a square"])]
)
def test_views_that_we_do_not_cut_are_refused(told: dict[str, Any], field: str, value: object) -> None:
    """A network made for other views would run, and be worse without anybody noticing."""
    told["embedder"][field] = value
    with pytest.raises(ModelPackageError, match="use a package made for this version"):
        read_manifest(encoded(told))


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff\xfe", b'{"format": "1"}'])
def test_what_is_no_manifest_is_refused(data: bytes) -> None:
    """Damaged JSON gives the package's own error."""
    with pytest.raises(ModelPackageError, match=MANIFEST_NAME):
        read_manifest(data)


def test_the_network_version_names_what_embeddings_depend_on(told: dict[str, Any]) -> None:
    """Another threshold makes other sightings, and so another version; other heads don't."""
    version = read_manifest(encoded(told)).network_version
    without_heads = {**told, "heads": None, "reference": None}
    assert read_manifest(encoded(without_heads)).network_version == version
    told["detector"]["thresholds"]["first"] += 0.01
    assert read_manifest(encoded(told)).network_version != version
