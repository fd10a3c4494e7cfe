"""A network of somebody's own: from a file and a recipe to a package that is used like any other."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest
from onnx_writer import field, mean_network, tensor

from sploot_media_clustering.adapters.model_package import ModelPackage, default_package, load_package, verify
from sploot_media_clustering.adapters.onnx_tensors import has_half_precision, require_self_contained
from sploot_media_clustering.adapters.package_export import export_network
from sploot_media_clustering.adapters.placement import Execution
from sploot_media_clustering.errors import ConfigurationError, ModelPackageError, SplootError
from sploot_media_clustering.services.canary import canary_picture
from sploot_media_clustering.services.network_recipe import NetworkRecipe, read_recipe

SIDE_PX = 32
RECIPE = f"""
name = "means"
network = "means.onnx"
input_px = {SIDE_PX}
mean = [0.0, 0.25, 0.5]
deviation = [0.5, 0.5, 0.5]
licence = "CC0-1.0"
origin = "written by hand"
"""


def recipe(**changed: object) -> NetworkRecipe:
    told = RECIPE + "\n".join(f"{name} = {value!r}" for name, value in changed.items())
    return read_recipe(told.encode())


def exported(tmp_path: Path, network: bytes, told: NetworkRecipe | None = None) -> ModelPackage:
    told = told or recipe()
    (tmp_path / told.network).write_bytes(network)
    return export_network(told, tmp_path, default_package(), tmp_path / "package")


def test_a_package_of_ones_own_network(tmp_path: Path) -> None:
    """It passes every check, species are told by the built-in network, its version is its own."""
    package = exported(tmp_path, mean_network(SIDE_PX))
    assert [check.detail for check in verify(package) if not check.passed] == []
    assert package.network_version.startswith("means-1-")
    embedder = package.open_embedder(threads=1)
    view = canary_picture(SIDE_PX)
    seen = embedder.embed(np.stack([view, np.zeros_like(view)]))
    expected = (view.mean(axis=(0, 1)) / 255 - (0.0, 0.25, 0.5)) / 0.5
    np.testing.assert_allclose(seen.embeddings[0, :3] - seen.embeddings[0, 3:], expected, atol=1e-5)
    assert (seen.embeddings >= 0).all()
    built_in = default_package().open_embedder(threads=1)
    whole = built_in.embed(canary_picture(built_in.input_px)[None])
    assert seen.species[0].argmax() == whole.species[0].argmax()


def test_a_network_of_one_picture_at_a_time_will_do(tmp_path: Path) -> None:
    """Its pictures are run one by one."""
    embedder = exported(tmp_path, mean_network(SIDE_PX, batch=1)).open_embedder(threads=1)
    assert embedder.placement.batch == 1
    views = np.random.default_rng(0).integers(0, 256, (5, SIDE_PX, SIDE_PX, 3), np.uint8)
    assert embedder.embed(views).embeddings.shape == (5, embedder.dimension)


def test_another_weight_or_another_preparation_is_another_version(tmp_path: Path) -> None:
    """Vectors of different networks never meet."""
    versions = set()
    for number, (network, told) in enumerate(
        [
            (mean_network(SIDE_PX), recipe()),
            (mean_network(SIDE_PX, 2.0), recipe()),
            (mean_network(SIDE_PX), recipe(layout="nchw", pooling="mean")),
        ]
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        versions.add(exported(folder, network, told).network_version)
    assert len(versions) == 3


@pytest.mark.parametrize(
    ("network", "changed", "message"),
    [
        (mean_network(SIDE_PX), {"input": "images"}, "expected an input 'images', got pixels"),
        (mean_network(SIDE_PX), {"output": "logits"}, "expected an output 'logits', got features"),
        (mean_network(SIDE_PX), {"layout": "nhwc"}, "expected a network for pictures of 32 pixels, nhwc"),
        (mean_network(SIDE_PX * 2), {}, "expected a network for pictures of 32 pixels"),
        (mean_network(SIDE_PX, batch=7), {}, "got a network of 7"),
        (mean_network(SIDE_PX, 0.0), {}, "not all zero"),
        (mean_network(SIDE_PX, 1e9), {}, "expected a finite embedding"),
        (mean_network(SIDE_PX, float("nan")), {}, "expected a finite embedding"),
        (mean_network(SIDE_PX, outside="weights.bin"), {}, "save it in one"),
        (mean_network(SIDE_PX)[:-40], {}, "expected a network that ONNX Runtime"),
        (b"", {}, "expected a network that ONNX Runtime"),
    ],
)
def test_what_does_not_fit_is_told_and_leaves_no_package(
    tmp_path: Path, network: bytes, changed: dict[str, object], message: str
) -> None:
    """The message says what was expected and what was found."""
    with pytest.raises(ModelPackageError, match=message):
        exported(tmp_path, network, recipe(**changed))
    assert not (tmp_path / "package").exists()


@pytest.mark.parametrize("told", ["name = 3", "nonsense", RECIPE + "mena = [0, 0, 0]", 'name = "x"'])
def test_a_recipe_is_read_strictly(told: str) -> None:
    """A misspelt line would otherwise be a default that nobody chose."""
    with pytest.raises(ConfigurationError, match="expected a recipe in TOML"):
        read_recipe(told.encode())


@pytest.mark.parametrize("network", ["weights.pkl", "absent.onnx"])
def test_a_network_that_is_not_there_or_of_another_kind(tmp_path: Path, network: str) -> None:
    """Pickles are not read at all."""
    (tmp_path / "weights.pkl").write_bytes(b"")
    with pytest.raises(ConfigurationError, match=network):
        export_network(
            read_recipe(RECIPE.replace("means.onnx", network).encode()),
            tmp_path,
            default_package(),
            tmp_path / "package",
        )


def nested(inner: bytes) -> bytes:
    """A tensor in a branch of a node's attribute."""
    graph = field(5, inner)
    attribute = field(6, graph)
    return field(7, field(1, field(5, attribute)))


@pytest.mark.parametrize(
    "network",
    [
        field(7, field(5, tensor("w", 1.0, outside="/etc/passwd"))),
        nested(tensor("w", 1.0, outside="../w")),
        field(7, field(15, field(1, tensor("w", 1.0, outside="w")))),
        field(25, field(7, field(5, field(5, tensor("w", 1.0, outside="w"))))),
        field(7, field(5, field(1, 1) + field(14, 1))),
    ],
)
def test_tensors_in_other_files_are_refused_wherever_they_are(network: bytes) -> None:
    """Initialisers, branches, sparse tensors, functions: nothing outside the checked bytes is read."""
    with pytest.raises(ModelPackageError, match="save it in one"):
        require_self_contained(network)


def test_networks_with_all_their_tensors_pass() -> None:
    """The built-in ones, and tensors in branches."""
    package = default_package()
    for file in (package.manifest.embedder.file, package.manifest.detector.file):
        require_self_contained(package.read(file))
    require_self_contained(nested(tensor("w", 1.0)))


def test_halves_are_found_wherever_they_are() -> None:
    """ONNX Runtime has to be told of them: it crashes on convolutions of halves otherwise."""
    half = field(1, 1) + field(2, 10) + field(8, "w")
    assert has_half_precision(field(7, field(5, half)))
    assert has_half_precision(nested(half))
    package = default_package()
    assert not has_half_precision(package.read(package.manifest.detector.file))
    assert not has_half_precision(nested(tensor("w", 10.0)))


def test_code_runs_only_where_it_is_trusted(tmp_path: Path) -> None:
    """TorchScript of a package is not even loaded before its checksum was told; the message says how."""
    package = exported(tmp_path, mean_network(SIDE_PX))
    folder = tmp_path / "code"
    shutil.copytree(package.folder, folder)
    manifest = (folder / "manifest.json").read_text()
    data = b"no TorchScript"
    digest = hashlib.sha256(data).hexdigest()
    old = package.manifest.file("embedder.onnx")
    (folder / "embedder.pt").write_bytes(data)
    changed = (
        manifest.replace("embedder.onnx", "embedder.pt")
        .replace(old.sha256, digest)
        .replace(f'"size_bytes": {old.size_bytes}', f'"size_bytes": {len(data)}')
        .replace('"preparation"', '"runtime": "torchscript", "preparation"')
    )
    (folder / "manifest.json").write_text(changed)
    code = load_package(folder)
    with pytest.raises(ModelPackageError, match=f"if you trust whoever made it, set .*={digest}"):
        code.open_embedder(threads=1)
    with pytest.raises(SplootError, match=r"expected TorchScript that|torch, which is not installed"):
        code.open_embedder(threads=1, execution=Execution(trusted=frozenset({digest})))
