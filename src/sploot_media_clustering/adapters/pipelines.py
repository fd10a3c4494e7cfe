"""Which pipeline answers: by lot, by a file that may change at any time, or by a provider of OpenFeature."""

from __future__ import annotations

import logging
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from sploot_media_clustering.errors import ConfigurationError
from sploot_media_clustering.services.rollout import EXAMPLE, PIPELINES, Pipeline, Pipelines, Shares, shares

FLAG: Final = "sploot-pipeline"
"""Key of the flag, a string; its targeting key is the album's id."""
_ALL: Final = "*"
_log = logging.getLogger(__name__)


class FilePipelines:
    """Implements :class:`~sploot_media_clustering.services.rollout.Pipelines` by a file.

    A line has an album's id, or ``*`` for all others, and a pipeline or shares; ``#`` begins a comment. It is
    read again when it has changed; one that can't be read then changes nothing.

    Args:
        path: of the file.

    Raises:
        ConfigurationError: it can't be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp = self._stamped()
        self._shares = self._read()

    def of(self, pet_id: str) -> Pipeline:
        """For an album."""
        stamp = self._stamped()
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self._shares = self._read()
                _log.info("pipelines are as %s says from now on", self._path)
            except ConfigurationError as error:
                _log.warning("pipelines stay as they were: %s", error)
        return self._shares.of(pet_id)

    def _stamped(self) -> tuple[int, int] | None:
        """What tells one content from another; None where there is no file."""
        try:
            stat = self._path.stat()
        except OSError:
            return None
        return stat.st_mtime_ns, stat.st_size

    def _read(self) -> Shares:
        try:
            text = self._path.read_text(encoding="utf-8")
        except (OSError, UnicodeError) as error:
            raise ConfigurationError(f"expected pipelines in {self._path}, got: {error}") from error
        lines = [line.split() for raw in text.splitlines() if (line := raw.partition("#")[0].strip())]
        if any(len(line) != len(("album", "pipeline")) for line in lines):
            raise ConfigurationError(
                f"expected lines such as '* {EXAMPLE}' or 'milo-42 stub' in {self._path}"
            )
        named = dict(lines)
        return shares(named.pop(_ALL, "mixture"), named)


class FlaggedPipelines:
    """Implements :class:`~sploot_media_clustering.services.rollout.Pipelines` by the flag :data:`FLAG`.

    Args:
        provider: of flags.
        otherwise: says what holds where the provider says nothing that could be meant.
    """

    def __init__(self, provider: Any, otherwise: Pipelines) -> None:  # noqa: ANN401 - of an extra
        from openfeature import api  # noqa: PLC0415 - see above
        from openfeature.evaluation_context import EvaluationContext  # noqa: PLC0415 - see above

        api.set_provider(provider, domain=FLAG)
        self._client = api.get_client(domain=FLAG)
        self._context = EvaluationContext
        self._otherwise = otherwise

    def of(self, pet_id: str) -> Pipeline:
        """For an album."""
        usual = self._otherwise.of(pet_id)
        told = self._client.get_string_value(FLAG, usual, self._context(targeting_key=pet_id))
        return next((name for name in PIPELINES if name == told), usual)


def open_pipelines(told: str, file: Path | None = None, provider: str | None = None) -> Pipelines:
    """Who says which pipeline answers.

    Args:
        told: a pipeline or shares.
        file: that says so in its place.
        provider: ``module:factory`` that makes a provider of OpenFeature, which is asked first.

    Raises:
        ConfigurationError: one of them is not what it should be.
    """
    otherwise = shares(told) if file is None else FilePipelines(file)
    if provider is None:
        return otherwise
    module, _, factory = provider.partition(":")
    try:
        return FlaggedPipelines(getattr(import_module(module), factory)(), otherwise)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigurationError(
            f"expected MODULE:FACTORY that makes a provider of OpenFeature (pip install "
            f"'sploot-media-clustering[flags]'), got {provider!r}: {error}"
        ) from error
