"""Pictures of animals that well-known wheels carry, with their licences.

The packages are never imported: their wheels are archives of pictures to us. A picture whose package is not
installed is left out.
"""

from __future__ import annotations

import io
import sys
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Final

from PIL import Image

Box = tuple[float, float, float, float]
"""Left, top, right, bottom, in fractions of a picture."""


@dataclass(frozen=True, slots=True)
class Carrier:
    """A package whose wheel carries pictures.

    Attributes:
        package: the distribution's name.
        folder: the import name, which is the folder's.
        archive: tar file in that folder that holds the pictures, or "" where they lie open.
    """

    package: str
    folder: str
    archive: str = ""


SCIKIT_IMAGE: Final = Carrier("scikit-image", "skimage")
ALIBI: Final = Carrier("alibi", "alibi", "data/cats.tar.gz")
FOOLBOX: Final = Carrier("foolbox", "foolbox")
IMGAUG: Final = Carrier("imgaug", "imgaug")


@dataclass(frozen=True, slots=True)
class SamplePicture:
    """A picture inside an installed package.

    Attributes:
        name: of the animal, or of the thing where there is none.
        animal: "cat", "dog", "animal", or "" for none.
        carrier: the package that carries it.
        path: inside the package's folder, or inside its archive.
        licence: under which the picture comes.
        credit: who made it, as far as the package tells.
        box: where the animal is.
    """

    name: str
    animal: str
    carrier: Carrier
    path: str
    licence: str
    credit: str
    box: Box = (0.0, 0.0, 1.0, 1.0)


_BY_FLICKR: Final = "chosen by alibi's authors from Flickr's public domain"
_NOT_NAMED: Final = "not named; the licence is the package's"

# The boxes were drawn by eye.
ANIMALS: Final = (
    SamplePicture(
        "chelsea",
        "cat",
        SCIKIT_IMAGE,
        "data/chelsea.png",
        "CC0",
        "Stefan van der Walt",
        (0.1, 0.02, 0.85, 1.0),
    ),
    SamplePicture(
        "tabby",
        "cat",
        ALIBI,
        "n02123045_281_tabby_cat.jpg",
        "public domain",
        _BY_FLICKR,
        (0.07, 0.03, 0.92, 0.75),
    ),
    SamplePicture(
        "mau",
        "cat",
        ALIBI,
        "n02124075_285_Egyptian_cat.jpg",
        "public domain",
        _BY_FLICKR,
        (0.1, 0.02, 0.95, 0.75),
    ),
    SamplePicture(
        "persian",
        "cat",
        ALIBI,
        "n02123394_283_Persian_cat.jpg",
        "public domain",
        _BY_FLICKR,
        (0.12, 0.02, 0.95, 0.95),
    ),
    SamplePicture(
        "siamese",
        "cat",
        ALIBI,
        "n02123597_284_Siamese_cat.jpg",
        "public domain",
        _BY_FLICKR,
        (0.05, 0.05, 1.0, 1.0),
    ),
    SamplePicture(
        "mastiff",
        "dog",
        FOOLBOX,
        "data/imagenet_00_243.jpg",
        "MIT",
        _NOT_NAMED,
        (0.12, 0.05, 0.7, 0.97),
    ),
    SamplePicture(
        "dalmatian",
        "dog",
        FOOLBOX,
        "data/imagenet_16_251.jpg",
        "MIT",
        _NOT_NAMED,
        (0.0, 0.0, 1.0, 0.9),
    ),
    SamplePicture("quokka", "animal", IMGAUG, "quokka.jpg", "MIT", _NOT_NAMED, (0.2, 0.05, 0.72, 1.0)),
)
"""One animal a picture."""

THINGS: Final = (
    SamplePicture("coffee", "", SCIKIT_IMAGE, "data/coffee.png", "CC0", "Rachel Michetti"),
    SamplePicture("rocket", "", SCIKIT_IMAGE, "data/rocket.jpg", "public domain", "SpaceX"),
    SamplePicture("astronaut", "", SCIKIT_IMAGE, "data/astronaut.png", "public domain", "NASA"),
)
"""What a camera roll also holds."""


def open_picture(picture: SamplePicture, search_path: Sequence[str] = ()) -> Image.Image | None:
    """The picture in RGB, or None where its package is not installed.

    Args:
        picture: which one.
        search_path: folders to look for the package in, before the ones of ``sys.path``.
    """
    spec = PathFinder.find_spec(picture.carrier.folder, [*search_path, *sys.path])
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(spec.submodule_search_locations[0])
    if picture.carrier.archive:
        return _open_archived(folder / picture.carrier.archive, picture.path)
    path = folder / picture.path
    return _read(path.read_bytes()) if path.is_file() else None


def _open_archived(archive: Path, member: str) -> Image.Image | None:
    if not archive.is_file():
        return None
    with tarfile.open(archive) as tar:
        data = tar.extractfile(member)
        return _read(data.read()) if data else None


def _read(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as image:
        return image.convert("RGB")
