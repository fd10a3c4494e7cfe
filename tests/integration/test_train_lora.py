"""``train lora``, from labelled albums to a package that clusters. Needs the extra ``lora``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cat_album import write_album
from typer.testing import Result

from sploot_media_clustering.adapters.model_package import load_package
from sploot_media_clustering.adapters.package_heads import read_heads
from sploot_media_clustering.entrypoints.cli import train_lora

WHY = "needs the extra lora"
for module in ("torch", "timm", "open_clip", "peft", "onnxscript", "matplotlib"):
    pytest.importorskip(module, reason=WHY)

# torch.export warns of what it itself will do otherwise one day.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

Run = Callable[..., Result]
SETS, ANIMALS, PHOTOS = 2, 3, 3
_PNG = b"\x89PNG"


def write_rated(root: Path) -> Path:
    """Data sets of three animals of three photos each, all of them rated."""
    columns = "file,rater,album,look,moment,hero,view,eyes,activity,framing,setting,flaws,others"
    for number in range(SETS):
        rows, index = [columns], ["file,animal"]
        for animal in range(ANIMALS):
            first = PHOTOS * (ANIMALS * number + animal)
            folder = root / f"set{number}" / f"animal{animal}"
            write_album(folder, *range(first, first + PHOTOS))
            index += [f"{folder.name}/{photo.name},{folder.name}" for photo in sorted(folder.glob("*.jpg"))]
            rows += [
                f"{folder.name}/{photo.name},A,{folder.name},look{place % 2},{place},{1 + place},"
                "front,open,sitting,full,indoors,,"
                for place, photo in enumerate(sorted(folder.glob("*.jpg")))
            ]
        (root / f"set{number}" / "index.csv").write_text("\n".join(index), encoding="utf-8")
        (root / f"set{number}" / "ratings.csv").write_text("\n".join(rows), encoding="utf-8")
    return root


@pytest.mark.slow
def test_a_tuned_network_is_a_package_that_clusters(run: Run, tmp_path: Path) -> None:
    """With heads, curves as figures and as a picture; a second run finds its folds done."""
    data = write_rated(tmp_path / "data")
    told = ("--recipe", "efficientnet-lite0", "--random-weights", "--input-px", 64, "--steps", 2, "--rank", 2)
    done = run("train", "lora", data, *told, "--out", "tuned")
    assert done.exit_code == 0, done.stderr
    package = load_package(Path("tuned"))
    assert package.manifest.name == "efficientnet-lite0-tuned-random"
    assert "LoRA of rank 2" in package.manifest.file(package.manifest.embedder.file).origin
    assert read_heads(package).network_version == package.network_version
    curves = json.loads((Path("tuned") / train_lora.CURVES_FILE).read_text(encoding="utf-8"))
    assert [look["step"] for look in curves["folds"][0]["looks"]] == [0, 2]
    assert curves["sets"].keys() == {"set0", "set1"}
    assert (Path("tuned") / train_lora.PICTURE_FILE).read_bytes().startswith(_PNG)
    again = run("train", "lora", data, *told, "--out", "tuned")
    assert again.exit_code == 0, again.stderr
    assert "step 2" not in again.stderr
    assert load_package(Path("tuned")).network_version == package.network_version
    clustered = run("cluster", data / "set0" / "animal0", "--model", "tuned", "--out", "out")
    assert clustered.exit_code == 0, clustered.stderr


def test_what_can_not_be_done_is_said_before_photos_are_read(run: Run, tmp_path: Path) -> None:
    """A size that the network does not take, a precision that it has no use for, an unknown network."""
    data = write_rated(tmp_path / "data")
    for told, message in (
        (("--recipe", "dinov2-s", "--input-px", "256"), "expected pictures of 224 pixels"),
        (("--recipe", "dinov5"), "expected one of"),
        (("--recipe", "efficientnet-lite0", "--random-weights", "--precision", "int8"), "int8 is for linear"),
    ):
        done = run("train", "lora", data, *told, "--out", "tuned")
        assert done.exit_code != 0
        assert message in done.stderr.replace("\n", " "), done.stderr
