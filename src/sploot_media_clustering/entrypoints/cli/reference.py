"""The reference of the command line, written from the commands themselves.

``python -m sploot_media_clustering.entrypoints.cli.reference > docs/reference/command-line.md``
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from typing import Any, Final

from typer.main import get_command

from sploot_media_clustering.entrypoints.cli.app import EXIT_CODES, app

_PROGRAM: Final = "sploot-clustering"
_EVERYWHERE: Final = frozenset({"help", "install_completion", "show_completion"})
"""Options that every program of this kind has."""

_HEAD: Final = f"""# Command line

Written from the commands by `python -m sploot_media_clustering.entrypoints.cli.reference`; a test compares.
`{_PROGRAM} --install-completion` teaches your shell to complete commands and options. A default stands in
brackets; `SPLOOT_MODEL`, `SPLOOT_CACHE`, `SPLOOT_THREADS`, `SPLOOT_TIMEOUT_S` and `SPLOOT_DATA` stand in for
what is not said.
"""


def reference() -> str:
    """The page as Markdown."""
    codes = EXIT_CODES.strip().splitlines()[1:]
    rows = (line.rstrip(";.").split(" ", maxsplit=1) for line in codes)
    table = "\n".join(f"| {code} | {meaning} |" for code, meaning in rows)
    sections = "\n".join(_section(name, command) for name, command in commands())
    return f"{_HEAD}\n{sections}\n## Exit codes\n\n| code | meaning |\n| --- | --- |\n{table}\n"


def commands() -> list[tuple[str, Any]]:
    """Every command that does something: its full name, and typer's object."""
    return list(_leaves(get_command(app), _PROGRAM))


# Which class a command has depends on typer's version.
def _leaves(command: Any, name: str) -> Iterator[tuple[str, Any]]:  # noqa: ANN401
    for part in command.list_commands(None):
        full, child = f"{name} {part}", command.get_command(None, part)
        if hasattr(child, "list_commands"):
            yield from _leaves(child, full)
        else:
            yield full, child


def _section(name: str, command: Any) -> str:  # noqa: ANN401
    paragraphs = inspect.cleandoc(command.help).split("\n\n")
    text = "\n\n".join(f"    {part}" if part.startswith(_PROGRAM) else part for part in paragraphs)
    params = [param for param in command.params if param.name not in _EVERYWHERE]
    rows = "".join(f"| {_names(param)} | {_meaning(param)} |\n" for param in params)
    table = f"\n| argument or option | meaning |\n| --- | --- |\n{rows}" if params else ""
    return f"## {name}\n\n{text}\n{table}"


def _names(param: Any) -> str:  # noqa: ANN401
    if param.param_type_name == "argument":
        return f"`{param.name.upper()}...`"
    return ", ".join(f"`{option}`" for option in (*param.opts, *param.secondary_opts))


def _meaning(param: Any) -> str:  # noqa: ANN401
    default = param.default
    told = "" if default is None or isinstance(default, bool) or param.required else f" [{default}]"
    return f"{param.help}{told}".replace("|", r"\|").replace("*", r"\*")


if __name__ == "__main__":
    sys.stdout.write(reference())
