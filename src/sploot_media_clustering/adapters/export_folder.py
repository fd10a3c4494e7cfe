"""Photos in a folder of one's own: nothing is overwritten or removed that this did not write itself."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final, Literal, TypeAlias

import msgspec

from sploot_media_clustering.adapters.atomic_file import write_atomically
from sploot_media_clustering.errors import InputError

How: TypeAlias = Literal["copies", "hardlinks", "symlinks"]
Outcome: TypeAlias = Literal["written", "there", "kept"]

LEDGER: Final = ".sploot-export.json"
"""What was written, by relative path: such a file may be replaced or removed while it is unchanged.

A folder that holds one is no place for photos of one's own; searches for photos do not enter it."""

SIDECAR: Final = ".xmp"
"""Ending of what is written about a photo beside it."""


class Written(msgspec.Struct, frozen=True):
    """A file or link that an export made.

    Attributes:
        uri: of the photo.
        digest: of the file; None for a link.
    """

    uri: str
    digest: str | None = None


@dataclass(slots=True)
class ExportFolder:
    """A folder that photos are exported into.

    Attributes:
        folder: the destination.
        written: what exports made there, by relative path.
    """

    folder: Path
    written: dict[str, Written] = field(default_factory=dict)

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
            return cls(folder, msgspec.json.decode(path.read_bytes(), type=dict[str, Written]))
        except msgspec.DecodeError as error:
            raise InputError(f"{path} is damaged: remove it, and what is there is left alone") from error

    def put(self, target: PurePosixPath, data: bytes, uri: str) -> Outcome:
        """Write a file of a photo; one that somebody else put there, or changed, is kept as it is."""
        path, made = self.folder / target, Written(uri, _digest(data))
        if path.exists() or path.is_symlink():
            found = _digest(path.read_bytes()) if path.is_file() else ""
            before = self.written.get(str(target))
            is_ours = not path.is_symlink() and before is not None and before.digest == found
            if found == made.digest:
                if is_ours:
                    self.written[str(target)] = made  # its photo may have moved
                return "there"
            if not is_ours:
                return "kept"
        write_atomically(path, data)
        self.written[str(target)] = made
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
        self.written[str(target)] = Written(str(original))
        return "written"

    def left_over(self, planned: Iterable[PurePosixPath]) -> dict[str, str]:
        """URI of the photo of what exports made, and nobody changed, where nothing planned is; by path.

        A sidecar stays with its photo.
        """
        twins = {str(target).casefold(): self.folder / target for target in planned}
        found = {}
        for target, made in self.written.items():
            photo = self.folder / target.removesuffix(SIDECAR)
            twin = twins.get(target.removesuffix(SIDECAR).casefold())
            if not _is_same(photo, twin) and self._is_unchanged(self.folder / target, made):
                found[target] = made.uri
        return found

    def remove(self, target: str) -> None:
        """Remove what an export made, and its folders as far as they are empty."""
        (self.folder / target).unlink()
        del self.written[target]
        for parent in PurePosixPath(target).parents[:-1]:
            try:
                (self.folder / parent).rmdir()
            except OSError:
                return  # somebody has something in it

    def _is_unchanged(self, path: Path, made: Written) -> bool:
        if not path.exists() or not path.parent.resolve().is_relative_to(self.folder.resolve()):
            return False  # where a link in place of a folder leads, originals may be
        if made.digest is None:
            return Path(made.uri).exists() and path.samefile(made.uri)
        return path.is_file() and not path.is_symlink() and _digest(path.read_bytes()) == made.digest

    def keep_ledger(self) -> None:
        """Remember what was written, so that the next export may replace it."""
        write_atomically(self.folder / LEDGER, msgspec.json.encode(self.written))


def _is_same(path: Path, other: Path | None) -> bool:
    """One file: some systems take "a" and "A" for one name."""
    return path == other or (other is not None and path.exists() and other.exists() and path.samefile(other))


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
