"""An album of which most files are damaged: each is named once, every good photo is clustered."""

from __future__ import annotations

from pathlib import Path

import pytest
from cat_album import write_album
from mutations import damaged_files
from typer.testing import CliRunner

from sploot_media_clustering.entrypoints.cli.app import app
from sploot_media_clustering.services.answer import decode

DAMAGED = 200
GOOD = (0, 1, 2, 3, 4, 5)


def test_damaged_files_are_named_once_and_harm_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No crash; each refused file once in the answer and once on standard error; all good photos are in.

    A file with flipped bits may still show a picture: it is either read or named, never both, never lost.
    """
    album = write_album(tmp_path / "album", *GOOD)
    damaged = damaged_files(DAMAGED, seed=11)
    for file in damaged:
        (album / file.name).write_bytes(file.data)
    monkeypatch.setenv("SPLOOT_CACHE", str(tmp_path / "cache"))
    done = CliRunner().invoke(app, ["cluster", str(album), "--out", str(tmp_path / "out"), "--json"])
    assert done.exit_code == 0, done.stderr
    (answer,) = decode(done.stdout_bytes).values()
    named = [failed.image_id for failed in answer.failed_images]
    read = [image.image_id for image in answer.images]
    good = {f"{number:02d}.jpg" for number in GOOD}
    assert len(named) == len(set(named))
    assert {file.name for file in damaged if file.refused} <= set(named)
    assert sorted([*named, *read]) == sorted([*good, *(file.name for file in damaged)])
    said = [line for line in done.stderr.splitlines() if line.startswith("Left out ")]
    assert sorted(line.split()[2].rstrip(":") for line in said) == sorted(named)
    members = {member.image_id for part in answer.clusters for member in part.members}
    aside = {photo.image_id for photo in answer.unclustered}
    assert good <= members | aside
    assert good & members
