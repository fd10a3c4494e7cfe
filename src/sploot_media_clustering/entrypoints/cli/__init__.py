"""The command ``sploot-clustering``: parse, call a service, print."""

from __future__ import annotations

from sploot_media_clustering.entrypoints.cli.app import main

__all__ = ["main"]
