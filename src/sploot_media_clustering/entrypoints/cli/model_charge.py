"""``model activate``, ``model rollback``, ``model history``: the model in charge of a service's albums."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated, TypeVar

import msgspec
import typer
from rich.markup import escape
from rich.table import Table

from sploot_media_clustering.adapters.model_registry import ACTIVE
from sploot_media_clustering.adapters.package_heads import read_heads
from sploot_media_clustering.bootstrap import load_model, open_registry
from sploot_media_clustering.entrypoints.cli.console import err, out
from sploot_media_clustering.entrypoints.cli.desk import at_the_desk, service
from sploot_media_clustering.entrypoints.cli.model import Folder, app
from sploot_media_clustering.errors import ConfigurationError, UnknownError
from sploot_media_clustering.services.desk import AnsweringModel, Desk
from sploot_media_clustering.services.models_in_charge import ModelsInCharge, Term, before_last
from sploot_media_clustering.settings import from_environment, registry_from_environment, store_at_hand

__all__ = ["app"]

T = TypeVar("T")
_JSON = typer.Option("--json", help="Print JSON, one term a line.")


@app.command()
def activate(
    folder: Folder = None,
    accept_unmeasured: Annotated[
        bool,
        typer.Option("--accept-unmeasured", help="Though it did not pass the gate; the history keeps that."),
    ] = False,
) -> None:
    """Put a model in charge of the service's albums, though another one replaced it.

    A worker of a model that passed the gate ('eval gate --package') and never was in charge takes charge by
    itself, so this is for going back, and for models that did not pass. Workers of other models take no more
    jobs; each album is carried over with its next job, its ids, names and decisions with it.

    Examples:

        sploot-clustering model activate packages/lite0-2026-11

        sploot-clustering model activate my-package --accept-unmeasured
    """
    settings = from_environment()
    package = load_model(replace(settings, model=folder or settings.model))
    version = read_heads(package).tree.version
    passed = package.manifest.passed_gate(version)
    if not passed and not accept_unmeasured:
        raise ConfigurationError(
            f"expected a model that passed the gate, {version} did not; measure it ('eval all', then 'eval "
            f"gate RESULTS BASELINE --package {package.folder}'), or say --accept-unmeasured"
        )

    async def put(models: ModelsInCharge) -> None:
        await models.activate(version, unmeasured=not passed)

    _with_models(put)
    err.print(f"{escape(version)} is in charge{'' if passed else ', unmeasured'}", soft_wrap=True)
    _note_active(version)


@app.command()
def rollback() -> None:
    """Put the model in charge that was before: its workers go on, those of the present one wait.

    Example:

        sploot-clustering model rollback
    """

    async def back(models: ModelsInCharge) -> str:
        before = before_last(await models.terms())
        await models.activate(before.model_version, unmeasured=before.unmeasured)
        return before.model_version

    version = _with_models(back)
    err.print(f"{escape(version)} is in charge again; workers of it have to run", soft_wrap=True)
    _note_active(version)


@app.command()
def history(
    pet: Annotated[str | None, typer.Option(help="Which models answered for this album, instead.")] = None,
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Which models were in charge of the service's albums, and since when.

    Example:

        sploot-clustering model history --pet milo-42
    """
    if pet is not None:
        _print_terms(at_the_desk(partial(_answered, pet)), as_json=as_json)
        return

    async def terms(models: ModelsInCharge) -> tuple[Term, ...]:
        return await models.terms()

    _print_terms(_with_models(terms), as_json=as_json)


async def _answered(pet: str, desk: Desk) -> tuple[AnsweringModel, ...]:
    return await desk.albums.models(pet)


def _print_terms(found: Sequence[Term | AnsweringModel], *, as_json: bool) -> None:
    if as_json:
        for term in found:
            typer.echo(msgspec.json.encode(term).decode())
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("since", "model", ""):
        table.add_column(heading)
    for term in found:
        since = term.since.astimezone().isoformat(" ", "seconds")
        accepted = isinstance(term, Term) and term.unmeasured
        table.add_row(
            since, escape(term.model_version or "none: no album"), "accepted unmeasured" if accepted else ""
        )
    out.print(table if found else "no model has yet")


def _note_active(version: str) -> None:
    """Have the alias of the registry that is named stand for it; for nothing, where it was never pushed."""
    uri = registry_from_environment().uri
    if uri is None:
        return
    registry = open_registry(uri)
    try:
        registry.point(ACTIVE, version)
    except UnknownError:
        registry.point(ACTIVE, None)
        err.print(f"It is not in the registry, where nothing is {ACTIVE} now; 'model push' adds it.")


def _with_models(use: Callable[[ModelsInCharge], Awaitable[T]]) -> T:
    root = service()

    async def used(url: str) -> T:
        async with root.open_models(url) as models:
            return await use(models)

    with root.open_store(store_at_hand()) as url:
        return asyncio.run(used(url))
