"""Which pipeline answers for which album: all of them one, or shares of them each."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol, TypeAlias, get_args, runtime_checkable

from sploot_media_clustering.errors import ConfigurationError

Pipeline: TypeAlias = Literal["mixture", "stub", "shadow"]
"""``mixture``: what the networks see. ``stub``: labels and quality as publishers told them. ``shadow``: the
stub answers, and how the mixture would have answered is noted."""
PIPELINES: Final[tuple[Pipeline, ...]] = get_args(Pipeline)
EXAMPLE: Final = "mixture:0.1,shadow:0.2,stub"
_DIGEST_BYTES: Final = 8


@runtime_checkable
class Pipelines(Protocol):
    """Says which pipeline answers."""

    def of(self, pet_id: str) -> Pipeline:
        """For an album; the same whichever process asks."""
        ...


def answered_by(pipeline: Pipeline) -> str:
    """What answers name as their pipeline."""
    return "mixture" if pipeline == "mixture" else "stub"


@dataclass(frozen=True, slots=True)
class Shares:
    """Implements :class:`Pipelines` by lot: an album draws by its id.

    Attributes:
        parts: pipelines and the share of albums up to which each goes, ascending to 1. Whoever raises the
            first share adds albums to it and takes none from it.
        named: albums that do not draw.
    """

    parts: tuple[tuple[Pipeline, float], ...] = (("mixture", 1.0),)
    named: Mapping[str, Pipeline] = field(default_factory=dict)

    def of(self, pet_id: str) -> Pipeline:
        """For an album."""
        if pet_id in self.named:
            return self.named[pet_id]
        digest = hashlib.sha256(f"pipeline {pet_id}".encode()).digest()[:_DIGEST_BYTES]
        drawn = int.from_bytes(digest) / (1 << 8 * _DIGEST_BYTES)
        return next((name for name, end in self.parts if drawn < end), self.parts[-1][0])


def shares(told: str, named: Mapping[str, str] | None = None) -> Shares:
    """Shares from words.

    Args:
        told: a pipeline, or several with shares, of which the last has the rest; see :data:`EXAMPLE`.
        named: pipelines of some albums.

    Raises:
        ConfigurationError: it says something else.
    """
    parts, end = [], 0.0
    *some, last = [part.strip().partition(":") for part in told.split(",")]
    for name, _, share in some:
        end += _share(share, told)
        parts.append((_pipeline(name, told), end))
    name, _, share = last
    if end > 1.0 or (share and abs(end + _share(share, told) - 1.0) > 1e-9):  # noqa: PLR2004 - of a sum
        raise ConfigurationError(f"expected shares of pipelines that make 1, such as {EXAMPLE}, got {told!r}")
    parts.append((_pipeline(name, told), 1.0))
    return Shares(tuple(parts), {pet: _pipeline(name, name) for pet, name in (named or {}).items()})


def _pipeline(name: str, told: str) -> Pipeline:
    for known in PIPELINES:
        if known == name:
            return known
    raise ConfigurationError(
        f"expected a pipeline of {', '.join(PIPELINES)}, or shares such as {EXAMPLE}, got {told!r}"
    )


def _share(text: str, told: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0.0 <= share <= 1.0:
        raise ConfigurationError(
            f"expected shares of pipelines between 0 and 1, such as {EXAMPLE}, got {told!r}"
        )
    return share
