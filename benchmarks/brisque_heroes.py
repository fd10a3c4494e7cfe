"""BRISQUE as a rival of heroes.

Mittal, Moorthy and Bovik 2012, "No-reference image quality assessment in the spatial domain".

    pip install brisque opencv-python-headless   # asks for LIBSVM, which is built from source
    python benchmarks/brisque_heroes.py DATA...

It is no rival of ``eval pictures``: nobody tells on which photos the package's model was trained, and it
opens a pickle. Lower is better, so scores are turned round.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np

from sploot_media_clustering.domain.attributes import ATTRIBUTES
from sploot_media_clustering.entrypoints.cli.evaluation_material import opened
from sploot_media_clustering.evaluation.heroes import evaluate_heroes, evaluate_sub_albums
from sploot_media_clustering.evaluation.left_out import NO_LOOK, Judged


def brisque() -> Any:  # noqa: ANN401 - of a package without types
    """The package's model; its features are arrays of one number, which NumPy 2.4 takes for no numbers."""
    try:
        from brisque import BRISQUE  # noqa: PLC0415 - no extra has it
    except ImportError as error:
        sys.exit(f"{error}; pip install brisque opencv-python-headless")

    class Brisque(BRISQUE):  # type: ignore[misc]
        def calculate_brisque_features(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401
            features = super().calculate_brisque_features(*args, **options)
            return np.array([np.asarray(one, np.float64).item() for one in features])

    return Brisque()


def main() -> int:
    """Print how good BRISQUE's heroes are."""
    parser = argparse.ArgumentParser(description="BRISQUE as a rival of heroes.")
    parser.add_argument("data", nargs="+", type=Path, help="folders of data sets with ratings")
    model = brisque()
    with opened(parser.parse_args().data) as material:
        rated = material.rated
        if rated is None:
            sys.exit("expected rated photos, got none")
        photos = [material.darkroom.opened(material.photos[key]) for key in rated.keys]
        scores = np.array([-float(model.score(photo)) for photo in photos])
    nothing = np.zeros((len(rated), len(ATTRIBUTES)), np.float32)
    judged = [Judged(rated, np.full(len(rated), NO_LOOK), scores, nothing)]
    for figure in (*evaluate_heroes(judged), *evaluate_sub_albums(judged)):
        interval = figure.interval
        print(f"{figure.name}: {interval.mean:.3f} [{interval.low:.3f}, {interval.high:.3f}]")
    return 0


if __name__ == "__main__":
    sys.exit(main())
