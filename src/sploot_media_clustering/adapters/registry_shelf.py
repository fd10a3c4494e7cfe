"""What a registry of models keeps of each version, and what it asks of the place where it keeps it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeAlias, runtime_checkable

import msgspec

from sploot_media_clustering.errors import ModelPackageError

NamedFile: TypeAlias = tuple[str, bytes]
"""A path inside the package, with slashes, and what is in it."""


class Signature(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An Ed25519 signature of a manifest.

    Attributes:
        key: public, base64 of 32 bytes.
        value: base64 of 64 bytes.
    """

    key: str
    value: str


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A version that was pushed.

    Attributes:
        version: of the model: its networks and its heads.
        pushed_at: when.
        manifest_sha256: of the manifest's bytes, which hold the checksums of all files.
        size_bytes: of all files.
        signatures: of the manifest.
    """

    version: str
    pushed_at: datetime
    manifest_sha256: str
    size_bytes: int
    signatures: tuple[Signature, ...] = ()


def read_entry(data: bytes, version: str, place: str) -> Entry:
    """The entry of a version, as it was encoded.

    Args:
        data: of the entry.
        version: that it is kept as.
        place: where, for messages.

    Raises:
        ModelPackageError: it does not read, or is of another version.
    """
    try:
        entry = msgspec.json.decode(data, type=Entry)
    except msgspec.MsgspecError as error:
        raise ModelPackageError(
            f"{place}: expected the entry of a version, but {error}; push it again"
        ) from error
    if version != entry.version:
        raise ModelPackageError(f"{place}: expected the entry of that version, got one of {entry.version}")
    return entry


@runtime_checkable
class Shelf(Protocol):
    """Where versions are kept: a version is listed once it is there whole.

    All of these raise ``SourceUnavailableError`` where the place does not answer.
    """

    def entries(self, version: str | None = None) -> Sequence[Entry]:
        """Of all versions in any order, or of one that may not be there.

        Raises:
            ModelPackageError: an entry is damaged.
        """
        ...

    def write(self, entry: Entry, files: Iterable[NamedFile]) -> None:
        """Keep files of a version, and last its entry, in place of the one before."""
        ...

    def read(self, version: str, name: str, most_bytes: int) -> bytes:
        """A file of a version; of one that is larger, no more than one byte more."""
        ...

    def delete(self, version: str) -> None:
        """Let go of a version, its entry first."""
        ...


@runtime_checkable
class Aliases(Protocol):
    """Names that stand for one version each."""

    def aliases(self) -> Mapping[str, str]:
        """The version that each alias stands for."""
        ...

    def point(self, alias: str, version: str | None) -> None:
        """Have an alias stand for a version that is there, or for none."""
        ...


@runtime_checkable
class RegistryPlace(Shelf, Aliases, Protocol):
    """A shelf whose versions can be given aliases."""
