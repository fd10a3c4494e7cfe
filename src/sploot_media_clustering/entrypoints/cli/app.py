"""The commands, and what every one of them does with errors, Ctrl-C and exit codes."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from typing import Annotated, Final

import click
import typer

from sploot_media_clustering import __version__
from sploot_media_clustering.entrypoints.cli import cluster, doctor, evaluate, model, train
from sploot_media_clustering.entrypoints.cli.console import err, out
from sploot_media_clustering.errors import ConfigurationError, InputError, SplootError, TemporaryError

EXIT_INPUT: Final = 3
EXIT_CONFIGURATION: Final = 4
EXIT_TEMPORARY: Final = 5
EXIT_INTERRUPTED: Final = 130

EXIT_CODES: Final = """
Exit codes: 0 done, photos that could not be read are named · 1 a check or gate failed · 2 the command was
called wrongly · 3 the input can't be used · 4 the configuration or the model package can't be used ·
5 a store did not answer, try again · 130 stopped by Ctrl-C, what was embedded is kept.
"""

app = typer.Typer(
    name="sploot-clustering",
    help="Which animal each pet photo shows, what kind of picture it is, and which deserve to be shown.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.command(epilog=EXIT_CODES)(cluster.cluster)
app.add_typer(model.app, name="model")
app.add_typer(train.app, name="train")
app.add_typer(evaluate.app, name="eval")
app.command()(doctor.doctor)


def _show_version(asked: bool) -> None:
    if asked:
        out.print(__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options of every command."""


def main() -> None:
    """Run the command line and leave with a documented exit code."""
    # Pillow reports damaged metadata that we go on without; the photo itself is named where it can't be read.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    logging.getLogger("PIL").setLevel(logging.CRITICAL)
    try:
        code = app(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        err.print("\nStopped. What was embedded is kept; run the same command again to go on.")
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except SplootError as error:
        err.print(f"[bold red]Error:[/] {_escaped(error)}")
        sys.exit(_exit_code(error))
    sys.exit(code if isinstance(code, int) else 0)


def _escaped(error: SplootError) -> str:
    return str(error).replace("[", r"\[")


def _exit_code(error: SplootError) -> int:
    codes = (
        (ConfigurationError, EXIT_CONFIGURATION),
        (InputError, EXIT_INPUT),
        (TemporaryError, EXIT_TEMPORARY),
    )
    return next((code for kind, code in codes if isinstance(error, kind)), 1)
