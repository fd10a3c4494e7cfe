"""A small album of a real cat: simulated shots of the picture that scikit-image carries."""

from __future__ import annotations

import functools
import io
from pathlib import Path

import numpy as np

from sploot_media_clustering.demo import shots
from sploot_media_clustering.demo.pictures import ANIMALS, open_picture

SIZE_PX = (480, 360)
_CHELSEA = next(picture for picture in ANIMALS if picture.name == "chelsea")
_MARGINS = (1.1, 0.75, 1.6)
_LIGHTS = (shots.DAYLIGHT, shots.LAMP, shots.SHADE, shots.DUSK)


@functools.cache
def cat_photo(number: int) -> bytes:
    """A JPEG of the cat; the same number gives the same bytes."""
    picture = open_picture(_CHELSEA, ())
    assert picture is not None, "expected scikit-image to be installed, which the dev tools bring"
    shot = shots.Shot(_MARGINS[number % len(_MARGINS)], _LIGHTS[number % len(_LIGHTS)])
    taken = shots.take(picture, _CHELSEA.box, shot, np.random.default_rng(number)).resize(SIZE_PX)
    file = io.BytesIO()
    taken.save(file, "JPEG", quality=85)
    return file.getvalue()


def write_album(folder: Path, *numbers: int) -> Path:
    """A folder of some of the cat's photos, ``00.jpg`` and so on."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        (folder / f"{number:02d}.jpg").write_bytes(cat_photo(number))
    return folder
