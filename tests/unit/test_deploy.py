"""What is deployed: files that tools accept, which speak of settings, commands and series that there are."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from sploot_media_clustering.adapters import redis_keys as keys
from sploot_media_clustering.adapters.telemetry import Telemetry
from sploot_media_clustering.entrypoints.api.observing import RequestMetrics
from sploot_media_clustering.entrypoints.cli.app import COMMANDS
from sploot_media_clustering.services.lanes import lanes_of

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
KUBERNETES = "1.30"
OF_OTHERS = {"Kustomization", "ScaledObject"}
"""Kinds that are no part of Kubernetes."""
MANIFESTS = sorted(DEPLOY.glob("kubernetes/**/*.yaml"))
DOCKERFILES = sorted(DEPLOY.glob("*Dockerfile"))
SERIES = re.compile(r"sploot_[a-z_]+")


def documents() -> Iterator[tuple[Path, dict[str, Any]]]:
    for path in MANIFESTS:
        for document in yaml.safe_load_all(path.read_text()):
            yield path, document


def containers() -> Iterator[dict[str, Any]]:
    for _, document in documents():
        spec = document.get("spec", {})
        pods = {"Deployment": spec, "CronJob": spec.get("jobTemplate", {}).get("spec")}.get(document["kind"])
        if pods is not None:
            yield from pods["template"]["spec"]["containers"]


def series() -> set[str]:
    """Names of all series that there are."""
    registry = Telemetry().registry
    RequestMetrics(registry)
    kinds = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}
    return {family.name + end for family in registry.collect() for end in kinds[family.type]}


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: str(path.relative_to(DEPLOY)))
def test_manifests_are_what_kubernetes_takes(path: Path) -> None:
    """By its own schemas, or by ours where a kind is another's; nothing misspelt."""
    for document in yaml.safe_load_all(path.read_text()):
        if document["kind"] in OF_OTHERS:
            jsonschema.validate(document, json.loads((ROOT / "tests/kinds.schema.json").read_text()))
        else:
            kubernetes_validate.validate(document, KUBERNETES, strict=True)


def test_a_misspelt_trigger_is_found() -> None:
    """A schema that takes anything would tell nothing."""
    schema = json.loads((ROOT / "tests/kinds.schema.json").read_text())
    (scaled,) = [document for _, document in documents() if document["kind"] == "ScaledObject"]
    scaled["spec"]["triggers"][0]["metadata"]["lagcount"] = "5"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(scaled, schema)


def test_kustomizations_name_files_and_objects_that_there_are() -> None:
    """What is patched is there to be patched."""
    names = {(document["kind"], document.get("metadata", {}).get("name")) for _, document in documents()}
    for path, document in documents():
        if document["kind"] == "Kustomization":
            assert all((path.parent / resource).exists() for resource in document["resources"])
            for patch in document.get("patches", ()):
                target = patch.get("target") or yaml.safe_load(patch["patch"])
                name = target.get("name") or target["metadata"]["name"]
                assert (target["kind"], name) in names


def test_containers_run_commands_that_there_are_and_may_write_nothing() -> None:
    """No root, no capability, a root that is read-only."""
    found = list(containers())
    assert len(found) == 4
    for container in found:
        assert container["args"][0] in COMMANDS
        guarded = container["securityContext"]
        assert guarded["readOnlyRootFilesystem"]
        assert not guarded["allowPrivilegeEscalation"]
        assert guarded["capabilities"] == {"drop": ["ALL"]}


def test_what_waits_is_asked_of_the_streams_that_there_are() -> None:
    """By KEDA; those of one partition."""
    (scaled,) = [document for _, document in documents() if document["kind"] == "ScaledObject"]
    told = [part["metadata"] for part in scaled["spec"]["triggers"] if part["type"] == "redis-streams"]
    assert [part["stream"] for part in told] == [keys.stream(lane) for lane in lanes_of(1)]
    assert {part["consumerGroup"] for part in told} == {keys.GROUP}


def test_settings_are_those_that_are_read() -> None:
    """Every variable that a file sets or names."""
    read = (ROOT / "src/sploot_media_clustering/settings.py").read_text()
    for path in (*MANIFESTS, *DOCKERFILES, DEPLOY / "compose.yaml", DEPLOY / "README.md"):
        for name in re.findall(r"SPLOOT_[A-Z_]+", path.read_text()):
            assert f'"{name}"' in read, (path, name)


def test_compose_runs_commands_that_there_are() -> None:
    """And its image is built from a file that is there."""
    told = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    for name in ("api", "worker"):
        service = told["services"][name]
        assert service["command"][0] in COMMANDS
        assert service["read_only"]
        assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
    mounted = [volume for part in told["services"].values() for volume in part.get("volumes", ())]
    assert told["volumes"].keys() <= {volume.partition(":")[0] for volume in mounted}


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_dockerfiles_are_clean(path: Path) -> None:
    """A linter has nothing to say; what is copied is there, and not held back."""
    linter = Path(sys.executable).with_name("hadolint")
    told = subprocess.run([linter, path], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
    kept = (ROOT / ".dockerignore").read_text().splitlines()
    for line in re.findall(r"^COPY (?!--from)(.*)$", path.read_text(), re.MULTILINE):
        for name in line.split()[:-1]:
            assert (ROOT / name).exists()
            assert f"!{name}" in kept


def test_alerts_and_the_dashboard_ask_for_series_that_there_are() -> None:
    """And for each alert there is a page of what to do."""
    alerts = (DEPLOY / "prometheus/alerts.yaml").read_text()
    panels = json.loads((DEPLOY / "grafana/dashboard.json").read_text())["panels"]
    asked = " ".join(target["expr"] for panel in panels for target in panel["targets"])
    assert set(SERIES.findall(alerts)) | set(SERIES.findall(asked)) <= series()
    rules = [rule for group in yaml.safe_load(alerts)["groups"] for rule in group["rules"]]
    runbook = (ROOT / "docs/runbook.md").read_text()
    for rule in rules:
        assert f"### {rule['alert']}\n" in runbook
        assert rule["annotations"]["runbook_url"] == f"docs/runbook.md#{rule['alert'].lower()}"
    assert set(re.findall(r"### (Sploot\w+)", runbook)) == {rule["alert"] for rule in rules}


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool, of Debian's prometheus, is not installed")
def test_alerts_ring_when_they_should() -> None:
    """Prometheus's own tool reads the rules, and says what they do with made-up series."""
    rules, cases = DEPLOY / "prometheus/alerts.yaml", ROOT / "tests/alerts_test.yaml"
    for asked in (["check", "rules", rules], ["test", "rules", cases]):
        told = subprocess.run(["promtool", *asked], capture_output=True, text=True, check=False)
        assert told.returncode == 0, told.stdout + told.stderr
