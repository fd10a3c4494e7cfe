"""``decide``, as people and scripts use it, on folders that ``cluster`` wrote."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cat_album import write_album
from typer.testing import Result

from sploot_media_clustering.services.answer import Answer, decode
from sploot_media_clustering.services.decision_records import decode_lines

Run = Callable[..., Result]


@pytest.fixture
def out(run: Run, tmp_path: Path) -> Path:
    """An output folder of one cat's photos."""
    write_album(tmp_path / "milo", *range(6))
    assert run("cluster", "milo", "--out", "out").exit_code == 0
    return tmp_path / "out"


def album_in(folder: Path) -> Answer:
    (answer,) = decode((folder / "clusters.json").read_bytes()).values()
    return answer


def names_in(folder: Path) -> list[str | None]:
    return [part.name for part in album_in(folder).clusters if part.level == "subject"]


def test_a_name_is_in_the_table_the_report_and_the_next_run(run: Run, out: Path, tmp_path: Path) -> None:
    """What is said once stays, when photos are added and the album is clustered again."""
    done = run("decide", out, "name", "Cat", "Milo")
    assert done.exit_code == 0, done.stderr
    assert "Milo" in done.stdout
    assert "Milo" in (out / "report.html").read_text(encoding="utf-8")
    write_album(tmp_path / "milo", *range(9))
    assert run("cluster", "milo", "--out", "out").exit_code == 0
    assert names_in(out) == ["Milo"]


def test_a_decision_reads_no_photo_again(run: Run, out: Path, tmp_path: Path) -> None:
    """With the photos gone, the report keeps its pictures."""
    pictures = (out / "report.html").read_text(encoding="utf-8").count("data:image/webp")
    for photo in (tmp_path / "milo").iterdir():
        photo.unlink()
    assert run("decide", out, "name", "Cat", "Milo").exit_code == 0
    assert (out / "report.html").read_text(encoding="utf-8").count("data:image/webp") == pictures


def test_photos_are_taken_out_split_off_and_brought_back(run: Run, out: Path) -> None:
    """Corrections by file name and pattern, then undone one by one and back to a point."""
    done = run("decide", out, "not-this", "Cat", "05.jpg")
    assert "Changed: 1 photo (05.jpg) left Cat" in done.stdout
    assert [part.image_id for part in album_in(out).unclustered] == ["05.jpg"]
    assert "Said of 2 photos" in run("decide", out, "split", "Cat", "0[015].jpg").stderr
    assert len(names_in(out)) == 2
    assert "05.jpg, not Cat" in run("decide", out, "--list").stdout
    assert "1 taken back: split" in run("decide", out, "--undo", "last").stderr
    assert len(names_in(out)) == 1
    listed = json.loads(run("decide", out, "--list", "--json").stdout)
    assert [part["kind"] for part in listed] == ["not_this"]
    assert "taken back: not-this\n" in run("decide", out, "--undo", "last").stderr
    assert run("decide", out, "not-this", "Cat", "05.jpg").exit_code == 0
    listed = json.loads(run("decide", out, "--list", "--json").stdout)
    assert run("decide", out, "hero", "02.jpg").exit_code == 0
    assert album_in(out).clusters[0].hero_image_id == "02.jpg"
    assert run("decide", out, "--undo-to", listed[0]["id"]).exit_code == 0
    assert len(album_in(out).decisions) == 1


def test_decisions_go_through_a_file(run: Run, out: Path, tmp_path: Path) -> None:
    """Exported, undone, imported twice: what was said is said again, once."""
    run("decide", out, "name", "Cat", "Milo")
    run("decide", out, "not-hero", "00.jpg")
    assert run("decide", out, "--export", tmp_path / "said.jsonl").exit_code == 0
    said = decode_lines((tmp_path / "said.jsonl").read_bytes())
    before = album_in(out)
    run("decide", out, *(part for decision in said for part in ("--undo", decision.id)))
    assert album_in(out).decisions == ()
    for _ in range(2):
        assert run("decide", out, "--import", tmp_path / "said.jsonl").exit_code == 0
    after = album_in(out)
    assert (after.decisions, after.clusters) == (before.decisions, before.clusters)


def test_a_name_that_is_taken_is_told(run: Run, out: Path) -> None:
    """That the other animal was there, and what became of the two."""
    run("decide", out, "name", "Cat", "Milo")
    run("decide", out, "split", "Milo", "05.jpg")
    done = run("decide", out, "name", "05.jpg", "milo")
    assert "There was a Milo already (5 photos): both are called so and stay two animals" in done.stderr
    assert "already" not in run("decide", out, "name", "05.jpg", "Luna").stderr


def test_questions_are_asked_and_answers_kept(run: Run, out: Path) -> None:
    """Whatever is answered, the sitting ends in a whole folder; a closed input is a no-thank-you."""
    run("decide", out, "not-this", "Cat", "05.jpg")
    done = run("decide", out, "--ask", told="y\nn\ns\nu\n")
    assert done.exit_code == 0, done.stderr
    assert album_in(out).pet_id == "milo"


def test_several_albums_ask_which_one(run: Run, tmp_path: Path) -> None:
    """Of a folder of albums one has to be chosen; the others stay as they were."""
    for name in ("a", "b"):
        write_album(tmp_path / "all" / name, 0, 1, 2)
    run("cluster", "all", "--by-folder", "--out", "out")
    refused = run("decide", "out", "name", "Cat", "Milo")
    assert refused.exit_code == 3
    assert "--album with one of a, b" in refused.stderr
    before = decode(Path("out/clusters.json").read_bytes())
    assert run("decide", "out", "--album", "b", "name", "Cat", "Milo").exit_code == 0
    after = decode(Path("out/clusters.json").read_bytes())
    assert after["a"] == before["a"]
    listed = run("decide", "out", "--list")
    assert (listed.exit_code, "name Milo" in listed.stdout) == (0, True)
    assert {
        name: len(said) for name, said in json.loads(run("decide", "out", "--list", "--json").stdout).items()
    } == {
        "a": 0,
        "b": 1,
    }
    assert after["b"].clusters[0].name == "Milo"


@pytest.mark.parametrize(
    ("words", "code", "complaint"),
    [
        (["praise", "Cat"], 2, "expected one of same"),
        ([], 2, "expected one thing to do"),
        (["name", "Milou", "Milo"], 3, "got 'Milou'"),
        (["not-this", "Cat", "Cat"], 3, "expected a photo"),
        (["--undo", "nothing"], 3, "no decision 'nothing'"),
        (["--undo", "last"], 3, "nothing was said"),
        (["--album", "luna", "--list"], 3, "expected an album"),
    ],
)
def test_what_can_not_be_done_is_said(
    run: Run, out: Path, words: list[str], code: int, complaint: str
) -> None:
    """Wrong words leave the folder as it was and tell what was expected."""
    before = (out / "clusters.json").read_bytes()
    done = run("decide", out, *words)
    assert (done.exit_code, (out / "clusters.json").read_bytes()) == (code, before)
    assert complaint in " ".join(done.stderr.split())


def test_a_folder_that_cluster_did_not_write_is_refused(run: Run, tmp_path: Path) -> None:
    """And so is one whose clusters.json is something else."""
    assert "no clusters.json" in run("decide", tmp_path, "--list").stderr
    (tmp_path / "clusters.json").write_bytes(b"[]")
    assert run("decide", tmp_path, "--list").exit_code == 3
