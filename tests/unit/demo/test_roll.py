from __future__ import annotations

import csv
import io
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageOps

from sploot_media_clustering.demo import roll as roll_module
from sploot_media_clustering.demo import shots
from sploot_media_clustering.demo.__main__ import main
from sploot_media_clustering.demo.pictures import Carrier, SamplePicture
from sploot_media_clustering.demo.roll import Roll, write_roll
from sploot_media_clustering.errors import MissingExtraError

KENNEL = Carrier("kennel", "kennel")
REX = SamplePicture("rex", "dog", KENNEL, "rex.png", "CC0", "nobody", (0.1, 0.1, 0.9, 0.9))
ACE = SamplePicture("ace", "dog", KENNEL, "ace.png", "CC0", "nobody", (0.1, 0.1, 0.9, 0.9))
ABSENT = SamplePicture("tom", "cat", Carrier("cattery", "cattery"), "tom.png", "CC0", "nobody")


@pytest.fixture(scope="module")
def roll(tmp_path_factory: pytest.TempPathFactory) -> Roll:
    packages = tmp_path_factory.mktemp("packages")
    (packages / "kennel").mkdir()
    (packages / "kennel" / "__init__.py").touch()
    Image.linear_gradient("L").save(packages / "kennel" / "rex.png")
    Image.radial_gradient("L").save(packages / "kennel" / "ace.png")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(roll_module, "ANIMALS", (REX, ACE, ABSENT))
        patch.setattr(roll_module, "THINGS", ())
        patch.setattr(shots, "LONG_SIDE_PX", 320)
        patch.setattr(shots, "SHORT_SIDE_PX", 240)
        return write_roll(tmp_path_factory.mktemp("roll"), seed=1, search_path=[str(packages)])


def read(roll: Roll, name: str) -> Image.Image:
    return Image.open(io.BytesIO((roll.folder / name).read_bytes()))


def taken_at(photo: Image.Image) -> tuple[str, str]:
    details = photo.getexif().get_ifd(ExifTags.IFD.Exif)
    return details[ExifTags.Base.DateTimeOriginal], details[ExifTags.Base.OffsetTimeOriginal]


def test_every_animal_is_photographed_on_three_occasions(roll: Roll) -> None:
    """An animal has six to nine photos of its own, and two of a species share one in the middle."""
    shown = list(roll.animals.values())
    assert 6 <= shown.count("rex") <= 9
    assert 6 <= shown.count("ace") <= 9
    (place,) = (place for place, names in enumerate(shown) if names == "rex+ace")
    assert 0 < place < len(shown) - 1


def test_file_names_follow_the_capture_times(roll: Roll) -> None:
    """Photos are named in the order in which they were taken, so no name tells who is on it."""
    stamps = [taken_at(read(roll, name)) for name in roll.animals]
    assert stamps == sorted(stamps)
    assert {offset for _, offset in stamps} == {"+02:00"}


def test_a_photo_on_its_side_says_so(roll: Roll) -> None:
    """Where the stored pixels lie on their side, the EXIF orientation sets them right again."""
    turned = [
        photo
        for photo in (read(roll, name) for name, animal in roll.animals.items() if animal == "rex")
        if photo.getexif().get(ExifTags.Base.Orientation, 1) != 1
    ]
    assert turned
    for photo in turned:
        rows = np.asarray(ImageOps.exif_transpose(photo).convert("L")).mean(axis=1)
        assert rows[0] + 20 < rows[-1]  # rex is dark at the top and bright at the bottom


def test_one_file_is_broken(roll: Roll) -> None:
    """The last file ends too early, as a camera roll's do."""
    with pytest.raises(OSError, match="truncated"):
        read(roll, roll.broken).load()


def test_notes_tell_licences_and_the_truth(roll: Roll) -> None:
    """SOURCES.md names the licence of every picture used; truth.csv the animal of every whole photo."""
    sources = (roll.folder / "SOURCES.md").read_text(encoding="utf-8")
    assert "| rex | dog | kennel | CC0 | nobody |" in sources
    assert "tom" not in sources
    assert roll.missing == (ABSENT,)
    with (roll.folder / "truth.csv").open(encoding="utf-8", newline="") as file:
        assert {row["file"]: row["animal"] for row in csv.DictReader(file)} == roll.animals


def test_without_any_picture_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No picture at all is a configuration error that names the extra, and writes nothing."""
    monkeypatch.setattr(roll_module, "ANIMALS", (ABSENT,))
    with pytest.raises(MissingExtraError, match=r"\[demo\]"):
        write_roll(tmp_path / "roll")
    assert not (tmp_path / "roll").exists()


def test_the_command_ends_with_1_where_there_is_no_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The module's command tells what to install on standard error."""
    monkeypatch.setattr(roll_module, "ANIMALS", (ABSENT,))
    monkeypatch.setattr(sys, "argv", ["demo", str(tmp_path / "roll")])
    assert main() == 1
    assert "[demo]" in capsys.readouterr().err
