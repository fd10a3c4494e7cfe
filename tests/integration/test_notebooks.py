"""Notebooks: stored without what they showed, and running on photos of somebody's own."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cat_album import cat_photo
from PIL import Image

from sploot_media_clustering.domain.attributes import COMPANIONS, FLAWS, VOCABULARY

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
COLOURS = ((0, 1, 2), (1, 2, 0), (2, 0, 1), (0, 2, 1), (2, 1, 0))
"""Orders of the colour channels, each an animal; heads are fitted on four fifths of the rated albums."""
PHOTOS = 6
CHOSEN = [group for group in VOCABULARY if group not in (*COMPANIONS, *FLAWS)]


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_nothing_that_was_shown_is_stored(notebook: Path) -> None:
    """Photos are other people's: outputs are stripped before a notebook is committed."""
    cells = [c for c in json.loads(notebook.read_text(encoding="utf-8"))["cells"] if c["cell_type"] == "code"]
    assert cells
    assert [cell["outputs"] for cell in cells] == [[]] * len(cells)
    assert [cell["execution_count"] for cell in cells] == [None] * len(cells)


@pytest.fixture(scope="module")
def rated_cats(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of a cat in several colours, with made-up ratings."""
    folder = tmp_path_factory.mktemp("labelled") / "cats"
    rng = np.random.default_rng(0)
    photos, ratings = [], []
    for animal, channels in enumerate(COLOURS):
        for number in range(PHOTOS):
            file = f"cat{animal}/{number}.jpg"
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            with Image.open(io.BytesIO(cat_photo(number))) as image:
                Image.fromarray(np.asarray(image)[..., list(channels)]).save(folder / file)
            photos.append({"file": file, "animal": f"cat{animal}", "species": "cat", "captured_at": ""})
            said = {group: VOCABULARY[group][rng.integers(len(VOCABULARY[group]))] for group in CHOSEN}
            seen = {"look": str(number % 2), "moment": number, "hero": 1 + number % 5}
            flaws = FLAWS[number] if number % 2 else ""
            head = {"file": file, "rater": "A", "album": f"cat{animal}", "flaws": flaws, "others": ""}
            ratings.append(head | seen | said)
    for name, rows in (("index.csv", photos), ("ratings.csv", ratings)):
        with (folder / name).open("w", newline="", encoding="utf-8") as table:
            writer = csv.DictWriter(table, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_they_run_on_a_labelled_folder(notebook: Path, rated_cats: Path, tmp_path: Path) -> None:
    """From the first cell to the last, on whatever SPLOOT_DATA names."""
    pytest.importorskip("ipykernel", reason="the extra 'notebooks' is not installed")
    pytest.importorskip("matplotlib", reason="the extra 'notebooks' is not installed")
    told = {"SPLOOT_DATA": str(rated_cats), "SPLOOT_CACHE": str(rated_cats.parent / "cache")}
    run = subprocess.run(
        [Path(sys.executable).with_name("jupyter-execute"), "--timeout=600", str(notebook)],
        cwd=tmp_path,
        env=os.environ | told,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-4000:]
