"""How many processor cores this process may use: of the machine, of its affinity, of its container."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Final

_MEMBERSHIPS: Final = Path("/proc/self/cgroup")
_HIERARCHY: Final = Path("/sys/fs/cgroup")
_UNLIMITED: Final = "max"


def available_cores() -> int:
    """Cores that may be used, at least 1.

    Not ``os.cpu_count``, which tells of the machine, where the system tells of the process. A container's CPU
    limit is rounded down: with more threads than that, all are stopped together once the quota is used up.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.floor(min(cores, quota_cores())))


def quota_cores(memberships: Path = _MEMBERSHIPS, hierarchy: Path = _HIERARCHY) -> float:
    """The CPU limit of this process's control groups, in cores; infinite where there is none.

    A limit of an enclosing group counts too. Version 2 writes ``cpu.max``, version 1 ``cpu.cfs_quota_us`` and
    ``cpu.cfs_period_us`` (kernel documentation, cgroup-v2 and sched-bwc).

    Args:
        memberships: the file that names the groups.
        hierarchy: where they are mounted.
    """
    try:
        lines = memberships.read_text(encoding="utf-8").splitlines()
    except OSError:  # no Linux
        return math.inf
    limits = [math.inf]
    for line in lines:
        number, controllers, group = line.split(":", 2)
        if number == "0" and not controllers:
            limits += [_limit(folder) for folder in _enclosing(hierarchy, group)]
        elif "cpu" in controllers.split(","):
            mounted = next(
                (hierarchy / name for name in (controllers, "cpu") if (hierarchy / name).is_dir()), None
            )
            limits += (
                [_limit_of_version_1(folder) for folder in _enclosing(mounted, group)] if mounted else []
            )
    return min(limits)


def _enclosing(root: Path, group: str) -> list[Path]:
    """The group's folder and those around it, to the root; inside a container only some of them are seen."""
    folder = root / group.lstrip("/")
    return [folder, *(parent for parent in folder.parents if parent.is_relative_to(root))]


def _limit(folder: Path) -> float:
    quota, _, period = _read(folder / "cpu.max").partition(" ")
    return math.inf if quota in {"", _UNLIMITED} else _cores(quota, period)


def _limit_of_version_1(folder: Path) -> float:
    return _cores(_read(folder / "cpu.cfs_quota_us"), _read(folder / "cpu.cfs_period_us"))


def _cores(quota_us: str, period_us: str) -> float:
    """Of two numbers of microseconds; version 1 writes -1 for no limit."""
    if not (quota_us.isdigit() and period_us.isdigit()) or int(period_us) == 0:
        return math.inf
    return int(quota_us) / int(period_us)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return ""
