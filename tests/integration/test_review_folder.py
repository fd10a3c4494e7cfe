"""Review over an output folder: what the API says of it, and what stays of what was said."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from asgi_client import Client
from reviewed_home import IN_PATHS, NAME, ReviewedHome
from typer.testing import Result

from sploot_media_clustering.entrypoints.api.app import create_app
from sploot_media_clustering.errors import InputError
from sploot_media_clustering.services.answer import Answer
from sploot_media_clustering.training.labelled import read_data_sets

Run = Callable[..., Result]

PET = f"/internal/pets/{IN_PATHS}"


@pytest.fixture
def home(tmp_path: Path) -> ReviewedHome:
    return ReviewedHome(tmp_path)


def client(home: ReviewedHome) -> Client:
    return Client(create_app(home.parts()))


def owners(answer: Answer, image_id: str) -> list[str | None]:
    return [
        part.name
        for part in answer.clusters
        if part.level == "subject"
        for member in part.members
        if member.image_id == image_id
    ]


def first(asked: Client, kind: str) -> dict:
    return next(item for item in asked.get(f"{PET}/review").json()["items"] if item["kind"] == kind)


def said(item: dict, key: str) -> dict:
    return next(part["said"] for part in item["verdicts"] if part["key"] == key)


def test_a_verdict_is_in_the_next_answer_in_the_folder_and_in_every_later_run(home: ReviewedHome) -> None:
    """Over HTTP at once; after a restart, another run of `cluster` and another model all the same."""
    asked = client(home)
    naming, hero = first(asked, "name"), first(asked, "hero")
    photo = hero["sightings"][0]["image_id"]
    for body in ({**said(naming, "r"), "name": "Ada"}, said(hero, "n")):
        assert asked.post(f"{PET}/decisions", json=body).status_code == 200
    shown = asked.get(f"{PET}/clusters?level=all").json()
    assert "Ada" in {part["name"] for part in shown["clusters"]}
    assert photo not in {part["hero_image_id"] for part in shown["clusters"]}
    (kept,) = home.results.answers().values()
    for answer in (kept, home.cluster(), home.cluster("test-2")):
        assert [part.kind for part in answer.decisions] == ["name", "not_hero"]
        assert {part.status for part in answer.decisions} == {"holds"}
        assert "Ada" in {part.name for part in answer.clusters}
        assert photo not in {part.hero_image_id for part in answer.clusters}
    assert answer.model_version == "test-2"


def test_what_was_taken_back_is_gone(home: ReviewedHome) -> None:
    """And the question is asked again."""
    asked = client(home)
    item = first(asked, "hero")
    made = asked.post(f"{PET}/decisions", json=said(item, "y")).json()
    assert item["id"] not in {part["id"] for part in asked.get(f"{PET}/review").json()["items"]}
    assert asked.delete(f"{PET}/decisions/{made['decision_id']}").status_code == 200
    assert asked.delete(f"{PET}/decisions/{made['decision_id']}").status_code in (404, 422)
    assert item["id"] in {part["id"] for part in asked.get(f"{PET}/review").json()["items"]}
    assert home.cluster().decisions == ()


def test_what_another_command_wrote_is_shown_and_kept(home: ReviewedHome) -> None:
    """`cluster` may run while the page is open."""
    asked = client(home)
    made = asked.post(f"{PET}/decisions", json=said(first(asked, "hero"), "y")).json()
    home.photos = home.photos[1:]
    home.cluster()
    told = asked.get(f"{PET}/decisions").json()
    assert [part["id"] for part in told["decisions"]] == [made["decision_id"]]
    (album,) = asked.get("/page/albums").json()
    assert (album["pet_id"], album["photos"]) == (IN_PATHS, len(home.photos))


def test_photos_are_shown_and_nothing_else_of_the_machine(home: ReviewedHome, tmp_path: Path) -> None:
    """By their ids in the album alone."""
    asked = client(home)
    assert asked.get(f"/page/pets/{IN_PATHS}/images/ada/0.jpg").headers["content-type"] == "image/webp"
    (tmp_path / "photos" / "secret.jpg").write_bytes(b"")
    for path in ("secret.jpg", "../out/clusters.json", "%2Fetc%2Fpasswd"):
        assert asked.get(f"/page/pets/{IN_PATHS}/images/{path}").status_code == 404


def test_a_folder_takes_decisions_and_no_jobs(home: ReviewedHome) -> None:
    """What comes and goes is the command's business."""
    asked = client(home)
    job = {"pet_id": IN_PATHS, "job_id": "j", "images": []}
    assert asked.post("/internal/cluster-jobs", json=job).status_code == 422
    assert asked.delete(PET).status_code == 422
    assert asked.get("/internal/cluster-jobs/j").status_code == 404
    assert asked.get("/internal/dead-letters").json()["dead_letters"] == []
    assert asked.get("/page/state").json() is None
    assert asked.post("/internal/pets/nobody/decisions", json={"kind": "hero"}).status_code in (404, 422)


def test_the_report_is_made_anew_in_the_end(home: ReviewedHome) -> None:
    """Where something was said; its pictures are those that are there."""
    report = home.results.folder / "report.html"
    parts = home.parts()
    before = report.stat().st_mtime_ns
    parts.albums.finish()
    assert report.stat().st_mtime_ns == before
    asked = Client(create_app(parts))
    asked.post(f"{PET}/decisions", json={**said(first(asked, "name"), "r"), "name": "Ada Lovelace"})
    parts.albums.finish()
    assert "Ada Lovelace" in report.read_text(encoding="utf-8")


def test_a_folder_that_cluster_did_not_write_is_told(home: ReviewedHome) -> None:
    """Before anything is served."""
    (home.results.folder / "clusters.json").unlink()
    with pytest.raises(InputError, match="no clusters"):
        home.parts()


def test_verdicts_become_labels_that_heads_are_fitted_on(
    home: ReviewedHome, run: Run, tmp_path: Path
) -> None:
    """Named animals and a chosen hero, exported, and read as `train heads` reads them."""
    asked = client(home)
    for number in range(2):
        body = {**said(first(asked, "name"), "r"), "name": f"Cat {number}"}
        assert asked.post(f"{PET}/decisions", json=body).status_code == 200
    better = said(first(asked, "hero"), "1")
    assert asked.post(f"{PET}/decisions", json=better).status_code == 200
    done = run("export", home.results.folder, "--labels", tmp_path / "labelled")
    assert done.exit_code == 0, done.stderr
    (data_set,) = read_data_sets([tmp_path / "labelled"])
    named = [photo for photo in data_set.photos if photo.animals]
    assert {photo.animals for photo in named} == {("labelled/Cat 0",), ("labelled/Cat 1",)}
    assert all(photo.path.is_file() for photo in data_set.photos)
    text = (tmp_path / "labelled" / "preferences.jsonl").read_text(encoding="utf-8")
    told = [json.loads(line) for line in text.splitlines()]
    assert {Path(pair["better"]).name for pair in told} >= {Path(better["sightings"][0]["image_id"]).name}
    assert {file for pair in told for file in pair.values()} <= {str(p.path) for p in data_set.photos}


def test_the_album_keeps_its_own_name_in_the_folder(home: ReviewedHome) -> None:
    """Whatever it is called in paths."""
    asked = client(home)
    asked.post(f"{PET}/decisions", json=said(first(asked, "hero"), "y"))
    told = json.loads((home.results.folder / "clusters.json").read_bytes())
    assert told["pet_id"] == NAME
