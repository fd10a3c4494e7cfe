"""What has to be installed beside the package for some commands."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

from sploot_media_clustering.errors import MissingExtraError


def require_extra(extra: str, modules: Sequence[str]) -> None:
    """Before anything is done that needs them.

    Args:
        extra: of our package, which brings them.
        modules: that are needed.

    Raises:
        MissingExtraError: one of them is not installed.
    """
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingExtraError(
            f"expected the modules {', '.join(missing)}, which are not installed; "
            f"pip install 'sploot-media-clustering[{extra}]'"
        )
