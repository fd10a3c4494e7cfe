"""Writing photos into a folder of one's own: nothing is overwritten that this did not write itself."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final, Literal, TypeAlias

import msgspec

from sploot_media_clustering.adapters.atomic_file import write_atomically
from sploot_media_clustering.errors import InputError

How: TypeAlias = Literal["copies", "hardlinks", "symlinks"]
Outcome: TypeAlias = Literal["written", "there", "kept"]

LEDGER: Final = ".sploot-export.json"
"""What was written, by relative path, with its digest: such a file may be replaced while it is unchanged.

A folder that holds one is no place for photos of one's own; searches for photos do not enter it."""


@dataclass(slots=True)
class ExportFolder:
    """A folder that photos are exported into.

    Attributes:
        folder: the destination.
        written: digest of each file that an export wrote, by relative path.
    """

    folder: Path
    written: dict[str, str] = field(default_factory=dict)

    @classmethod
    def open(cls, folder: Path) -> ExportFolder:
        """The folder as earlier exports left it.

        Raises:
            InputError: its ledger is damaged.
        """
        path = folder / LEDGER
        if not path.is_file():
            return cls(folder)
        try:
            return cls(folder, msgspec.json.decode(path.read_bytes(), type=dict[str, str]))
        except msgspec.DecodeError as error:
            raise InputError(f"{path} is damaged: remove it, and what is there is left alone") from error

    def put(self, target: PurePosixPath, data: bytes) -> Outcome:
        """Write a file; one that somebody else put there, or changed, is kept as it is."""
        path, digest = self.folder / target, _digest(data)
        if path.exists() or path.is_symlink():
            found = _digest(path.read_bytes()) if path.is_file() else ""
            if found == digest:
                self.written.setdefault(str(target), digest)
                return "there"
            if path.is_symlink() or self.written.get(str(target)) != found:
                return "kept"
        write_atomically(path, data)
        self.written[str(target)] = digest
        return "written"

    def link(self, target: PurePosixPath, original: Path, how: How) -> Outcome:
        """Link to a photo; what is there already is kept as it is.

        Raises:
            InputError: this file system can't.
        """
        path = self.folder / target
        if path.exists() or path.is_symlink():
            return "there" if path.exists() and path.samefile(original) else "kept"
        path.parent.mkdir(parents=True, exist_ok=True)
        make: Callable[[Path, Path], None] = os.symlink if how == "symlinks" else os.link
        try:
            make(original.resolve(), path)
        except OSError as error:
            raise InputError(
                f"{how} from {original} to {path} can't be made: {error}; use --as copies"
            ) from error
        return "written"

    def keep_ledger(self) -> None:
        """Remember what was written, so that the next export may replace it."""
        write_atomically(self.folder / LEDGER, msgspec.json.encode(self.written))


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
