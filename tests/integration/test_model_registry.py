"""Models pushed and pulled by commands, into folders and an object store; halfway pushes, signatures."""

from __future__ import annotations

import base64
import json
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from msgspec import structs
from other_model import other_heads
from typer.testing import Result

from sploot_media_clustering.adapters.folder_shelf import ENTRY_NAME, FolderShelf
from sploot_media_clustering.adapters.manifest_signature import (
    new_private_key,
    public_key,
    require_trusted,
    sign,
)
from sploot_media_clustering.adapters.model_package import default_package, load_package
from sploot_media_clustering.adapters.package_heads import read_heads
from sploot_media_clustering.adapters.registry_shelf import Entry, Signature
from sploot_media_clustering.bootstrap import open_registry
from sploot_media_clustering.errors import (
    ConfigurationError,
    ModelPackageError,
    UnreadablePhotoError,
)
from sploot_media_clustering.services.manifest import MANIFEST_NAME

Run = Callable[..., Result]

BUILT_IN = read_heads(default_package()).tree.version
CONTENT = {MANIFEST_NAME, *(file.path for file in default_package().manifest.files)}


def test_a_push_that_ended_halfway_is_not_listed_and_can_be_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After any number of files."""
    put = FolderShelf._put
    for ends_after in range(len(CONTENT)):
        root = tmp_path / f"registry-{ends_after}"
        done: list[str] = []

        def ending(shelf: FolderShelf, path: str, data: bytes, *, last: int = ends_after) -> None:
            if len(done) == last:  # noqa: B023 - called before the next round
                raise KeyboardInterrupt
            put(shelf, path, data)
            done.append(path)  # noqa: B023 - see above

        monkeypatch.setattr(FolderShelf, "_put", ending)
        registry = open_registry(str(root))
        with pytest.raises(KeyboardInterrupt):
            registry.push(default_package())
        monkeypatch.setattr(FolderShelf, "_put", put)
        assert registry.versions() == []
        registry.push(default_package())
        assert [entry.version for entry in registry.versions()] == [BUILT_IN]
        shutil.rmtree(root)


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
    registry = open_registry(str(tmp_path))
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
        open_registry("https://example.com/models")


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
    assert run("model", "alias", "candidate", BUILT_IN).exit_code == 0
    assert run("model", "pull", "@candidate", "--out", BUILT_IN).stdout.strip() == BUILT_IN
    (entry,) = run("model", "list", "--json").stdout.splitlines()
    assert msgspec.json.decode(entry, type=Entry).version == BUILT_IN
    assert json.loads(entry)["aliases"] == ["candidate"]
    assert run("model", "alias", "candidate").exit_code == 0
    assert run("model", "pull", "@candidate").exit_code == 3
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
