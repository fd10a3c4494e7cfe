"""Rules of the house that no linter knows."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from importlib.resources import files
from itertools import chain
from pathlib import Path

import jaxtyping
import numpy as np
import pytest

from sploot_media_clustering.domain.album import WHOLE, SightingEmbedding

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "sploot_media_clustering"
MODULES = sorted(PACKAGE.rglob("*.py"))

DOMAIN_MAY_IMPORT = sys.stdlib_module_names | {"numpy", "scipy", "jaxtyping", "sploot_media_clustering"}
NAMES_THAT_SAY_NOTHING = {"base", "common", "helper", "helpers", "misc", "util", "utils"}
MODULE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60

BELONGS_TO_A_MACHINE = re.compile(
    r"/(?:work|root|home|Users|tmp)/[\w.]"  # somebody's folders
    r"|\b(?:pypi|pythonhosted|npmjs|debian)\.org\b"  # a registry's address: the ordinary client knows it
    r"|\.\./(?:shared)\b|\.(?:library)\b"  # what lies beside a checkout
)

LOCAL_LINK = re.compile(r"\]\((?![a-z]+:|#)([^)#\s]+)")


def tracked_texts() -> list[tuple[str, str]]:
    """Path and text of every tracked text file."""
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listing.returncode != 0:
        pytest.skip("not a git checkout")
    contents = [
        (name, (ROOT / name).read_bytes()) for name in listing.stdout.split("\0") if (ROOT / name).is_file()
    ]
    return [(name, data.decode(errors="replace")) for name, data in contents if b"\0" not in data]


def seen_with(species: np.ndarray) -> SightingEmbedding:
    return SightingEmbedding(
        box=WHOLE,
        species=species,
        detector_score=0.5,
        embedding=np.zeros(4, np.float16),
        pixels=np.zeros(2, np.float32),
    )


@pytest.mark.parametrize("wrong", [np.zeros(4, np.float32), np.zeros(3, np.float64)], ids=["length", "dtype"])
def test_shapes_are_checked_while_the_tests_run(wrong: np.ndarray) -> None:
    """An array whose shape or dtype the annotation does not allow is refused under test."""
    assert seen_with(np.zeros(3, np.float32)).species.shape == (3,)
    with pytest.raises(jaxtyping.TypeCheckError, match="species"):
        seen_with(wrong)


def test_the_package_tells_type_checkers_that_it_is_typed() -> None:
    """py.typed is part of the installed package."""
    assert files("sploot_media_clustering").joinpath("py.typed").is_file()


def test_modules_have_names_that_say_something() -> None:
    """A module is a noun of the product, never a drawer for what has no place."""
    assert [str(path) for path in MODULES if path.stem in NAMES_THAT_SAY_NOTHING] == []


def test_modules_and_functions_can_be_read_in_one_go() -> None:
    """No module is longer than 400 lines and no function longer than 60."""
    too_long = []
    for path in MODULES:
        text = path.read_text(encoding="utf-8")
        if text.count("\n") > MODULE_LINES_MAX:
            too_long.append(str(path.relative_to(ROOT)))
        too_long += [
            f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and (node.end_lineno or 0) - node.lineno >= FUNCTION_LINES_MAX
        ]
    assert too_long == []


def test_the_domain_imports_nothing_but_what_is_listed() -> None:
    """The domain knows the standard library, NumPy, SciPy and jaxtyping's names only."""
    foreign = {
        (path.name, name)
        for path in (PACKAGE / "domain").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in imported_names(node)
        if name.split(".")[0] not in DOMAIN_MAY_IMPORT
    }
    assert foreign == set()


def imported_names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return ["sploot_media_clustering" if node.level else node.module or ""]
    return []


def test_nothing_tracked_belongs_to_one_machine() -> None:
    """No file names a folder of somebody's machine or the address of a registry."""
    found = [
        f"{name}: {match.group()}"
        for name, text in tracked_texts()
        for match in BELONGS_TO_A_MACHINE.finditer(text)
    ]
    assert found == []


def test_links_in_the_documentation_lead_somewhere() -> None:
    """A relative link in a tracked Markdown page names a file that is there."""
    broken = [
        f"{name}: {target}"
        for name, text in tracked_texts()
        if name.endswith(".md")
        for target in LOCAL_LINK.findall(text)
        if not (ROOT / name).parent.joinpath(target).exists()
    ]
    assert broken == []


def test_every_dependency_is_pinned() -> None:
    """constraints.txt pins what pyproject.toml asks for, extras included, and names no address."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    asked = chain(project["dependencies"], *extras)
    constraints = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    pinned = {canonical(line) for line in constraints.splitlines() if "==" in line}
    assert {canonical(requirement) for requirement in asked} - pinned == set()
    assert "://" not in constraints


def canonical(requirement: str) -> str:
    """The normalised name of a requirement."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\s<>=!\[;]", requirement, maxsplit=1)[0]).lower()
