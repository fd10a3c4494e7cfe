"""Models pushed, listed, pulled and pruned, in a folder, in memory and in an object store."""

from __future__ import annotations

import base64
import json
import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import fsspec
import msgspec
import pytest
from msgspec import structs
from typer.testing import Result

from sploot_media_clustering.adapters.manifest_signature import (
    new_private_key,
    public_key,
    require_trusted,
    sign,
)
from sploot_media_clustering.adapters.model_package import ModelPackage, default_package, load_package
from sploot_media_clustering.adapters.model_registry import ENTRY_NAME, Entry, ModelRegistry, Signature
from sploot_media_clustering.adapters.package_heads import read_heads, write_with_heads
from sploot_media_clustering.errors import (
    ConfigurationError,
    ConflictError,
    ModelPackageError,
    UnknownError,
    UnreadablePhotoError,
)
from sploot_media_clustering.services.manifest import MANIFEST_NAME

Run = Callable[..., Result]

BUILT_IN = read_heads(default_package()).tree.version
CONTENT = {MANIFEST_NAME, *(file.path for file in default_package().manifest.files)}


@pytest.fixture(params=["folder", "memory"])
def uri(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "folder":
        yield str(tmp_path / "registry [2]")
        return
    yield "memory://models"
    fsspec.filesystem("memory").store.clear()


def other_heads(folder: Path, number: int = 2) -> ModelPackage:
    """The built-in networks with heads of another version."""
    package = default_package()
    heads = read_heads(package)
    version = f"{package.network_version}-{number:08x}"
    renamed = replace(heads, tree=replace(heads.tree, version=version))
    reference = package.manifest.reference
    assert reference is not None
    return write_with_heads(package, renamed, origin="a test", reference=reference, out=folder)


def test_what_is_pushed_is_listed_and_pulled_byte_for_byte(uri: str, tmp_path: Path) -> None:
    """The newest version comes first; pulled, a package is what was pushed and nothing else."""
    registry = ModelRegistry(uri)
    assert registry.versions() == []
    first = registry.push(default_package())
    second = registry.push(other_heads(tmp_path / "other"))
    assert [entry.version for entry in registry.versions()] == [second.version, BUILT_IN]
    pulled = registry.pull(BUILT_IN, tmp_path / "pulled")
    assert {path.name for path in pulled.folder.iterdir()} == CONTENT
    for name in CONTENT:
        assert (pulled.folder / name).read_bytes() == (default_package().folder / name).read_bytes()
    assert first.size_bytes == sum(file.size_bytes for file in pulled.manifest.files)
    assert registry.pull(BUILT_IN, tmp_path / "pulled").folder == pulled.folder  # once more does no harm


def test_one_version_is_one_package(uri: str, tmp_path: Path) -> None:
    """Pushed again it stays as it is; another package under its name is refused, as is a folder in use."""
    registry = ModelRegistry(uri)
    entry = registry.push(default_package())
    assert registry.push(default_package()) == entry
    folder = tmp_path / "copy"
    shutil.copytree(default_package().folder, folder)
    manifest = json.loads((folder / MANIFEST_NAME).read_bytes())
    (folder / MANIFEST_NAME).write_text(json.dumps(manifest | {"description": "another"}))
    with pytest.raises(ConflictError, match="with another manifest"):
        registry.push(load_package(folder))
    with pytest.raises(ConflictError, match="name another folder"):
        registry.pull(BUILT_IN, folder)
    with pytest.raises(UnknownError, match=f"it has: {BUILT_IN}"):
        registry.pull("lite9-1", tmp_path / "none")
    with pytest.raises(UnknownError, match="expected a version"):
        registry.pull("../secrets", tmp_path / "none")


@pytest.mark.parametrize("name", sorted(CONTENT))
def test_damage_in_the_registry_is_found_and_leaves_nothing_behind(name: str, tmp_path: Path) -> None:
    """Any file of a version, one byte of it another or one more than there should be."""
    registry = ModelRegistry(str(tmp_path / "registry"))
    registry.push(default_package())
    path = tmp_path / "registry" / BUILT_IN / name
    good = path.read_bytes()
    for bad in (good[:-1] + bytes([good[-1] ^ 1]), good + b" "):
        path.write_bytes(bad)
        with pytest.raises(ModelPackageError, match="is not what"):
            registry.pull(BUILT_IN, tmp_path / "pulled" / "model")
        assert list((tmp_path / "pulled").glob("*")) + list((tmp_path / "pulled").glob(".*")) == []


def test_a_push_that_ended_halfway_is_not_listed_and_can_be_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After any number of files."""
    put = ModelRegistry._put
    for ends_after in range(len(CONTENT)):
        root = tmp_path / f"registry-{ends_after}"
        done: list[str] = []

        def ending(
            registry: ModelRegistry, version: str, name: str, data: bytes, *, last: int = ends_after
        ) -> None:
            if len(done) == last:  # noqa: B023 - called before the next round
                raise KeyboardInterrupt
            put(registry, version, name, data)
            done.append(name)  # noqa: B023 - see above

        monkeypatch.setattr(ModelRegistry, "_put", ending)
        registry = ModelRegistry(str(root))
        with pytest.raises(KeyboardInterrupt):
            registry.push(default_package())
        monkeypatch.setattr(ModelRegistry, "_put", put)
        assert registry.versions() == []
        registry.push(default_package())
        assert [entry.version for entry in registry.versions()] == [BUILT_IN]
        shutil.rmtree(root)


def test_old_versions_go_and_the_newest_and_the_spared_stay(uri: str, tmp_path: Path) -> None:
    """Nothing is left of what goes."""
    registry = ModelRegistry(uri)
    registry.push(default_package())
    others = [registry.push(other_heads(tmp_path / str(n), n)).version for n in (2, 3, 4)]
    gone = registry.prune(1, {BUILT_IN})
    assert [entry.version for entry in gone] == [others[1], others[0]]
    assert [entry.version for entry in registry.versions()] == [others[2], BUILT_IN]
    with pytest.raises(UnknownError):
        registry.pull(others[0], tmp_path / "pulled")
    if "://" not in uri:
        assert {path.name for path in Path(uri).iterdir()} == {others[2], BUILT_IN}


def test_a_signature_holds_for_its_manifest_and_its_key_alone() -> None:
    """Any other manifest, key or signature is refused, and what is no key is told."""
    private, another = new_private_key(), new_private_key()
    trusted, manifest = [public_key(private)], b'{"format": 1}'
    good = sign(manifest, private)
    require_trusted(manifest, [sign(manifest, another), good], trusted)
    value = bytearray(base64.b64decode(good.value))
    value[0] ^= 1
    for data, signatures in (
        (manifest + b" ", [good]),
        (manifest, []),
        (manifest, [sign(manifest, another)]),
        (manifest, [Signature(good.key, sign(manifest, another).value)]),
        (manifest, [Signature(good.key, base64.b64encode(value).decode())]),
        (manifest, [Signature(good.key, "no base64")]),
    ):
        with pytest.raises(ModelPackageError, match="none of them such a one"):
            require_trusted(data, signatures, trusted)
    for key in ("", "AAAA", "é"):
        with pytest.raises(ConfigurationError, match="expected a public key"):
            require_trusted(manifest, [good], [key])
    with pytest.raises(ConfigurationError, match="Ed25519 private key"):
        sign(manifest, b"no key")


def test_damaged_entries_are_told(tmp_path: Path) -> None:
    """One that does not read, and one that was copied to another version's place."""
    registry = ModelRegistry(str(tmp_path))
    entry = registry.push(default_package())
    path = tmp_path / BUILT_IN / ENTRY_NAME
    path.write_bytes(b"{")
    with pytest.raises(ModelPackageError, match="expected the entry of a version"):
        registry.versions()
    path.write_bytes(msgspec.json.encode(structs.replace(entry, version="other")))
    with pytest.raises(ModelPackageError, match="got one of other"):
        registry.versions()


def test_what_can_not_be_written_to_is_no_registry() -> None:
    """A web server is none."""
    with pytest.raises(UnreadablePhotoError, match="expected a path or a URI"):
        ModelRegistry("https://example.com/models")


def test_the_commands_from_a_key_to_a_pulled_model(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a key is trusted, a model that it did not sign is refused; signing it later mends that."""
    monkeypatch.setenv("SPLOOT_REGISTRY", "registry")
    made = run("model", "keys", "release.pem")
    assert made.exit_code == 0, made.output
    assert stat.S_IMODE((tmp_path / "release.pem").stat().st_mode) == 0o600
    assert run("model", "keys", "release.pem").stdout == made.stdout
    assert run("model", "push").stdout.strip() == BUILT_IN
    unchecked = run("model", "pull", BUILT_IN, "--out", "unchecked")
    assert unchecked.exit_code == 0
    assert "Signatures were not checked" in unchecked.stderr
    monkeypatch.setenv("SPLOOT_MODEL_KEYS", made.stdout.strip())
    refused = run("model", "pull", BUILT_IN)
    assert refused.exit_code == 4
    assert "expected a manifest signed by one of 1 trusted keys" in refused.stderr
    assert not (tmp_path / BUILT_IN).exists()
    assert run("model", "push", "--key", "release.pem").exit_code == 0
    assert run("model", "pull", BUILT_IN).stdout.strip() == BUILT_IN
    assert run("model", "verify", BUILT_IN).exit_code == 0
    assert made.stdout.strip() in run("model", "list").stdout
    (entry,) = run("model", "list", "--json").stdout.splitlines()
    assert msgspec.json.decode(entry, type=Entry).version == BUILT_IN
    assert run("model", "prune", "--keep", "1").stdout == ""


@pytest.mark.slow
def test_an_object_store_is_a_registry(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """S3 as moto's server speaks it: push, list, pull with a signature, prune."""
    server = pytest.importorskip("moto.server", reason="needs the extra emulators")
    s3fs = pytest.importorskip("s3fs", reason="needs the extra s3")
    opened = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    opened.start()
    try:
        host, port = opened.get_host_and_port()
        for name, value in {
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
            "AWS_ACCESS_KEY_ID": "nobody",
            "AWS_SECRET_ACCESS_KEY": "nothing",
            "AWS_DEFAULT_REGION": "us-east-1",
            "SPLOOT_REGISTRY": "s3://models/ours",
        }.items():
            monkeypatch.setenv(name, value)
        s3fs.S3FileSystem(skip_instance_cache=True).mkdir("models")
        key = run("model", "keys", "release.pem").stdout.strip()
        assert run("model", "push", "--key", "release.pem").stdout.strip() == BUILT_IN
        newer = other_heads(tmp_path / "other")
        assert run("model", "push", newer.folder).exit_code == 0
        listed = run("model", "list", "--json").stdout.splitlines()
        assert [json.loads(one)["version"] for one in listed] == [read_heads(newer).tree.version, BUILT_IN]
        pulled = run("model", "pull", BUILT_IN, "--trust", key, "--out", "pulled")
        assert pulled.exit_code == 0, pulled.output
        assert load_package(tmp_path / "pulled").manifest == default_package().manifest
        assert run("model", "prune", "--keep", "1").stdout.strip() == BUILT_IN
        assert len(run("model", "list", "--json").stdout.splitlines()) == 1
    finally:
        opened.stop()
