"""Messages that were given up, as people may see them: URIs without the secrets that they may carry."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import msgspec

from sploot_media_clustering.services.desk import DeadLetter
from sploot_media_clustering.services.job_ports import Burial
from sploot_media_clustering.services.jobs import Position

_MOST_BYTES: Final = 1 << 20
"""Of a field that is shown as what it says."""
_MOST_CHARACTERS: Final = 1000
"""Of a field that says nothing we can read."""
_DEEPEST: Final = 20
"""Nesting that is looked into."""


def shown_letter(letter_id: str, burial: Burial) -> DeadLetter:
    """A letter with its message; its id tells when the job was given up."""
    return DeadLetter(
        id=letter_id,
        job_id=burial.job_id,
        pet_id=burial.pet_id,
        reason=burial.reason,
        attempts=burial.attempts,
        at=datetime.fromtimestamp(Position.parse(letter_id).ms / 1000, UTC),
        message=_shown_message(burial.entry.fields),
    )


def _shown_message(fields: Mapping[bytes, bytes]) -> dict[str, Any]:
    """What a message said, field by field; URIs without user, password and query."""
    return {name.decode("utf-8", "replace"): _shown_field(value) for name, value in fields.items()}


def _shown_field(value: bytes) -> Any:  # noqa: ANN401 - whatever JSON holds
    if len(value) <= _MOST_BYTES:
        try:
            return _bare(msgspec.json.decode(value), _DEEPEST)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            pass  # it is no JSON, and is shown as text
    return _bare_text(value[:_MOST_CHARACTERS].decode("utf-8", "replace"))


def _bare(value: Any, depth: int) -> Any:  # noqa: ANN401 - whatever JSON holds
    if isinstance(value, str):
        return _bare_text(value)
    if not depth:
        return "..."
    if isinstance(value, list):
        return [_bare(part, depth - 1) for part in value]
    if isinstance(value, dict):
        return {_bare_text(name): _bare(part, depth - 1) for name, part in value.items()}
    return value


def _bare_text(text: str) -> str:
    if "://" not in text:
        return text
    try:
        parts = urlsplit(text)
    except ValueError:
        return text.partition("://")[0] + "://..."
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
