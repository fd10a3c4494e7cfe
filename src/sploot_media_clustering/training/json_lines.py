"""Tables in JSON Lines, an object a line, in UTF-8, read as strictly as :mod:`.csv_table` reads CSV."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from sploot_media_clustering.errors import DatasetError
from sploot_media_clustering.training.csv_table import Row

JOINED: Final = "+"
"""What stands between several values in one cell of a CSV table."""


def read_lines(path: Path, needed: Collection[str]) -> tuple[Row, ...]:
    """All objects of a file; other names than the needed ones may be there, empty lines are passed over.

    A value is a text, a list of texts (which is read as one, joined by :data:`JOINED`) or null (empty).

    Raises:
        DatasetError: it is not in UTF-8, or a line is no such object.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path}: expected UTF-8, but {error}; save it in this encoding") from error
    except OSError as error:
        raise DatasetError(f"{path}: expected a file that can be read, got: {error.strerror}") from error
    return tuple(_rows(text, path, needed))


def _rows(text: str, path: Path, needed: Collection[str]) -> Iterator[Row]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        place = f"{path}, line {number}"
        try:
            told = json.loads(line)
        except ValueError as error:
            raise DatasetError(f"{place}: expected an object in JSON, but {error}; mend the line") from error
        if not isinstance(told, dict):
            raise DatasetError(f"{place}: expected an object in JSON, got {line.strip()[:40]}")
        lacking = sorted(set(needed) - set(told))
        if lacking:
            raise DatasetError(f"{place}: expected a value of {lacking[0]!r}, got only {sorted(told)}")
        yield Row(place, {name: _text(place, name, value) for name, value in told.items()})


def _text(place: str, name: str, value: object) -> str:
    values = value if isinstance(value, list) else [value]
    texts = [one for one in values if isinstance(one, str)]
    if value is None:
        return ""
    if len(texts) < len(values) or (isinstance(value, list) and any(JOINED in one for one in texts)):
        raise DatasetError(
            f"{place}: expected {name!r} to be a text, or a list of texts without {JOINED!r}, got {value!r}"
        )
    return JOINED.join(texts)
