"""Results of an evaluation as a file, ``results.json``: what reports and the gate are made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import msgspec

from sploot_media_clustering.errors import DatasetError
from sploot_media_clustering.evaluation.outcome import Outcome

FORMAT: Final = 1
RESULTS: Final = "results.json"


@dataclass(frozen=True, slots=True)
class MeasuredSet:
    """A data set that was measured on.

    Attributes:
        name: of the set.
        animals: that were named.
        photos: that could be read.
    """

    name: str
    animals: int
    photos: int


@dataclass(frozen=True, slots=True)
class Results:
    """Everything that was measured in one go.

    Attributes:
        format: of the file.
        version: of the program.
        model: version of the model package.
        sets: that were measured on.
        outcomes: of the protocols, in the order they ran.
        left_out: protocols that could not run, each with the reason.
    """

    format: int
    version: str
    model: str
    sets: tuple[MeasuredSet, ...]
    outcomes: tuple[Outcome, ...]
    left_out: tuple[tuple[str, str], ...] = ()


def merged(parts: Sequence[Results]) -> Results:
    """Results of some protocols each, measured on the same photos, as one.

    Args:
        parts: at least one, in the order to be shown.

    Raises:
        DatasetError: nothing was measured.
    """
    left_out = tuple(reason for part in parts for reason in part.left_out)
    outcomes = tuple(outcome for part in parts for outcome in part.outcomes)
    if not outcomes:
        raise DatasetError(f"nothing can be measured: {left_out[0][1]}")
    return replace(parts[0], outcomes=outcomes, left_out=left_out)


def encoded(results: Results) -> bytes:
    """The file's content."""
    return msgspec.json.format(msgspec.json.encode(results), indent=1)


def read_results(path: Path) -> Results:
    """Results that ``eval all`` wrote.

    Raises:
        DatasetError: the file is not there, or holds something else.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Results)
    except OSError as error:
        raise DatasetError(f"expected results in {path}, got: {error.strerror}; run 'eval all'") from error
    except msgspec.MsgspecError as error:
        raise DatasetError(f"expected {path} to be a results.json of 'eval all', but {error}") from error
