"""The command, as people and scripts use it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import jsonschema
import msgspec
import pytest
from cat_album import cat_photo, write_album
from typer.testing import Result

from sploot_media_clustering import __version__
from sploot_media_clustering.adapters.model_package import default_package, load_package
from sploot_media_clustering.adapters.package_heads import read_heads
from sploot_media_clustering.adapters.sources import FsspecSource
from sploot_media_clustering.bootstrap import built_in_heads
from sploot_media_clustering.errors import SourceUnavailableError
from sploot_media_clustering.services.answer import Answer, decode, json_schema

COMMAND = [sys.executable, "-c", "from sploot_media_clustering.entrypoints.cli import main; main()"]
PHOTOS = (0, 1, 2, 3, 4, 5)
PATIENCE_S = 60

Run = Callable[..., Result]


@pytest.fixture
def milo(tmp_path: Path) -> Path:
    return write_album(tmp_path / "milo", *PHOTOS)


def answer_in(folder: Path) -> Answer:
    data = (folder / "clusters.json").read_bytes()
    jsonschema.validate(msgspec.json.decode(data), msgspec.json.decode(json_schema()))
    (answer,) = decode(data).values()
    return answer


def seen_in(folder: Path) -> list[str]:
    return [image.image_id for image in answer_in(folder).images]


def ids_in(folder: Path) -> set[str]:
    return {part.id for part in answer_in(folder).clusters}


def stored(cache: Path) -> dict[str, int]:
    """Entries of an embedding cache, with when they were written."""
    return {path.name: path.stat().st_mtime_ns for path in cache.rglob("*.embedding")}


def test_a_folder_of_photos_becomes_a_table_a_report_and_clusters(run: Run, milo: Path) -> None:
    """Every photo is in the answer, whose schema holds; both files are there and the table names them."""
    done = run("cluster", milo, "--out", "out")
    assert done.exit_code == 0, done.stderr
    assert seen_in(Path("out")) == [f"{number:02d}.jpg" for number in PHOTOS]
    assert answer_in(Path("out")).pet_id == "milo"
    assert "Cat" in done.stdout
    assert str(Path("out") / "report.html") in done.stdout
    assert "<html" in Path("out/report.html").read_text(encoding="utf-8")


def test_json_is_all_that_json_prints(run: Run, milo: Path) -> None:
    """With --json standard output is clusters.json to the byte, whatever could not be read."""
    (milo / "broken.jpg").write_bytes(b"")
    done = run("cluster", milo, "--out", "out", "--json")
    assert done.stdout_bytes == Path("out/clusters.json").read_bytes()
    assert done.stderr.count("broken.jpg") == 1


def test_top_limits_the_heroes(run: Run, milo: Path) -> None:
    """No cluster has more heroes than asked for, and each keeps one."""
    assert run("cluster", milo, "--out", "out", "--top", "1").exit_code == 0
    assert {len(part.heroes) for part in answer_in(Path("out")).clusters} == {1}


def test_level_chooses_what_is_printed(run: Run, milo: Path) -> None:
    """Looks are indented below their subject; a level printed alone leaves the other out."""
    rows = {
        level: run("cluster", milo, "--level", level).stdout.splitlines()[2:]
        for level in ("all", "subject", "look")
    }
    assert any(row.startswith("Cat") for row in rows["subject"])
    assert not any(row.startswith("Cat") for row in rows["look"])
    assert len(rows["all"]) > len(rows["subject"])


@pytest.mark.parametrize("told", ["2", "1-3"])
def test_a_hint_of_how_many_animals_is_taken(run: Run, milo: Path, told: str) -> None:
    """A number or a range; a hint, so one cat remains an acceptable answer."""
    assert run("cluster", milo, "--animals", told).exit_code == 0


def test_a_hint_that_photos_speak_against_is_told_so(run: Run, milo: Path) -> None:
    """On standard error, with what would settle it."""
    done = run("cluster", milo, "--animals", "5", "--out", "my pets")
    assert done.exit_code == 0
    assert "--animals says 5, the photos show 1" in done.stderr
    assert "`decide 'my pets' same ONE OTHER`" in done.stderr
    assert "Since" not in done.stdout


@pytest.mark.parametrize("told", ["many", "0", "3-1", "2-", "-2", "1.5", ""])
def test_a_hint_that_is_no_number_is_a_wrong_call(run: Run, milo: Path, told: str) -> None:
    """Exit code 2, and the message says what was expected, before any photo is read."""
    done = run("cluster", milo, f"--animals={told}")
    assert done.exit_code == 2
    assert "1-3" in done.stderr
    assert not Path("sploot-clusters").exists()


def test_each_folder_is_an_album_of_its_own(run: Run, tmp_path: Path) -> None:
    """With --by-folder; an album of which nothing can be read stops no other, and says so in its answer."""
    write_album(tmp_path / "shelter" / "luna", 0, 1, 2)
    write_album(tmp_path / "shelter" / "milo", 0, 3, 4)
    (tmp_path / "shelter" / "void").mkdir()
    (tmp_path / "shelter" / "void" / "x.jpg").write_bytes(b"")
    done = run("cluster", "shelter", "--by-folder", "--out", "out")
    assert done.exit_code == 0, done.stderr
    answers = decode(Path("out/clusters.json").read_bytes())
    assert {name: len(answer.images) for name, answer in answers.items()} == {"luna": 3, "milo": 3, "void": 0}
    assert "0 photos, 1 more not readable" in done.stdout
    assert [failed.image_id for failed in answers["void"].failed_images] == ["x.jpg"]


def test_one_more_photo_is_one_more_photo(
    run: Run, milo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second run embeds only what is new and keeps the ids; the version grows."""
    own = tmp_path / "own-cache"
    monkeypatch.setenv("SPLOOT_CACHE", str(own))
    run("cluster", milo, "--out", "out")
    before, ids, version = stored(own), ids_in(Path("out")), answer_in(Path("out")).version
    assert len(before) == len(PHOTOS)
    write_album(milo, 6)
    done = run("cluster", milo, "--out", "out")
    assert done.exit_code == 0
    assert "Since the last run: 1 photo came" in done.stdout
    after = stored(own)
    assert before.items() <= after.items()
    assert len(after) == len(before) + 1
    assert "06.jpg" in seen_in(Path("out"))
    assert {i for i in ids if i.startswith("subject")} <= ids_in(Path("out"))
    assert answer_in(Path("out")).version > version


def test_a_removed_photo_disappears(run: Run, milo: Path) -> None:
    """And the cat stays the cat that it was."""
    run("cluster", milo, "--out", "out")
    cat = next(part.id for part in answer_in(Path("out")).clusters if part.level == "subject")
    (milo / "02.jpg").unlink()
    run("cluster", milo, "--out", "out")
    assert "02.jpg" not in (Path("out") / "clusters.json").read_text(encoding="utf-8")
    assert cat in ids_in(Path("out"))


def test_a_state_that_cannot_be_read_costs_no_more_than_the_ids(run: Run, milo: Path) -> None:
    """The run goes on and says that ids start anew; what was said is taken from clusters.json."""
    run("cluster", milo, "--out", "out")
    run("decide", "out", "name", "00.jpg", "Milo")
    (state,) = (Path("out") / ".states").glob("*.state")
    state.write_bytes(state.read_bytes()[:-20])
    done = run("cluster", milo, "--out", "out")
    assert done.exit_code == 0
    assert "start anew" in done.stderr
    assert answer_in(Path("out")).clusters[0].name == "Milo"
    assert len(seen_in(Path("out"))) == len(PHOTOS)


def test_what_can_not_be_read_is_named_once(run: Run, milo: Path) -> None:
    """On standard error and in the answer; the rest goes on, and the exit code is 0."""
    (milo / "note.jpg").write_text("not a photo", encoding="utf-8")
    done = run("cluster", milo, "--out", "out")
    assert done.exit_code == 0
    assert done.stderr.count("note.jpg") == 1
    assert [failed.image_id for failed in answer_in(Path("out")).failed_images] == ["note.jpg"]
    assert len(seen_in(Path("out"))) == len(PHOTOS)


def test_an_album_of_which_nothing_can_be_read_is_no_input(run: Run, milo: Path) -> None:
    """Exit code 3; what an earlier run wrote stays, ids included."""
    run("cluster", milo, "--out", "out")
    before = {path: path.read_bytes() for path in Path("out").rglob("*") if path.is_file()}
    for photo in milo.iterdir():
        photo.write_bytes(b"")
    done = run("cluster", milo, "--out", "out")
    assert done.exit_code == 3
    assert f"none of the {len(PHOTOS)} photos" in done.stderr
    assert {path: path.read_bytes() for path in Path("out").rglob("*") if path.is_file()} == before


def test_an_album_that_is_too_large_is_refused_before_anything_is_embedded(
    run: Run, milo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 3, with what to do; no photo is read, and no folder made."""
    monkeypatch.setenv("SPLOOT_ALBUM_PHOTOS_MOST", str(len(PHOTOS) - 1))

    def read(_source: FsspecSource, uri: str) -> bytes:
        raise AssertionError(uri)

    monkeypatch.setattr(FsspecSource, "read", read)
    done = run("cluster", milo, "--out", "out")
    assert done.exit_code == 3
    assert "SPLOOT_ALBUM_PHOTOS_MOST" in done.stderr
    assert not Path("out").exists()


def test_a_store_that_does_not_answer_is_worth_another_try(
    run: Run, milo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 5 where every photo failed for a reason that may pass."""

    def silent(_source: FsspecSource, uri: str) -> bytes:
        raise SourceUnavailableError(f"no answer within 30 s from {uri}")

    monkeypatch.setattr(FsspecSource, "read", silent)
    assert run("cluster", milo).exit_code == 5


def test_a_missing_folder_is_named(run: Run) -> None:
    """Exit code 3, and no folder is made for results that never come."""
    done = run("cluster", "nowhere")
    assert done.exit_code == 3
    assert "nowhere" in done.stderr
    assert not Path("sploot-clusters").exists()


def test_an_output_folder_that_is_a_file_is_named(run: Run, milo: Path) -> None:
    """Exit code 4, before any photo is read."""
    Path("taken").write_text("", encoding="utf-8")
    done = run("cluster", milo, "--out", "taken")
    assert done.exit_code == 4
    assert "taken" in done.stderr


def test_a_disk_that_is_full_is_a_sentence(run: Run, milo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the operating system refuses ends with 4 and its reason, not with a traceback."""

    def full(_path: Path, _data: bytes) -> int:
        raise OSError(28, "No space left on device", "clusters.json")

    monkeypatch.setattr("sploot_media_clustering.entrypoints.cli.results.write_atomically", full)
    done = run("cluster", milo)
    assert done.exit_code == 4
    assert "No space left" in done.stderr


ODD_NAMES = ["-dash.jpg", "a b/ü 猫.jpg", "[red]:cat:.jpg", "a[/b].jpg", "#1?&%41.jpg"]


def test_albums_and_photos_may_be_called_anything(run: Run, tmp_path: Path) -> None:
    """Dashes, spaces, brackets, slashes of subfolders, any script: ids are the paths as they are."""
    album = tmp_path / "-[b]é 猫 & <i>"
    for number, name in enumerate(ODD_NAMES):
        photo = album / name
        photo.parent.mkdir(parents=True, exist_ok=True)
        photo.write_bytes(cat_photo(number))
    (album / "[bold]empty.jpg").write_bytes(b"")
    done = run("cluster", "--out", "out", "--", album.name)
    assert done.exit_code == 0, done.stderr
    assert set(seen_in(Path("out"))) == set(ODD_NAMES)
    assert answer_in(Path("out")).pet_id == album.name
    assert album.name in done.stdout
    assert "[bold]empty.jpg" in done.stderr


def test_an_album_may_have_a_long_name(run: Run, tmp_path: Path) -> None:
    """As long as a file system allows, in a script of three bytes a letter."""
    write_album(tmp_path / ("猫" * 80), 0, 1)
    assert run("cluster", "猫" * 80, "--out", "out").exit_code == 0
    assert run("cluster", "猫" * 80, "--out", "out").exit_code == 0


def test_a_damaged_model_package_is_refused(run: Run, milo: Path, tmp_path: Path) -> None:
    """One flipped byte: clustering and verify end with 4, doctor with 1, and each names the file."""
    folder = tmp_path / "package"
    shutil.copytree(default_package().folder, folder)
    network = folder / default_package().manifest.embedder.file
    data = bytearray(network.read_bytes())
    data[len(data) // 2] ^= 1
    network.write_bytes(data)
    for arguments, code in (
        (("cluster", milo, "--model", folder), 4),
        (("model", "verify", "--model", folder), 4),
    ):
        done = run(*arguments)
        assert (done.exit_code, network.name in done.stderr) == (code, True)


def test_the_model_package_can_be_looked_into(run: Run) -> None:
    """show names every file with its licence; verify and doctor find nothing wrong."""
    shown = run("model", "show")
    assert shown.exit_code == 0
    assert all(file.path in shown.stdout for file in default_package().manifest.files)
    assert "Apache-2.0" in shown.stdout
    verified = run("model", "verify")
    assert verified.exit_code == 0, verified.stdout
    assert "heads" in verified.stdout


def test_doctor_says_what_is_there_and_what_to_install(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Remedies are printed as they are to be typed; what is broken ends with 1 below the table."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    well = run("doctor")
    assert well.exit_code == 0, well.stdout
    assert "sploot-media-clustering[s3]" in well.stdout
    monkeypatch.setenv("SPLOOT_MODEL", "no-package")
    ill = run("doctor")
    assert ill.exit_code == 1
    assert "numpy" in ill.stdout
    assert "no-package" in ill.stdout


def write_labelled(root: Path, sets: int) -> Path:
    """Data sets of two animals of three photos each."""
    for number in range(sets):
        for animal in range(2):
            first = 3 * (2 * number + animal)
            write_album(root / f"set{number}" / f"animal{animal}", first, first + 1, first + 2)
        rows = [
            f"animal{a}/{path.name},animal{a}" for a in range(2) for path in animal_photos(root, number, a)
        ]
        (root / f"set{number}" / "index.csv").write_text("\n".join(["file,animal", *rows]), encoding="utf-8")
    return root


def animal_photos(root: Path, number: int, animal: int) -> list[Path]:
    return sorted((root / f"set{number}" / f"animal{animal}").glob("*.jpg"))


def write_ratings(folder: Path) -> None:
    columns = "file,rater,album,look,moment,hero,view,eyes,activity,framing,setting,flaws,others"
    rows = [
        f"{photo.parent.name}/{photo.name},A,{photo.parent.name},look{place % 2},{place},{1 + place},"
        "front,open,sitting,full,indoors,,"
        for animal in sorted(folder.glob("animal*"))
        for place, photo in enumerate(sorted(animal.glob("*.jpg")))
    ]
    (folder / "ratings.csv").write_text("\n".join([columns, *rows]), encoding="utf-8")


def test_heads_are_fitted_into_a_package_that_clusters(run: Run, milo: Path, tmp_path: Path) -> None:
    """Two tiny rated data sets suffice to go all the way round; the package says what it is of."""
    data = write_labelled(tmp_path / "data", 2)
    for folder in data.iterdir():
        write_ratings(folder)
    done = run("train", "heads", data, "--out", "fitted")
    assert done.exit_code == 0, done.stderr
    assert run("model", "verify", "--model", "fitted").exit_code == 0
    assert run("cluster", milo, "--model", "fitted", "--out", "out").exit_code == 0
    assert answer_in(Path("out")).model_version.startswith(default_package().network_version)
    assert answer_in(Path("out")).model_version != default_package().network_version


def test_too_little_to_learn_from_is_said(run: Run, tmp_path: Path) -> None:
    """One data set of two animals: a sentence with a remedy, no package."""
    one = run("train", "heads", write_labelled(tmp_path / "one", 1), "--out", "fitted")
    assert one.exit_code == 3
    assert "add photos, or animals" in one.stderr
    assert not Path("fitted").exists()


def test_animals_alone_are_enough_to_learn_who_is_who(run: Run, milo: Path, tmp_path: Path) -> None:
    """Without ratings the other heads stay; one folder of animals is judged as two."""
    whole = tmp_path / "mine"
    for number, folder in enumerate(sorted(write_labelled(tmp_path / "data", 2).iterdir())):
        for animal in sorted(folder.glob("animal*")):
            shutil.copytree(animal, whole / f"{animal.name}-{number}")
    done = run("train", "heads", whole, "--out", "fitted")
    assert done.exit_code == 0, done.stderr
    assert "those of" in done.stdout
    fitted, known = read_heads(load_package(Path("fitted"))), built_in_heads()
    assert fitted.identity.weight.shape != known.identity.weight.shape
    assert (fitted.pictures.look.weight == known.pictures.look.weight).all()
    assert fitted.pictures.coat is not None
    assert run("cluster", milo, "--model", "fitted", "--out", "out").exit_code == 0


def test_training_without_data_is_a_wrong_call(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 2, and the variable that could name it is named."""
    monkeypatch.delenv("SPLOOT_DATA", raising=False)
    done = run("train", "heads")
    assert done.exit_code == 2
    assert "SPLOOT_DATA" in done.stderr


def test_the_version_is_printed_alone(run: Run) -> None:
    """As scripts want it."""
    assert run("--version").stdout.strip() == __version__


def test_without_a_command_there_is_help(run: Run) -> None:
    """And what can be done next is in it."""
    assert "cluster" in run().output


def start(*arguments: str | Path, cache: Path) -> subprocess.Popen[bytes]:
    environment = os.environ | {"SPLOOT_CACHE": str(cache)}
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    )


def test_ctrl_c_leaves_things_whole(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 130, a sentence, no half-written file; the next run goes on from what was embedded."""
    album, own = tmp_path / "long", tmp_path / "own-cache"
    album.mkdir()
    for number in range(80):  # other bytes, one picture: what follows a JPEG's end is not looked at
        (album / f"{number:02d}.jpg").write_bytes(cat_photo(0) + bytes([number]))
    with start("cluster", album, "--out", tmp_path / "out", cache=own) as process:
        deadline = time.monotonic() + PATIENCE_S
        while not stored(own) and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130, said
    assert b"Stopped" in said
    assert b"Traceback" not in said
    assert not (tmp_path / "out" / "clusters.json").exists()
    assert list(tmp_path.rglob("*.partial")) == []
    before = stored(own)
    assert 0 < len(before) < 80
    monkeypatch.setenv("SPLOOT_CACHE", str(own))
    assert run("cluster", album, "--out", "out").exit_code == 0
    assert before.items() <= stored(own).items()
    assert len(stored(own)) == 80


def test_a_reader_that_goes_away_is_no_error(milo: Path, tmp_path: Path, cache: Path) -> None:
    """As in ``--json | head``: exit code 1, and not a word."""
    with start("cluster", milo, "--out", tmp_path / "out", "--json", cache=cache) as process:
        assert process.stdout
        process.stdout.close()
        assert process.wait(timeout=PATIENCE_S) == 1
        assert process.stderr
        assert process.stderr.read() == b""
    assert json.loads((tmp_path / "out" / "clusters.json").read_bytes())["pet_id"] == "milo"
