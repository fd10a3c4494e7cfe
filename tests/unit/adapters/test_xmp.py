"""Keywords that other software reads, in JPEGs whose pixels stay."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from PIL import Image

from sploot_media_clustering.adapters.xmp import has_xmp, is_jpeg, packet, with_xmp
from sploot_media_clustering.errors import UnreadablePhotoError
from sploot_media_clustering.services.exporting import About, Region

ABOUT = About(
    "a.jpg",
    40,
    30,
    regions=(Region('Milo "the <cat>" & co', (0.25, 0.1, 0.75, 0.9)),),
    keywords=('Milo "the <cat>" & co', "cat", "Schläft drinnen"),
    paths=(("Animals", "Milo", "Schläft drinnen"),),
    rating=5,
)


def jpeg(**options: object) -> bytes:
    file = io.BytesIO()
    Image.effect_noise((40, 30), 60).convert("RGB").save(file, "JPEG", **options)
    return file.getvalue()


def exif() -> bytes:
    tags = Image.Exif()
    tags[0x0110] = "camera"
    return tags.tobytes()


@pytest.mark.parametrize("data", [jpeg(), jpeg(exif=exif())], ids=["plain", "with Exif"])
def test_pillow_reads_the_keywords_and_every_other_byte_stays(data: bytes) -> None:
    """One segment more, behind those that must come first."""
    tagged = with_xmp(data, packet(ABOUT))
    assert is_jpeg(tagged)
    assert has_xmp(tagged)
    assert not has_xmp(data)
    added = len(tagged) - len(data)
    assert any(tagged[:i] + tagged[i + added :] == data for i in range(len(data)))
    with Image.open(io.BytesIO(tagged)) as after, Image.open(io.BytesIO(data)) as before:
        assert after.tobytes() == before.tobytes()
        assert after.getexif().get(0x0110) == before.getexif().get(0x0110)
        told = after.getxmp()["xmpmeta"]["RDF"]["Description"]
    assert tuple(told["subject"]["Bag"]["li"]) == ABOUT.keywords
    assert told["Rating"] == "5"


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="exiftool is not installed")
@pytest.mark.parametrize("sidecar", [False, True])
def test_exiftool_reads_the_keywords(tmp_path: Path, sidecar: bool) -> None:
    """Keywords, their hierarchy, stars and the animal's region, from a copy and from a sidecar."""
    path = tmp_path / ("a.xmp" if sidecar else "a.jpg")
    path.write_bytes(packet(ABOUT) if sidecar else with_xmp(jpeg(), packet(ABOUT)))
    tags = (
        "Subject",
        "HierarchicalSubject",
        "Rating",
        "RegionName",
        "RegionType",
        "RegionAreaX",
        "RegionAreaH",
    )
    command = ["exiftool", "-json", *(f"-{tag}" for tag in (*tags, "Validate")), str(path)]
    done = subprocess.run(command, capture_output=True, check=True)
    (told,) = json.loads(done.stdout)
    assert tuple(told["Subject"]) == ABOUT.keywords
    assert told["HierarchicalSubject"] == "Animals|Milo|Schläft drinnen"
    assert (told["Rating"], told["RegionName"], told["RegionType"]) == (5, ABOUT.keywords[0], "Pet")
    assert (float(told["RegionAreaX"]), float(told["RegionAreaH"])) == (0.5, 0.8)
    assert told["Validate"] == "OK"


def test_a_photo_about_which_nothing_is_known_has_an_empty_packet() -> None:
    """It is read without complaint."""
    with Image.open(io.BytesIO(with_xmp(jpeg(), packet(About("a.jpg", 40, 30))))) as image:
        assert "xmpmeta" in image.getxmp()


def test_a_packet_that_does_not_fit_is_refused() -> None:
    """A segment holds 64 kB."""
    with pytest.raises(UnreadablePhotoError, match="at most 65533 bytes"):
        with_xmp(jpeg(), bytes(70_000))
