"""Settings: frozen, read once at the entry point, passed on as a value."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sploot_media_clustering.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Settings:
    """What an installation may choose.

    Attributes:
        model: folder of the model package, or None for the built-in one (``SPLOOT_MODEL``).
        cache: where embeddings are kept between runs, a path or a URI (``SPLOOT_CACHE``).
        threads: processor cores that may be used; 0 means all there are (``SPLOOT_THREADS``).
        timeout_s: longest wait for a remote store (``SPLOOT_TIMEOUT_S``).
    """

    model: Path | None
    cache: str
    threads: int = 0
    timeout_s: float = 30.0


def from_environment(environment: Mapping[str, str] = os.environ) -> Settings:
    """Settings from environment variables.

    Raises:
        ConfigurationError: a variable does not read as what it should be.
    """
    model = environment.get("SPLOOT_MODEL")
    return Settings(
        model=Path(model) if model else None,
        cache=environment.get("SPLOOT_CACHE") or str(_cache_home(environment) / "embeddings"),
        threads=int(_number(environment, "SPLOOT_THREADS", 0)),
        timeout_s=_number(environment, "SPLOOT_TIMEOUT_S", 30.0),
    )


def _cache_home(environment: Mapping[str, str]) -> Path:
    home = environment.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "sploot-media-clustering"


def _number(environment: Mapping[str, str], name: str, default: float) -> float:
    told = environment.get(name)
    if not told:
        return default
    try:
        value = float(told)
    except ValueError as error:
        raise ConfigurationError(f"{name} is {told!r}, expected a number such as {default:g}") from error
    if value < 0:
        raise ConfigurationError(f"{name} is {told}, expected a number of at least 0")
    return value
