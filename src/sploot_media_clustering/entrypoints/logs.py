"""What processes of the service log: lines for people, or a JSON object a line for machines."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Final

from sploot_media_clustering.services.telling import FACTS


class ForPeople(logging.Formatter):
    """Time, level, where and what; facts at the end."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """One line, or several with a traceback."""
        line = super().format(record)
        facts = getattr(record, FACTS, None)
        return f"{line} {json.dumps(facts)}" if facts else line


class ForMachines(logging.Formatter):
    """One JSON object; facts are members of it, and none of them hides what every line has."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, whatever it tells of."""
        told = dict(getattr(record, FACTS, None) or {})
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        told |= {"at": at, "level": record.levelname.lower(), "logger": record.name}
        told["message"] = record.getMessage()
        if record.exc_info:
            told["traceback"] = self.formatException(record.exc_info)
        return json.dumps(told, default=str)


_FORMATTERS: Final = {"text": ForPeople, "json": ForMachines}
FORMATS: Final = tuple(_FORMATTERS)


def begin(form: str) -> None:
    """Log to standard error from now on.

    Args:
        form: one of :data:`FORMATS`.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(_FORMATTERS[form]())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
