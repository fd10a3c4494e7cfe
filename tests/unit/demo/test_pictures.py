from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from PIL import Image

from sploot_media_clustering.demo.pictures import ANIMALS, THINGS, Carrier, SamplePicture, open_picture


def carried(carrier: Carrier, path: str) -> SamplePicture:
    return SamplePicture("rex", "dog", carrier, path, "CC0", "nobody")


def write_package(folder: Path) -> None:
    (folder / "kennel" / "data").mkdir(parents=True)
    (folder / "kennel" / "__init__.py").write_text("raise RuntimeError('imported')", encoding="utf-8")
    Image.new("RGB", (40, 30), "red").save(folder / "kennel" / "data" / "rex.png")


def test_a_picture_is_found_without_importing_its_package(tmp_path: Path) -> None:
    """Packages that carry pictures are never imported: what they need is not installed."""
    write_package(tmp_path)
    image = open_picture(carried(Carrier("kennel", "kennel"), "data/rex.png"), [str(tmp_path)])
    assert image is not None
    assert image.size == (40, 30)


def test_a_picture_may_lie_in_an_archive(tmp_path: Path) -> None:
    """A picture inside a tar file of its package opens like one that lies open."""
    write_package(tmp_path)
    with tarfile.open(tmp_path / "kennel" / "data" / "dogs.tar.gz", "w:gz") as tar:
        tar.add(tmp_path / "kennel" / "data" / "rex.png", "rex.png")
    image = open_picture(carried(Carrier("kennel", "kennel", "data/dogs.tar.gz"), "rex.png"), [str(tmp_path)])
    assert image is not None
    assert image.getpixel((0, 0)) == (255, 0, 0)


@pytest.mark.parametrize(
    "carrier",
    [Carrier("cattery", "cattery"), Carrier("kennel", "kennel"), Carrier("kennel", "kennel", "no.tar")],
)
def test_a_picture_that_is_not_there_is_none(carrier: Carrier, tmp_path: Path) -> None:
    """A missing package, file or archive leaves the picture out and breaks nothing."""
    write_package(tmp_path)
    assert open_picture(carried(carrier, "data/tom.png"), [str(tmp_path)]) is None


def test_the_extra_brings_a_cat_and_two_dogs() -> None:
    """What the demo extra installs carries at least these, so a demo can't be empty."""
    there = {picture.name for picture in (*ANIMALS, *THINGS) if open_picture(picture)}
    assert there >= {"chelsea", "mastiff", "dalmatian", "coffee"}


def test_every_picture_names_its_licence_and_a_box_inside() -> None:
    """No picture without a licence, and an animal's box lies inside its picture."""
    for picture in (*ANIMALS, *THINGS):
        left, top, right, bottom = picture.box
        assert picture.licence
        assert picture.credit
        assert 0 <= left < right <= 1
        assert 0 <= top < bottom <= 1
