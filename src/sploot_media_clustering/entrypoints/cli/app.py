"""The commands, and what every one of them does with errors, Ctrl-C and exit codes."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from typing import Annotated, Any, Final

import typer
from rich.markup import escape
from typer.core import TyperGroup
from typer.main import get_command

from sploot_media_clustering import __version__
from sploot_media_clustering.entrypoints.cli import EXIT_INTERRUPTED, importing
from sploot_media_clustering.entrypoints.cli.console import err, out
from sploot_media_clustering.errors import ConfigurationError, InputError, SplootError, TemporaryError

EXIT_FAILED: Final = 1
EXIT_INPUT: Final = 3
EXIT_CONFIGURATION: Final = 4
EXIT_TEMPORARY: Final = 5
EXIT_CODES: Final = """
Exit codes:
0 done, photos that could not be read are named;
1 a check, a gate or a job failed, or nobody reads the output any more;
2 the command was called wrongly;
3 the input can't be used;
4 the configuration, the output folder or the model package can't be used;
5 a store did not answer, or the wait ended before the job, try again;
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


COMMANDS: Final = {
    "cluster": "cluster:cluster",
    "decide": "decide:decide",
    "review": "review:review",
    "export": "export:export",
    "duplicates": "duplicates:duplicates",
    "model": "model_export:app",
    "train": "train:app",
    "eval": "evaluate:app",
    "demo": "demo:demo",
    "up": "up:up",
    "serve": "serve:serve",
    "worker": "worker:worker",
    "serve-embedder": "serve_embedder:serve_embedder",
    "submit": "jobs:submit",
    "status": "jobs:status",
    "pending": "oversee:pending",
    "pause": "oversee:pause",
    "resume": "oversee:resume",
    "inspect": "pets:inspect",
    "rebuild": "pets:rebuild",
    "backup": "backup:backup",
    "restore": "backup:restore",
    "deadletter": "deadletter:app",
    "drift": "drift:drift",
    "backtest": "backtest:backtest",
    "doctor": "doctor:doctor",
}
"""Module and name of every command, in the order of the help."""


# Which classes contexts and commands have depends on typer's version.
class _Commands(TyperGroup):
    """Commands that end with the documented codes, however they are started.

    A command's module is imported when it is called: all of them together take a second.
    """

    def __init__(self, *told: Any, **named: Any) -> None:  # noqa: ANN401
        super().__init__(*told, **named)
        names: Any = dict.fromkeys(COMMANDS)
        self.commands = names  # what a misspelt one is compared with

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401, ARG002
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401, ARG002
        return _loaded(cmd_name) if cmd_name in COMMANDS else None

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401
        with documented_exit_codes():
            return super().invoke(ctx)


@cache
def _loaded(name: str) -> Any:  # noqa: ANN401
    module, _, attribute = COMMANDS[name].partition(":")
    with importing():
        found = getattr(import_module(f"{__package__}.{module}"), attribute)
    alone = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode="rich")
    if isinstance(found, typer.Typer):
        alone.add_typer(found, name=name)
    else:
        alone.command(name, epilog=EXIT_CODES if name == "cluster" else None)(found)
    alone.callback()(lambda: None)  # so that a single command is still a group's
    group: Any = get_command(alone)
    return group.get_command(None, name)


app = typer.Typer(
    name="sploot-clustering",
    cls=_Commands,
    help="Which animal each pet photo shows, what kind of picture it is, and which deserve to be shown.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


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
