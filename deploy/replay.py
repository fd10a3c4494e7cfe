"""An image's steps without an engine of containers: what a Dockerfile says, done in a clean root of Debian.

    sudo python3 deploy/replay.py [--work DIR]

Needs root, Linux and debootstrap, which makes the root that stands for the base image. Every COPY and RUN of
``deploy/Dockerfile`` is done there in order, with pip's settings of this machine. Then the image's user runs
in it, with a root that is read-only and an empty cache, as the manifests ask for: the package checks itself,
the service starts with a store of its own, and the image's health check has to find it well. Ends with 1
where that does not hold. The base is not the image that the Dockerfile names, and layers and networks are not
looked at.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

REPOSITORY: Final = Path(__file__).parents[1]
DOCKERFILE: Final = REPOSITORY / "deploy/Dockerfile"
BASE: Final = "python:3.11-slim-bookworm"
PACKAGES: Final = "ca-certificates,python3,python3-venv"
"""What makes a minimal Debian such a base."""
SETTINGS: Final = ("/etc/resolv.conf", "/etc/pip.conf", "/etc/ssl/certs/ca-certificates.crt")
"""By which pip finds its index; they are in the way of no step, and of no part of the image."""
PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
STARTED_S: Final = 60
INSTRUCTION: Final = re.compile(r"([A-Z]+)\s+(.*)", re.DOTALL)


@dataclass
class Stage:
    """A root in the making, and what the Dockerfile says of who runs in it."""

    root: Path
    place: str = "/"
    user: str = "0:0"
    variables: dict[str, str] = field(default_factory=dict)
    entry: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)
    volumes: list[str] = field(default_factory=list)


def instructions(text: str) -> Iterator[tuple[str, str]]:
    """Names of the instructions and what follows them."""
    whole = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    for line in whole.replace("\\\n", " ").splitlines():
        if line.strip():
            found = INSTRUCTION.fullmatch(line.strip())
            if found is None:
                raise SystemExit(f"expected an instruction of a Dockerfile, got {line!r}")
            yield found[1], found[2]


def base_root(work: Path) -> Path:
    """A minimal Debian, made once."""
    root = work / "base"
    if not (root / "made").exists():
        shutil.rmtree(root, ignore_errors=True)
        command = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", root]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        (root / "usr/local/bin/python").symlink_to("/usr/bin/python3")
        (root / "made").touch()
    return root


def replayed(work: Path) -> Stage:
    """The last stage, after all steps."""
    stages: dict[str, Stage] = {}
    stage = Stage(work)
    for name, told in instructions(DOCKERFILE.read_text()):
        print(f"{name} {' '.join(told.split())}"[:110], flush=True)
        if name == "FROM":
            image, _, alias = told.partition(" AS ")
            if image != BASE:
                raise SystemExit(f"expected the base {BASE}, got {image}: there is nothing here like it")
            stage = stages[alias or "last"] = Stage(work / (alias or "last"))
            shutil.rmtree(stage.root, ignore_errors=True)
            subprocess.run(["cp", "--archive", base_root(work), stage.root], check=True)
        else:
            step(name, told, stage, stages)
    return stage


def step(name: str, told: str, stage: Stage, stages: dict[str, Stage]) -> None:
    """One instruction after FROM."""
    if name in {"CMD", "EXPOSE", "LABEL"}:
        return  # for whoever runs the image
    match name:
        case "ARG" | "ENV":
            stage.variables |= variables(told, {"PATH": PATH} | stage.variables)
        case "WORKDIR":
            stage.place = told
            inside(stage, told).mkdir(parents=True, exist_ok=True)
        case "COPY":
            copy(told, stage, stages)
        case "RUN":
            run(told, stage)
        case "USER":
            stage.user = told
        case "VOLUME":
            stage.volumes.append(told)
        case "ENTRYPOINT":
            stage.entry = json.loads(told)
        case "HEALTHCHECK":
            stage.health = json.loads(told[told.index("[") :])
        case _:
            raise SystemExit(f"expected an instruction that is known here, got {name}")


def variables(told: str, known: dict[str, str]) -> dict[str, str]:
    """Those that are set, with what is known of the ones that they name."""
    parts = (part.partition("=") for part in shlex.split(told))
    return {
        name: re.sub(r"\$(\w+)", lambda found: known.get(found[1], ""), value) for name, _, value in parts
    }


def inside(stage: Stage, path: str) -> Path:
    """Where a path of the image is on this machine."""
    return stage.root / Path(stage.place, path).relative_to("/")


def copy(told: str, stage: Stage, stages: dict[str, Stage]) -> None:
    """Files of the repository, or of a stage before."""
    *sources, target = shlex.split(told)
    start = REPOSITORY
    if sources[0].startswith("--from="):
        start = stages[sources.pop(0).removeprefix("--from=")].root
    for source in sources:
        path = start / source.lstrip("/")
        place = inside(stage, target)
        if path.is_dir():
            shutil.copytree(path, place, symlinks=True, dirs_exist_ok=True)
        else:
            shutil.copy2(path, place)


def run(command: str, stage: Stage) -> None:
    """A step in the root, with what pip needs of this machine for as long as it takes."""
    kept = {}
    for path in map(Path, SETTINGS):
        own = stage.root / path.relative_to("/")
        kept[own] = own.read_bytes() if own.is_file() else None
        if path.is_file():
            own.write_bytes(path.read_bytes())
    pip = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    shell = ["chroot", stage.root, "/bin/sh", "-ec", f"cd {stage.place} && {command}"]
    subprocess.run(shell, check=True, env=pip | {"PATH": PATH, "HOME": "/root"} | stage.variables)
    for own, before in kept.items():
        own.unlink(missing_ok=True) if before is None else own.write_bytes(before)


def in_use(stage: Stage) -> list[str]:
    """What runs a command as the image's user: a read-only root, empty volumes, processes of its own."""
    uid, gid = stage.user.split(":")
    root = shlex.quote(str(stage.root))
    mounts = [f"mount --bind {root} {root}", f"mount --types proc proc {root}/proc"]
    owned = f"--options uid={uid},gid={gid}"
    mounts += [f"mount --types tmpfs {owned} tmpfs {root}{place}" for place in stage.volumes]
    mounts += [f"mount --options remount,bind,ro {root}", f'exec chroot --userspec={stage.user} {root} "$@"']
    return ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-ec", " && ".join(mounts), "-"]


def holds(stage: Stage) -> bool:
    """Whether the package is whole, and the service well, for the image's user."""
    environment, cache = {"HOME": "/nonexistent"} | stage.variables, stage.volumes[0]
    tool = [*in_use(stage), *stage.entry]
    if subprocess.run([*tool, "model", "verify"], env=environment, check=False).returncode:
        return False
    store = {"REDIS_URL": "embedded", "SPLOOT_STORE": f"{cache}/store", "TMPDIR": cache}
    token = {"SPLOOT_API_TOKENS": secrets.token_hex(32)}
    health = ["chroot", f"--userspec={stage.user}", stage.root, *stage.health]
    with subprocess.Popen([*tool, "up"], env=environment | store | token) as service:
        try:
            until_s = time.monotonic() + STARTED_S
            while time.monotonic() < until_s and service.poll() is None:
                if not subprocess.run(health, env=environment, check=False, capture_output=True).returncode:
                    return True
                time.sleep(1)
        finally:
            end(service)
    return False


def end(service: subprocess.Popen[bytes]) -> None:
    """Ends what unshare began, which heeds no signal itself: first in good order, else with all it has."""
    inner = Path(f"/proc/{service.pid}/task/{service.pid}/children").read_text().split()
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in inner:
            os.kill(int(pid), number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            service.wait(STARTED_S)
            return


def main() -> None:
    """Replay it, use it, and say whether it holds."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--work", type=Path, help="where roots are made, and the base kept; default: nowhere")
    told = parser.parse_args()
    with tempfile.TemporaryDirectory() as nowhere:
        work = told.work or Path(nowhere)
        work.mkdir(parents=True, exist_ok=True)
        stage = replayed(work)
        if not holds(stage):
            raise SystemExit(
                "expected a package that is whole and a service that is well, got neither or one"
            )
        print("The package is whole, and the service well, for a user that may write its cache alone.")


if __name__ == "__main__":
    sys.exit(main())
