"""Tables that people keep in CSV files, in UTF-8, read strictly: whatever is wrong is told with its line."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from sploot_media_clustering.errors import DatasetError


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table.

    Attributes:
        place: the file and the line, for messages.
        values: by column; empty where the row ends before.
    """

    place: str
    values: dict[str, str]


def read_rows(path: Path, needed: Collection[str]) -> tuple[Row, ...]:
    """All rows of a table; other columns than the needed ones may be there.

    Raises:
        DatasetError: it is no CSV in UTF-8, lacks a column, or a row has too few or too many values.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return tuple(_rows(csv.DictReader(file, strict=True), path, needed))
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path}: expected UTF-8, but {error}; save it in this encoding") from error
    except csv.Error as error:
        raise DatasetError(f"{path}: expected CSV, but {error}; mend it") from error
    except OSError as error:
        raise DatasetError(f"{path}: expected a file that can be read, got: {error.strerror}") from error


def _rows(reader: csv.DictReader[str], path: Path, needed: Collection[str]) -> Iterator[Row]:
    columns = reader.fieldnames or ()
    missing = set(needed) - set(columns)
    if missing:
        raise DatasetError(f"{path} lacks the columns {sorted(missing)}")
    for values in reader:
        place = f"{path}, line {reader.line_num}"
        further = values.pop(None, ())  # where DictReader keeps what is too much
        if further:
            raise DatasetError(
                f"{place}: expected {len(columns)} values, got {len(columns) + len(further)}; quote commas"
            )
        lacking = next((name for name in columns if name in needed and values[name] is None), None)
        if lacking:
            raise DatasetError(f"{place}: expected a value of {lacking!r}, the row ends before it")
        yield Row(place, {name: value or "" for name, value in values.items()})
