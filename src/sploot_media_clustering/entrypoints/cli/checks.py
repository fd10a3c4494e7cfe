"""Checks of a model package, printed."""

from __future__ import annotations

import msgspec
import typer
from rich.markup import escape

from sploot_media_clustering.adapters.model_package import Check, ModelPackage, verify
from sploot_media_clustering.adapters.package_heads import read_heads
from sploot_media_clustering.adapters.placement import Execution
from sploot_media_clustering.entrypoints.cli.console import out
from sploot_media_clustering.errors import ModelPackageError


def print_checks(package: ModelPackage, execution: Execution, *, as_json: bool = False) -> bool:
    """Check and print everything that clustering needs of a package.

    Args:
        package: to be checked.
        execution: where its networks may run.
        as_json: one check a line, as JSON.

    Returns:
        Whether all is well.
    """
    checks = (*verify(package, execution), _heads(package))
    for check in checks:
        if as_json:
            typer.echo(msgspec.json.encode(check).decode())
        else:
            print_check(check)
    return all(check.passed for check in checks)


def print_check(check: Check) -> None:
    """Print one check in a line."""
    mark = "[green]ok[/]" if check.passed else "[red]failed[/]"
    out.print(f"{mark}  {escape(check.name)}: {escape(check.detail)}", soft_wrap=True)


def _heads(package: ModelPackage) -> Check:
    try:
        return Check("heads", passed=True, detail=f"of {read_heads(package).tree.version}")
    except ModelPackageError as error:
        return Check("heads", passed=False, detail=str(error))
