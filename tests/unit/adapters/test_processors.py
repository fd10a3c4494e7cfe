"""Cores of the machine, of the process, of the container."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from sploot_media_clustering.adapters import processors
from sploot_media_clustering.adapters.processors import available_cores, quota_cores


def quota(tmp_path: Path, memberships: str, limits: dict[str, str]) -> float:
    """The limit that is read from files as the kernel writes them."""
    (tmp_path / "cgroup").write_text(memberships)
    for name, content in limits.items():
        path = tmp_path / "fs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return quota_cores(tmp_path / "cgroup", tmp_path / "fs")


@pytest.mark.parametrize(
    ("limits", "cores"),
    [
        ({"cpu.max": "150000 100000\n"}, 1.5),
        ({"cpu.max": "max 100000\n"}, math.inf),
        (
            {"cpu.max": "400000 100000\n", "pod/cpu.max": "200000 100000\n", "pod/one/cpu.max": "max 100000"},
            2.0,
        ),
        ({}, math.inf),
        ({"cpu.max": "nonsense"}, math.inf),
    ],
)
def test_version_2_and_the_groups_around(tmp_path: Path, limits: dict[str, str], cores: float) -> None:
    """The least limit of a group and those that enclose it counts; no file, or no number, is no limit."""
    assert quota(tmp_path, "0::/pod/one\n", limits) == cores


def test_version_1(tmp_path: Path) -> None:
    """Quota and period lie in two files below the controller's name; -1 is no limit."""
    limits = {"cpu,cpuacct/box/cpu.cfs_quota_us": "50000\n", "cpu,cpuacct/box/cpu.cfs_period_us": "100000\n"}
    memberships = "4:memory:/box\n3:cpu,cpuacct:/box\n0::/\n"
    assert quota(tmp_path, memberships, limits) == 0.5
    assert quota(tmp_path, memberships, {"cpu,cpuacct/box/cpu.cfs_quota_us": "-1\n"}) == math.inf


def test_a_system_without_groups_has_no_limit(tmp_path: Path) -> None:
    """There is nothing to be read there."""
    assert quota_cores(tmp_path / "none", tmp_path) == math.inf


@pytest.mark.parametrize(("limit", "cores"), [(0.5, 1), (1.9, 1), (2.0, 2), (math.inf, 3)])
def test_a_limit_is_rounded_down_to_one_core_at_least(
    monkeypatch: pytest.MonkeyPatch, limit: float, cores: int
) -> None:
    """A thread more than the quota would stop all of them."""
    monkeypatch.setattr(processors.os, "sched_getaffinity", lambda _pid: {0, 1, 2}, raising=False)
    monkeypatch.setattr(processors, "quota_cores", lambda: limit)
    assert available_cores() == cores
