"""``eval``: one command measures, writes and judges; baselines are made of results and compared with them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import msgspec
import pytest
from judged_home import judged_home
from typer.testing import CliRunner

from sploot_media_clustering.adapters.images import ImageLimits, PillowDecoder
from sploot_media_clustering.adapters.model_package import default_package, load_package
from sploot_media_clustering.bootstrap import built_in_heads
from sploot_media_clustering.domain.projection import Heads
from sploot_media_clustering.entrypoints.cli import evaluate, evaluation_workers
from sploot_media_clustering.evaluation.darkroom import Darkroom
from sploot_media_clustering.evaluation.judged_sets import AS_THEY_ARE, JudgedSet
from sploot_media_clustering.evaluation.material import Material
from sploot_media_clustering.evaluation.results import RESULTS, encoded, read_results
from sploot_media_clustering.services.manifest import MANIFEST_NAME, write_manifest


def material_of(*sets: JudgedSet, fitted_on: frozenset[str] = frozenset()) -> Material:
    """Material whose sets are judged already."""
    material = Material(
        data_sets=(),
        embeddings={},
        heads=Mock(spec=Heads, tree=sets[0].heads.tree),
        fitted_on=fitted_on,
        darkroom=Darkroom(PillowDecoder(ImageLimits()), Mock()),
        progress=lambda _: None,
    )
    material.__dict__.update(sets=list(sets), vectors=sets[0].vectors)
    return material


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    @contextmanager
    def opened(_: object, __: Collection[str] = (), *, as_is: bool = False) -> Iterator[Material]:
        assert not as_is
        yield material_of(judged_home())

    for module in (evaluate, evaluation_workers):
        monkeypatch.setattr(module, "opened", opened)
    return CliRunner()


ONLY = ["--only", "identity", "--only", "membership", "--only", "words", "--draws", "2"]


def test_all_writes_what_was_found_and_names_what_was_not(command: CliRunner, tmp_path: Path) -> None:
    """Three files; a protocol that the photos do not allow is left out with its reason."""
    done = command.invoke(evaluate.app, ["all", "x", "--out", str(tmp_path / "out"), *ONLY])
    assert done.exit_code == 0, done.output
    results = read_results(tmp_path / "out" / RESULTS)
    assert [one.protocol for one in results.outcomes] == ["households-1", "households-hint-1", "membership-1"]
    assert [name for name, _ in results.left_out] == ["words"]
    assert "left out words: expected a ratings.csv" in done.output
    assert "nobody rated" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "households-1" in (tmp_path / "out" / "report.md").read_text(encoding="utf-8")


def test_results_pass_the_gate_that_they_made_and_worse_ones_do_not(
    command: CliRunner, tmp_path: Path
) -> None:
    """Exit code 1, and the figure that was lost."""
    out, baseline = tmp_path / "out", tmp_path / "baselines" / "home.json"
    command.invoke(evaluate.app, ["all", "x", "--out", str(out), *ONLY])
    assert command.invoke(evaluate.app, ["baseline", str(out), str(baseline)]).exit_code == 0
    assert command.invoke(evaluate.app, ["gate", str(out), str(baseline)]).exit_code == 0
    results = read_results(out / RESULTS)
    first = results.outcomes[0]
    worse = replace(first, measures=tuple(replace(m, value=0.1) for m in first.measures))
    (out / RESULTS).write_bytes(encoded(replace(results, outcomes=(worse, *results.outcomes[1:]))))
    lost = command.invoke(evaluate.app, ["gate", str(out / RESULTS), str(baseline)])
    assert lost.exit_code == 1
    assert "fails" in lost.output
    known = json.loads(baseline.read_text())
    assert {one["protocol"] for one in known} == {"households-1", "households-hint-1", "membership-1"}


def test_that_a_package_passed_is_written_into_it(command: CliRunner, tmp_path: Path) -> None:
    """Only where its own heads were measured, and lost nothing."""
    out, baseline, folder = tmp_path / "out", tmp_path / "home.json", tmp_path / "package"
    shutil.copytree(default_package().folder, folder)
    unmeasured = msgspec.structs.replace(load_package(folder).manifest, gate=None)
    (folder / MANIFEST_NAME).write_bytes(write_manifest(unmeasured))
    command.invoke(evaluate.app, ["all", "x", "--out", str(out), *ONLY])
    command.invoke(evaluate.app, ["baseline", str(out), str(baseline)])
    told = ["gate", str(out), str(baseline), "--package", str(folder)]
    of_others = command.invoke(evaluate.app, told)
    assert "expected results of lite0" in str(of_others.exception)
    version = built_in_heads().tree.version
    results = replace(read_results(out / RESULTS), model=version)
    worse = replace(results, outcomes=results.outcomes[1:])
    (out / RESULTS).write_bytes(encoded(worse))
    assert command.invoke(evaluate.app, told).exit_code == 1
    assert not load_package(folder).manifest.passed_gate(version)
    (out / RESULTS).write_bytes(encoded(results))
    assert command.invoke(evaluate.app, told).exit_code == 0
    assert load_package(folder).manifest.passed_gate(version)


def test_one_protocol_is_judged_by_its_own_figures(command: CliRunner, tmp_path: Path) -> None:
    """A baseline of several protocols does not ask one of them for all."""
    out, baseline = tmp_path / "out", tmp_path / "home.json"
    for told in (["all", "x", "--out", str(out), *ONLY], ["baseline", str(out), str(baseline)]):
        made = command.invoke(evaluate.app, told, catch_exceptions=False)
        assert made.exit_code == 0, made.output
    done = command.invoke(evaluate.app, ["membership", "x", "--draws", "2", "--baseline", str(baseline)])
    assert done.exit_code == 0, done.output
    assert "2 figures, 0 lost" in done.output


def test_unknown_protocols_are_refused(command: CliRunner) -> None:
    """With the names that are known."""
    done = command.invoke(evaluate.app, ["all", "x", "--only", "luck"])
    assert done.exit_code == 2


def test_photos_of_which_nothing_can_be_measured_are_told(command: CliRunner, tmp_path: Path) -> None:
    """With the first reason, and no report."""
    done = command.invoke(evaluate.app, ["all", "x", "--out", str(tmp_path / "out"), "--only", "words"])
    assert "nothing can be measured: expected a ratings.csv" in str(done.exception)
    assert not (tmp_path / "out").exists()


def test_heads_that_may_have_seen_the_photos_are_told() -> None:
    """By the names of the sets that they were fitted on."""
    own = replace(judged_home(name="our-pets"), judged_by=AS_THEY_ARE)
    assert "sets of other names" in material_of(own, fitted_on=frozenset({"home_cats"})).judged_by
    assert "our-pets: these figures flatter" in material_of(own, fitted_on=frozenset({"our-pets"})).judged_by
    assert material_of(judged_home()).judged_by == "heads fitted without the set"
