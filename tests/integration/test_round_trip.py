"""One network in two formats, all the way round: exported, given heads, verified, and clustered with.

Needs the extra ``recipes``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cat_album import write_album
from typer.testing import Result

from sploot_media_clustering.adapters.model_package import ModelPackage, load_package
from sploot_media_clustering.adapters.package_heads import read_heads, write_with_heads
from sploot_media_clustering.services.answer import Answer, decode

WHY = "needs the extra recipes"
pytest.importorskip("torch", reason=WHY)
pytest.importorskip("timm", reason=WHY)
pytest.importorskip("open_clip", reason=WHY)
pytest.importorskip("onnxscript", reason=WHY)

# torch.export and torch.jit warn of what they themselves will do otherwise one day.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning"),
]

COLUMNS = "file,rater,album,look,moment,hero,view,eyes,activity,framing,setting,flaws,others"
RATED = "front,open,sitting,full,indoors,,"


def write_rated(root: Path) -> Path:
    """Two data sets of two animals of three photos each, with who they are and how good they are."""
    for number in range(2):
        folder, index, ratings = root / f"set{number}", ["file,animal"], [COLUMNS]
        for animal in range(2):
            first = 3 * (2 * number + animal)
            for place, photo in enumerate(
                sorted(write_album(folder / f"animal{animal}", first, first + 1, first + 2).iterdir())
            ):
                file = f"animal{animal}/{photo.name}"
                index.append(f"{file},animal{animal}")
                ratings.append(f"{file},A,animal{animal},look{place % 2},{place},{1 + place},{RATED}")
        (folder / "index.csv").write_text("\n".join(index), encoding="utf-8")
        (folder / "ratings.csv").write_text("\n".join(ratings), encoding="utf-8")
    return root


def with_heads_of(fitted: ModelPackage, package: ModelPackage, out: Path) -> ModelPackage:
    """A package of the same network in another format, with the heads that were fitted once."""
    heads, reference = read_heads(fitted), fitted.manifest.reference
    assert reference is not None
    return write_with_heads(
        package,
        replace(heads, network_version=package.network_version),
        origin=f"those of {fitted.network_version}",
        reference=reference,
        out=out,
    )


def clusters_in(folder: Path) -> list[tuple[object, ...]]:
    """Level, members and heroes of each cluster, and who stands beside."""
    (answer,) = decode((folder / "clusters.json").read_bytes()).values()
    assert isinstance(answer, Answer)
    return [
        (one.level, tuple(m.image_id for m in one.members), tuple(h.image_id for h in one.heroes))
        for one in answer.clusters
    ]


def test_both_formats_give_the_same_clusters(
    run: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file says how a network is written, and nothing of what it sees."""
    data, album = write_rated(tmp_path / "data"), write_album(tmp_path / "album", *range(10))
    for to in ("onnx", "torchscript"):
        made = run("model", "export", "efficientnet-lite0", "--random-weights", "--format", to, "--out", to)
        assert made.exit_code == 0, made.stderr
    script = (tmp_path / "torchscript" / "embedder.pt").read_bytes()
    monkeypatch.setenv("SPLOOT_TRUSTED_MODELS", hashlib.sha256(script).hexdigest())
    assert run("train", "heads", data, "--model", "onnx", "--out", "onnx-fitted").exit_code == 0
    with_heads_of(load_package(Path("onnx-fitted")), load_package(Path("torchscript")), Path("script-fitted"))
    seen = []
    for package in ("onnx-fitted", "script-fitted"):
        checked = run("model", "verify", package)
        assert checked.exit_code == 0, checked.stdout
        done = run("cluster", album, "--model", package, "--out", f"{package}-out")
        assert done.exit_code == 0, done.stderr
        seen.append(clusters_in(Path(f"{package}-out")))
    assert seen[0]
    assert seen[0] == seen[1]
