"""One embedded server for all tests of a process; each test finds it empty."""

from __future__ import annotations

import atexit
import tempfile
from contextlib import ExitStack
from functools import cache
from pathlib import Path

from sploot_media_clustering.adapters.embedded_store import embedded_store


@cache
def server_url() -> str:
    stack = ExitStack()
    folder = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
    atexit.register(stack.close)
    return stack.enter_context(embedded_store(Path(folder) / "store")).url
