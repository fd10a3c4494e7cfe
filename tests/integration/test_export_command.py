"""``export`` on a folder that ``cluster`` wrote."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from cat_album import cat_photo, write_album
from PIL import Image
from typer.testing import CliRunner, Result

from sploot_media_clustering.entrypoints.cli.app import app


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def clustered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An output folder of one cat, called Milo, and its photos beside it."""
    folder = tmp_path_factory.mktemp("export")
    write_album(folder / "photos", 0, 1, 2, 3)
    (folder / "photos" / "sofa.png").write_bytes(_sofa())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPLOOT_CACHE", str(folder / "cache"))
        assert run("cluster", folder / "photos", "--out", folder / "out").exit_code == 0
        assert run("decide", folder / "out", "name", "Cat", "Milo").exit_code == 0
    return folder


def _sofa() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (64, 64), (90, 80, 70)).save(file, "PNG")
    return file.getvalue()


def test_photos_are_copied_with_their_keywords(clustered: Path, tmp_path: Path) -> None:
    """JPEGs carry them, others have a sidecar; originals stay to the byte; a second run writes nothing."""
    done = run("export", clustered / "out", tmp_path / "sorted", "--embed-keywords")
    assert done.exit_code == 0, done.stderr
    with Image.open(tmp_path / "sorted" / "Milo" / "00.jpg") as image:
        told = image.getxmp()["xmpmeta"]["RDF"]["Description"]
    assert "Milo" in told["subject"]["Bag"]["li"]
    assert (tmp_path / "sorted" / "Set aside" / "sofa.png.xmp").is_file()
    assert (clustered / "photos" / "00.jpg").read_bytes() == cat_photo(0)
    again = run("export", clustered / "out", tmp_path / "sorted", "--embed-keywords")
    assert again.stdout.splitlines()[-1].startswith("0 written, 5 were there")


def test_an_export_among_the_photos_is_no_part_of_the_album(tmp_path: Path) -> None:
    """Clustered once more, the album holds each photo once, copies and links left out."""
    write_album(tmp_path / "photos", 0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPLOOT_CACHE", str(tmp_path / "cache"))
        assert run("cluster", tmp_path / "photos", "--out", tmp_path / "out").exit_code == 0
        for how in ("copies", "hardlinks", "symlinks"):
            assert run("export", tmp_path / "out", tmp_path / "photos" / how, "--as", how).exit_code == 0
        again = run("cluster", tmp_path / "photos", "--out", tmp_path / "out", "--json")
    assert len(list((tmp_path / "photos").glob("*/*/*.jpg"))) == 3
    assert [image["image_id"] for image in json.loads(again.stdout)["images"]] == ["00.jpg"]


def test_a_second_export_follows_what_was_said_meanwhile(clustered: Path, tmp_path: Path) -> None:
    """Copies move with their animal, but for those that somebody changed, and those whose photo is gone."""
    place, gone = tmp_path / "s", clustered / "photos" / "03.jpg"
    export = ("export", clustered / "out", place, "--embed-keywords")
    assert run(*export).exit_code == 0
    (place / "Milo" / "01.jpg").write_bytes(b"edited")
    assert run("decide", clustered / "out", "name", "Milo", "Otto").exit_code == 0
    data = gone.read_bytes()
    try:
        gone.unlink()
        due = run(*export, "--dry-run")
        done = run(*export, "--json")
    finally:
        gone.write_bytes(data)
        assert run("decide", clustered / "out", "--undo", "last").exit_code == 0
    assert "3 be removed that have no place any more" in " ".join(due.stdout.split())
    assert json.loads(done.stdout)["done"]["removed"] == 2
    assert sorted(path.name for path in (place / "Milo").glob("*.jpg")) == ["01.jpg", "03.jpg"]
    assert sorted(path.name for path in (place / "Otto").glob("*.jpg")) == ["00.jpg", "01.jpg", "02.jpg"]


def test_links_and_sidecars_by_look(clustered: Path, tmp_path: Path) -> None:
    """Symlinks lead to the photos, and a sidecar lies beside each."""
    done = run(
        "export", clustered / "out", tmp_path / "s", "--as", "symlinks", "--by", "look", "--xmp", "--json"
    )
    assert json.loads(done.stdout)["done"]["sidecars"] == 5
    (link,) = (tmp_path / "s").glob("Milo/*/00.jpg")
    assert link.resolve() == clustered / "photos" / "00.jpg"
    assert link.with_name("00.jpg.xmp").is_file()


def test_the_table_names_animal_and_look(clustered: Path, tmp_path: Path) -> None:
    """One row a photo and animal, spreadsheets included."""
    assert run("export", clustered / "out", "--csv", tmp_path / "a.csv").exit_code == 0
    rows = list(csv.DictReader(io.StringIO((tmp_path / "a.csv").read_text(encoding="utf-8-sig"))))
    assert [(row["image_id"], row["name"]) for row in rows] == [
        *((f"{number:02d}.jpg", "Milo") for number in range(4)),
        ("sofa.png", ""),
    ]


def test_a_dry_run_writes_nothing(clustered: Path, tmp_path: Path) -> None:
    """It says how many would go where."""
    done = run("export", clustered / "out", tmp_path / "s", "--dry-run", "--csv", tmp_path / "a.csv")
    assert "5 files would go to" in " ".join(done.stdout.split())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (["out"], 2, "expected a DESTINATION"),
        (["out", "d", "--as", "symlinks", "--embed-keywords"], 2, "links are the originals"),
        (["out", "d", "--album", "x"], 3, "expected an album of"),
        (["photos", "d"], 3, "no clusters.json"),
        (["out", "."], 3, "a DESTINATION apart from the photos"),
    ],
)
def test_what_can_not_be_done_is_said(
    clustered: Path, tmp_path: Path, arguments: list[str], code: int, complaint: str
) -> None:
    """Before anything is written."""
    folder, *rest = arguments
    places = {"d": tmp_path / "d", ".": clustered}
    done = run("export", clustered / folder, *[places.get(a, a) for a in rest])
    assert done.exit_code == code
    assert complaint in " ".join(done.stderr.replace("│", " ").split())


def test_a_photo_that_is_gone_stops_nothing(clustered: Path, tmp_path: Path) -> None:
    """It is named, and the others are there."""
    gone = clustered / "photos" / "03.jpg"
    data = gone.read_bytes()
    gone.unlink()
    try:
        done = run("export", clustered / "out", tmp_path / "s")
    finally:
        gone.write_bytes(data)
    assert "Left out 03.jpg" in done.stderr
    assert "4 written" in done.stdout
    assert done.exit_code == 1
