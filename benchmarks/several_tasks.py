"""Tuning an embedder for several tasks at once: who it is, what people tick, which look, and which is best.

    python benchmarks/fine_tuning.py pack ~/labelled --out views.npz       # views of all photos, compressed
    python benchmarks/several_tasks.py labels ~/labelled --views views.npz --out labels.npz
    python benchmarks/several_tasks.py tune views.npz labels.npz --weights lite0.pth --device cuda --out tuned
    python benchmarks/several_tasks_judged.py ~/labelled --views views.npz --vectors tuned/*.npz --scores out

``tune`` needs torch and timm, and runs where a GPU is. Every photo is embedded by a network that was tuned
without its album (an animal, where nobody rated), or without its whole data set, in each of :data:`ARMS`.
"""

from __future__ import annotations

import argparse
import json
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields, replace
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import numpy as np
from fine_tuning import LEVELS, unpacked

from sploot_media_clustering.domain.cues import CONTEXT_CUES
from sploot_media_clustering.training.album_folds import album_folds
from sploot_media_clustering.training.pixel_views import PixelViews

FOLDS: Final = 5
SEED: Final = 0
UNRATED: Final = -1
STRENGTHS: Final = (0.5, 1.0)
FOLDS_OF: Final = "folds"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One way to tune; 0: not for that.

    Attributes:
        attributes: weight of the log loss of what people tick.
        hero: of the squared error of ratings less their album's mean.
        looks: of telling the looks of an album apart.
        identity: of telling the animals of a data set apart.
        keep: of the pull towards the original vectors, in one minus cosine.
        rate: highest learning rate of the last layers.
        falling: each block below has this share of the rate of the one above.
        steps: how many.
    """

    attributes: float = 1.0
    hero: float = 1.0
    looks: float = 0.5
    identity: float = 0.5
    keep: float = 2.0
    rate: float = 3e-4
    falling: float = 0.75
    steps: int = 250


ARMS: Final = {
    "none": Arm(steps=0),
    "several": Arm(),
    "far": Arm(rate=1e-3, keep=0.5),
    "attributes": Arm(hero=0.0, looks=0.0, identity=0.0),
}
WAYS: Final = ("albums", "sets")
JOBS: Final = ("albums:none", "albums:several", "albums:far", "sets:several", "albums:attributes", "sets:far")


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """What is known of each view's photo.

    Attributes:
        albums: of rated photos; :data:`UNRATED` where nobody rated, or no animal was found.
        looks: likewise.
        hero: rating.
        truth: index of each value, a column a group.
        context: what heads read beside vectors.
        groups: what is left out together: the album, or the animal where nobody rated.
    """

    albums: np.ndarray
    looks: np.ndarray
    hero: np.ndarray
    truth: np.ndarray
    context: np.ndarray
    groups: np.ndarray

    def taken(self, rows: np.ndarray) -> Labels:
        """Of some photos."""
        return Labels(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})


def write_labels(folders: list[Path], views: Path, out: Path) -> None:
    """Write what people said of the photos of some views, in their order."""
    from sploot_media_clustering.bootstrap import open_embedding  # noqa: PLC0415 - not where networks are
    from sploot_media_clustering.entrypoints.cli.labelled import embedded  # noqa: PLC0415
    from sploot_media_clustering.settings import from_environment  # noqa: PLC0415
    from sploot_media_clustering.training.labelled import read_data_sets  # noqa: PLC0415
    from sploot_media_clustering.training.ratings import numbered, rated_photos, read_ratings  # noqa: PLC0415

    data_sets = read_data_sets(folders)
    with open_embedding(from_environment()) as parts:
        embeddings = embedded(parts, data_sets)
    rated = rated_photos(read_ratings([one.folder for one in data_sets]), embeddings)
    with np.load(views) as told:
        keys, animals = told["keys"].tolist(), told["animals"].tolist()
    row_of = {key: row for row, key in enumerate(rated.keys) if rated.seen[row]}
    known = np.array([key in row_of for key in keys])
    rows = np.array([row_of.get(key, 0) for key in keys])
    named = [("album", int(rated.albums[row])) for row in rows]
    np.savez(
        out,
        albums=np.where(known, rated.albums[rows], UNRATED),
        looks=np.where(known, rated.looks[rows], UNRATED),
        hero=rated.hero[rows],
        truth=rated.truth[rows],
        context=rated.cues[rows, -CONTEXT_CUES:],
        groups=numbered([name if yes else a for name, yes, a in zip(named, known, animals, strict=True)]),
    )
    print(f"{out}: {known.sum()} rated photos of {len(keys)}")


def tune_all(told: argparse.Namespace) -> None:
    """Tune networks, some side by side, and put the vectors of an arm together; what is there is kept."""
    begun_s = time.time()
    told.out.mkdir(parents=True, exist_ok=True)
    views = unpacked(told.views)
    for field in fields(PixelViews):
        np.save(_work(told.out) / f"{field.name}.npy", getattr(views, field.name))
    folds = {way: _folds(told, views, way) for way in WAYS}
    print(f"unpacked: {time.time() - begun_s:.0f} s", flush=True)
    jobs = [
        (*job.split(":"), fold) for job in told.jobs for fold in np.unique(folds[job.split(":")[0]]).tolist()
    ]
    with ProcessPoolExecutor(told.workers, mp_context=get_context("spawn")) as pool:
        done = [
            pool.submit(_tuned, told, folds[way], (way, arm, fold), begun_s + told.seconds)
            for way, arm, fold in jobs
        ]
    _gather(told.out, folds)
    for one in done:
        one.result()
    print(f"{len(jobs)} networks: {time.time() - begun_s:.0f} s")


def _folds(told: argparse.Namespace, views: PixelViews, way: str) -> np.ndarray:
    if way == "sets":
        return views.sets
    with np.load(told.labels) as labels:
        return album_folds(labels["groups"], FOLDS, SEED)


def _work(out: Path) -> Path:
    """What is half done."""
    folder = out.with_name(f"{out.name}-work")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@cache
def _material(work: Path, labels: Path, weights: Path | None, device: str) -> tuple[Any, Labels]:
    """Of a process, made once: the network before, with all views, and what is known of them."""
    from several_tasks_network import Original  # noqa: PLC0415 - needs torch

    views = PixelViews(*(np.load(work / f"{f.name}.npy", mmap_mode="r") for f in fields(PixelViews)))
    with np.load(labels) as told:
        return Original(weights, views, device), Labels(**{name: told[name] for name in told.files})


def _tuned(told: argparse.Namespace, folds: np.ndarray, job: tuple[str, str, int], until_s: float) -> None:
    """Tune without a fold; the weights are written, what they make of the fold's photos, and the curve."""
    import torch  # noqa: PLC0415 - only here
    from several_tasks_network import SeveralTasks  # noqa: PLC0415

    way, name, fold = job
    file = _work(told.out) / f"{way}-{name}-{fold}.npz"
    begun_s = time.time()
    if file.is_file() or begun_s > until_s:
        return
    torch.set_num_threads(told.threads)
    original, labels = _material(_work(told.out), told.labels, told.weights, told.device)
    arm = ARMS[name]
    arm = replace(arm, steps=min(told.steps or arm.steps, arm.steps))
    held = np.flatnonzero(folds == fold)
    tasks = SeveralTasks(original, labels, np.flatnonzero(folds != fold), arm)
    curve = [tasks.look(held)]
    for step in range(1, arm.steps + 1):
        tasks.step(np.random.default_rng((SEED, fold, step)))
        if step % told.look_every == 0 or step == arm.steps:
            curve.append(tasks.look(held))
    arrays = {}
    for strength in STRENGTHS if arm.steps else (0.0,):
        embeddings, said = tasks.outputs(held, strength)
        most = embeddings.max(axis=2, keepdims=True)
        levels = np.round(np.sqrt(np.maximum(embeddings, 0) / most) * LEVELS)
        arrays |= {
            f"{strength:g}": levels.astype(np.uint8),
            f"{strength:g} most": most,
            f"{strength:g} says": said,
        }
    torch.save(tasks.at(1.0)["network"].half().cpu().state_dict(), file.with_suffix(".pth"))
    np.savez(file, curve=json.dumps(curve), **arrays)
    print(f"{way} {name} {fold}: {time.time() - begun_s:.0f} s\n  {curve[0]}\n  {curve[-1]}", flush=True)


def _gather(out: Path, folds: dict[str, np.ndarray]) -> None:
    """The vectors of all folds by way, arm and strength, what networks say themselves, and the curves."""
    curves: dict[str, Any] = {}
    for way, arm in ((way, arm) for way in WAYS for arm in ARMS):
        parts = {fold: _work(out) / f"{way}-{arm}-{fold}.npz" for fold in np.unique(folds[way]).tolist()}
        found = {fold: part for fold, part in parts.items() if part.is_file()}
        if not found:
            continue
        whole: dict[str, np.ndarray] = {FOLDS_OF: folds[way]}
        for fold, part in found.items():
            with np.load(part) as arrays:
                curves.setdefault(f"{way} {arm}", {})[str(fold)] = json.loads(str(arrays["curve"]))
                for name in arrays.files[1:]:
                    own = arrays[name]
                    empty = np.zeros((len(folds[way]), *own.shape[1:]), own.dtype)
                    whole.setdefault(name, empty)[folds[way] == fold] = own
        np.savez_compressed(out / f"{way}-{arm}.npz", **whole)
    (out / "curves.json").write_text(json.dumps(curves))


def main() -> None:
    """Do one of the two."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    labelling = commands.add_parser("labels")
    labelling.add_argument("folders", nargs="+", type=Path)
    labelling.add_argument("--views", type=Path, required=True)
    labelling.add_argument("--out", type=Path, required=True)
    tuning = commands.add_parser("tune")
    tuning.add_argument("views", type=Path)
    tuning.add_argument("labels", type=Path)
    tuning.add_argument("--weights", type=Path, help="default: random ones, to try the way")
    tuning.add_argument("--out", type=Path, required=True)
    tuning.add_argument("--jobs", nargs="+", default=JOBS, help="what is left out, and the arm")
    tuning.add_argument("--steps", type=int, help="at most, of each arm")
    tuning.add_argument("--look-every", type=int, default=100, help="steps between two points of a curve")
    tuning.add_argument("--device", default="cpu")
    tuning.add_argument("--workers", type=int, default=1, help="networks at a time")
    tuning.add_argument("--threads", type=int, default=1, help="of each")
    tuning.add_argument("--seconds", type=float, default=np.inf, help="after which no network is begun")
    told = parser.parse_args()
    if told.command == "labels":
        write_labels(told.folders, told.views, told.out)
    else:
        tune_all(told)


if __name__ == "__main__":
    main()
