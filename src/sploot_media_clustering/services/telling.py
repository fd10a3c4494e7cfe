"""Facts beside a line of the log, such as the album that it is about; how they look is decided elsewhere."""

from __future__ import annotations

from typing import Final

FACTS: Final = "facts"
"""Attribute of a log record."""


def facts(**told: object) -> dict[str, dict[str, object]]:
    """The ``extra`` of a call to a logger; what is None is left out.

    Args:
        told: nothing secret, and no URI: those may hold credentials.
    """
    return {FACTS: {name: value for name, value in told.items() if value is not None}}
