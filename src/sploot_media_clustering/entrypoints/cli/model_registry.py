"""``model push``, ``list``, ``alias``, ``pull``, ``prune``, ``keys``: where models are kept."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer
from rich.markup import escape
from rich.table import Table

from sploot_media_clustering.adapters.model_registry import Trust
from sploot_media_clustering.bootstrap import load_model, open_registry
from sploot_media_clustering.entrypoints.cli.console import err, out
from sploot_media_clustering.entrypoints.cli.model import Folder
from sploot_media_clustering.entrypoints.cli.model_embed import app
from sploot_media_clustering.errors import MissingExtraError
from sploot_media_clustering.services.manifest import MANIFEST_NAME
from sploot_media_clustering.settings import RegistrySettings, from_environment

__all__ = ["app"]

_OWNER_ONLY: Final = 0o600
_TRUSTED_HELP: Final = "Public keys, with commas between them; a model that none of them signed is refused."

Registry = Annotated[
    str,
    typer.Option(
        "--registry",
        envvar="SPLOOT_REGISTRY",
        help="Folder, or a URI: s3://bucket/models, mlflow+https://host/NAME.",
        metavar="URI",
    ),
]
Version = Annotated[str, typer.Argument(help="Of the model, as 'model list' prints it, or @ALIAS.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, one version a line.")]


@app.command()
def push(
    registry: Registry,
    folder: Folder = None,
    key: Annotated[Path | None, typer.Option("--key", help="Private key to sign with.")] = None,
) -> None:
    """Put a model package into the registry, signed where a key is named; prints its version.

    Pushed again, it has the signature added.

    Example:

        sploot-clustering model push packages/lite0-2026-11 --registry s3://bucket/models --key release.pem
    """
    settings = from_environment()
    package = load_model(replace(settings, model=folder or settings.model))
    manifest = (package.folder / MANIFEST_NAME).read_bytes()
    signatures = [] if key is None else [_signing().sign(manifest, key.read_bytes())]
    typer.echo(open_registry(registry).push(package, signatures).version)


@app.command("list")
def list_versions(registry: Registry, as_json: AsJson = False) -> None:
    """Which models the registry has, the newest first.

    Example:

        sploot-clustering model list --registry models
    """
    opened = open_registry(registry)
    found, aliases = opened.versions(), opened.aliases()
    if as_json:
        for entry in found:
            told = msgspec.to_builtins(entry) | {"aliases": _aliases_of(entry.version, aliases)}
            typer.echo(msgspec.json.encode(told).decode())
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("pushed", "MB", "signed by", "alias", "model"):
        table.add_column(heading, overflow="fold")
    for entry in found:
        pushed = entry.pushed_at.astimezone().isoformat(" ", "seconds")
        keys = "\n".join(one.key for one in entry.signatures) or "nobody"
        names = escape("\n".join(_aliases_of(entry.version, aliases)))
        table.add_row(pushed, f"{entry.size_bytes / 1e6:.1f}", keys, names, escape(entry.version))
    out.print(table if found else "no models yet; 'model push' adds one")


@app.command()
def alias(
    name: Annotated[str, typer.Argument(help="Of the alias.")],
    registry: Registry,
    version: Annotated[
        str | None, typer.Argument(help="That it stands for from now on; without one it is taken away.")
    ] = None,
) -> None:
    """Have a name stand for a version, so that `model pull @NAME` finds it, and `model prune` leaves it.

    `model activate` and `model rollback` do that with `active` where SPLOOT_REGISTRY names a registry.

    Example:

        sploot-clustering model alias candidate VERSION --registry s3://bucket/models
    """
    opened = open_registry(registry)
    opened.point(name, None if version is None else opened.resolved(version))


@app.command()
def pull(
    version: Version,
    registry: Registry,
    folder: Annotated[
        Path | None, typer.Option("--out", help="That it becomes; default its version.")
    ] = None,
    trusted: Annotated[str, typer.Option("--trust", envvar="SPLOOT_MODEL_KEYS", help=_TRUSTED_HELP)] = "",
) -> None:
    """Fetch a model into a folder: checksums are checked, and signatures where keys are named.

    Example:

        sploot-clustering model pull VERSION --registry s3://bucket/models --out packages/new
    """
    trust = _trust([name.strip() for name in trusted.split(",") if name.strip()])
    opened = open_registry(registry)
    version = opened.resolved(version)
    package = opened.pull(version, folder or Path(version), trust)
    if trust is None:
        err.print("Signatures were not checked: no keys are trusted (SPLOOT_MODEL_KEYS).")
    typer.echo(str(package.folder))


@app.command()
def prune(
    registry: Registry,
    keep: Annotated[int, typer.Option("--keep", min=1, help="As many of the newest stay.")] = 5,
    spared: Annotated[
        list[str] | None,
        typer.Option("--spare", help="A version that stays though it is old; may be repeated."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Delete old models from the registry; name the ones that are in charge somewhere with --spare.

    What an alias stands for stays, too.

    Example:

        sploot-clustering model prune --registry models --keep 5 --spare VERSION
    """
    for entry in open_registry(registry).prune(keep, spared or ()):
        typer.echo(msgspec.json.encode(entry).decode() if as_json else entry.version)


@app.command()
def keys(
    path: Annotated[Path, typer.Argument(help="File of the private key; made where it is not there.")],
) -> None:
    """Print the public key of a private one, which is made where it is not there.

    Keep the private one where models are released; put the public one into SPLOOT_MODEL_KEYS of who pulls.

    Example:

        sploot-clustering model keys release.pem
    """
    signing = _signing()
    if not path.exists():
        made = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
        with os.fdopen(made, "wb") as file:
            file.write(signing.new_private_key())
        err.print(f"{escape(str(path))} is new, and readable for you alone", soft_wrap=True)
    typer.echo(signing.public_key(path.read_bytes()))


def fetch_into(cache: str, settings: RegistrySettings) -> Callable[[str], Path] | None:
    """Gets models from the registry that is named; None where none is.

    They are kept in the cache where that is a folder, else as long as this machine keeps temporary files.

    Raises:
        MissingExtraError: keys are trusted, but the extra "signing" is not installed.
    """
    if settings.uri is None:
        return None
    registry, trust = open_registry(settings.uri), _trust(settings.trusted)
    folder = Path(tempfile.mkdtemp() if "://" in cache else cache) / "models"
    return lambda version: registry.pull(version, folder / version, trust).folder


def _aliases_of(version: str, aliases: Mapping[str, str]) -> list[str]:
    return [name for name, stands_for in aliases.items() if stands_for == version]


def _trust(trusted: Sequence[str]) -> Trust | None:
    return partial(_signing().require_trusted, trusted=list(trusted)) if trusted else None


def _signing() -> Any:  # noqa: ANN401 - a module
    try:
        return import_module("sploot_media_clustering.adapters.manifest_signature")
    except ImportError as error:
        raise MissingExtraError(
            "signatures need the extra signing; run: pip install 'sploot-media-clustering[signing]'"
        ) from error
