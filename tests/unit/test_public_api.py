"""What can be imported from the top, and the documentation's examples, which run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cat_album import write_album

import sploot_media_clustering
from sploot_media_clustering.services.answer import decode

ROOT = Path(__file__).parents[2]
CODE = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


def code_in(page: str) -> str:
    """All Python blocks of a page, one after another."""
    return "\n".join(CODE.findall((ROOT / page).read_text(encoding="utf-8")))


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an album, as the examples expect it, and nothing else around."""
    monkeypatch.setenv("SPLOOT_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return write_album(tmp_path / "photos", 0, 1, 2, 3)


@pytest.mark.usefixtures("photos")
def test_the_example_of_the_readme_does_what_the_command_does(capsys: pytest.CaptureFixture[str]) -> None:
    """Ten lines at most beside the imports; a printed cat and a clusters.json of all photos."""
    code = code_in("README.md")
    exec(code, {})  # noqa: S102 it is our own page
    lines = [line for line in code.splitlines() if line and not line.startswith(("from", "import"))]
    assert len(lines) <= 10
    assert "subject Cat 4" in capsys.readouterr().out
    (answer,) = decode(Path("clusters.json").read_bytes()).values()
    assert [image.image_id for image in answer.images] == ["00.jpg", "01.jpg", "02.jpg", "03.jpg"]


@pytest.mark.slow
def test_the_examples_of_the_how_to_run(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One after another, over an album with a broken file; they end with a state of all good photos."""
    (photos / "broken.jpeg").write_bytes(b"")
    names: dict[str, object] = {}
    exec(code_in("docs/how-to/use-the-library.md"), names)  # noqa: S102 it is our own page
    printed = capsys.readouterr().out
    assert "broken.jpeg EmptyFileError" in printed
    assert "NotAnImageError" in printed
    assert "subject Cat 4" in printed
    state = names["state"]
    assert isinstance(state, sploot_media_clustering.AlbumState)
    assert len(state.photos) == 4


def test_every_public_name_is_there() -> None:
    """What __all__ promises can be imported, and a name that is not there is an AttributeError."""
    assert sorted(sploot_media_clustering.__all__) == sploot_media_clustering.__all__
    for name in sploot_media_clustering.__all__:
        assert getattr(sploot_media_clustering, name).__module__.startswith("sploot_media_clustering.")
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = sploot_media_clustering.no_such_name


def test_importing_the_package_loads_no_network_runtime() -> None:
    """A part can be imported without paying for the rest."""
    loaded = (
        "import sploot_media_clustering, sys; print('onnxruntime' in sys.modules, 'scipy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_the_networks_runtime_tells_its_makers_nothing() -> None:
    """Whoever imports us has it off, unless he said otherwise."""
    code = "import os, sploot_media_clustering; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    for told, found in (({}, "1"), ({"ORT_DISABLE_TELEMETRY": "0"}, "0")):
        environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment | told, capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == found
