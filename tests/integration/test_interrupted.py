"""Ctrl-C before a command has begun."""

from __future__ import annotations

import subprocess
import sys

INTERRUPTED_WHILE_IMPORTING = """
import os, signal, sys
class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == "typer":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupt())
from sploot_media_clustering.entrypoints.cli import main
main()
"""


def test_an_interrupt_while_the_command_is_loaded_ends_it_without_a_traceback() -> None:
    """Somebody who stops a command at once sees a word, not our insides."""
    command = [sys.executable, "-c", INTERRUPTED_WHILE_IMPORTING]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr.strip()) == (130, "Stopped.")
