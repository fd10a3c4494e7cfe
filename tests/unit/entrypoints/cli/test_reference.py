"""The reference of the command line, and what every command's help has."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sploot_media_clustering.entrypoints.cli.app import COMMANDS, EXIT_CODES, app
from sploot_media_clustering.entrypoints.cli.reference import commands, reference

PAGE = Path(__file__).parents[4] / "docs" / "reference" / "command-line.md"
NAMES = [name for name, _ in commands()]


def test_the_reference_is_what_the_commands_say() -> None:
    """The committed page is the generated one; the module's docstring has the line that makes it again."""
    assert PAGE.read_text(encoding="utf-8") == reference()


@pytest.mark.parametrize("name", NAMES)
def test_every_command_has_an_example_in_its_help(name: str) -> None:
    """One that starts with the command itself."""
    words = name.split()
    done = CliRunner().invoke(app, [*words[1:], "--help"], env={"COLUMNS": "200"})
    assert done.exit_code == 0
    examples = done.output.split("Example", maxsplit=1)[1]
    assert name in examples


@pytest.mark.parametrize("name", NAMES)
def test_every_option_is_explained(name: str) -> None:
    """In a sentence."""
    (command,) = [command for full, command in commands() if full == name]
    unexplained = [param.name for param in command.params if not (param.help or "").endswith(".")]
    assert unexplained == []


def test_the_exit_codes_are_in_the_help_of_the_program_and_of_cluster() -> None:
    """Each of them, with what it means."""
    for arguments in (["--help"], ["cluster", "--help"]):
        shown = " ".join(CliRunner().invoke(app, arguments, env={"COLUMNS": "200"}).output.split())
        assert " ".join(EXIT_CODES.split()) in shown


def test_commands_are_all_that_typer_knows() -> None:
    """The walk reaches every group."""
    assert {name.split()[1] for name in NAMES} == set(COMMANDS)


def test_a_misspelt_command_is_guessed() -> None:
    """Though no command was imported."""
    done = CliRunner().invoke(app, ["clusterr"])
    assert done.exit_code == 2
    assert "'cluster'" in done.stderr


def test_a_command_costs_no_other_ones_imports() -> None:
    """What all of them need together takes a second to import."""
    script = "import sys; from sploot_media_clustering.entrypoints.cli import app; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert not {"numpy", "scipy", "onnxruntime", "redis"} & set(loaded.split())
