"""The commands, and what every one of them does with errors, Ctrl-C and exit codes."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Final

import typer
from rich.markup import escape
from typer.core import TyperGroup

from sploot_media_clustering import __version__
from sploot_media_clustering.entrypoints.cli import (
    EXIT_INTERRUPTED,
    backup,
    cluster,
    deadletter,
    decide,
    demo,
    doctor,
    evaluate,
    export,
    jobs,
    model,
    model_charge,
    oversee,
    pets,
    serve,
    train,
    up,
    worker,
)
from sploot_media_clustering.entrypoints.cli.console import err, out
from sploot_media_clustering.errors import ConfigurationError, InputError, SplootError, TemporaryError

EXIT_FAILED: Final = 1
EXIT_INPUT: Final = 3
EXIT_CONFIGURATION: Final = 4
EXIT_TEMPORARY: Final = 5
EXIT_CODES: Final = """
Exit codes:
0 done, photos that could not be read are named;
1 a check or a gate failed, or nobody reads the output any more;
2 the command was called wrongly;
3 the input can't be used;
4 the configuration, the output folder or the model package can't be used;
5 a store did not answer, try again;
130 stopped by Ctrl-C, what was embedded is kept.
"""


@contextmanager
def documented_exit_codes() -> Iterator[None]:
    """Say in a sentence what went wrong, and leave with the code for it.

    Raises:
        typer.Exit: in place of what a person or a machine can do something about; a bug stays a traceback.
    """
    try:
        yield
    except KeyboardInterrupt as error:
        err.print("\nStopped. What was embedded is kept; run the same command again to go on.")
        raise typer.Exit(EXIT_INTERRUPTED) from error
    except BrokenPipeError as error:
        # Python flushes standard output once more at its end, and would complain there.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(EXIT_FAILED) from error
    except (SplootError, OSError) as error:
        err.print(f"[bold red]Error:[/] {escape(str(error))}", soft_wrap=True)
        raise typer.Exit(_exit_code(error)) from error


class _Commands(TyperGroup):
    """Commands that end with the documented codes, however they are started."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 which class a context has depends on typer's version
        with documented_exit_codes():
            return super().invoke(ctx)


app = typer.Typer(
    name="sploot-clustering",
    cls=_Commands,
    help="Which animal each pet photo shows, what kind of picture it is, and which deserve to be shown.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.command(epilog=EXIT_CODES)(cluster.cluster)
app.command()(decide.decide)
app.command()(export.export)
for command in (model_charge.activate, model_charge.rollback, model_charge.history):
    model.app.command()(command)
app.add_typer(model.app, name="model")
app.add_typer(train.app, name="train")
app.add_typer(evaluate.app, name="eval")
app.command()(demo.demo)
app.command()(up.up)
app.command()(serve.serve)
app.command()(worker.worker)
app.command()(jobs.submit)
app.command()(jobs.status)
app.command()(oversee.pending)
app.command()(oversee.pause)
app.command()(oversee.resume)
app.command()(pets.inspect)
app.command()(pets.rebuild)
app.command()(backup.backup)
app.command()(backup.restore)
app.add_typer(deadletter.app, name="deadletter")
app.command()(doctor.doctor)


def _show_version(asked: bool) -> bool:
    if asked:
        out.print(__version__)
        raise typer.Exit
    return asked


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options of every command."""


def run() -> None:
    """Run the command line and leave with a documented exit code."""
    # Pillow reports damaged metadata that we go on without; the photo itself is named where it can't be read.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    logging.getLogger("PIL").setLevel(logging.CRITICAL)
    app()


def _exit_code(error: Exception) -> int:
    codes = (
        (ConfigurationError, EXIT_CONFIGURATION),
        (OSError, EXIT_CONFIGURATION),
        (InputError, EXIT_INPUT),
        (TemporaryError, EXIT_TEMPORARY),
    )
    return next((code for kind, code in codes if isinstance(error, kind)), EXIT_FAILED)
