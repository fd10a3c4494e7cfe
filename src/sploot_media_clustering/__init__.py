"""Pet photos in; animals, looks and heroes out.

The names that a library user needs are importable from here; they are loaded when they are first asked for,
so that importing a part does not load the networks' runtime.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from sploot_media_clustering.bootstrap import Engine, open_engine
    from sploot_media_clustering.domain.album import PhotoEmbedding
    from sploot_media_clustering.domain.tree import AlbumState
    from sploot_media_clustering.errors import SplootError
    from sploot_media_clustering.services.answer import Answer, encode
    from sploot_media_clustering.services.answering import Request
    from sploot_media_clustering.services.embedding import PhotoFailure
    from sploot_media_clustering.services.state_codec import pack, unpack
    from sploot_media_clustering.settings import Settings

__version__ = "0.1.0"

# From 1.29 on ONNX Runtime tells its makers of every session, unless it finds this when it is imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

_HOMES: Final = {
    "AlbumState": "domain.tree",
    "Answer": "services.answer",
    "Engine": "bootstrap",
    "PhotoEmbedding": "domain.album",
    "PhotoFailure": "services.embedding",
    "Request": "services.answering",
    "Settings": "settings",
    "SplootError": "errors",
    "encode": "services.answer",
    "open_engine": "bootstrap",
    "pack": "services.state_codec",
    "unpack": "services.state_codec",
}

__all__ = [
    "AlbumState",
    "Answer",
    "Engine",
    "PhotoEmbedding",
    "PhotoFailure",
    "Request",
    "Settings",
    "SplootError",
    "encode",
    "open_engine",
    "pack",
    "unpack",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 whatever the name stands for
    """Load a public name when it is first asked for (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
