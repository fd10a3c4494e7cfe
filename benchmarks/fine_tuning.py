"""Ways to tune an embedder, side by side: which tells animals of a set apart that it was not tuned on?

    python benchmarks/fine_tuning.py pack ~/labelled --out views.npz     # views of all photos, compressed
    python benchmarks/fine_tuning.py tune views.npz --weights lite0.pth --device cuda --out tuned
    python benchmarks/fine_tuning_judged.py views.npz tuned/*.npz --scores judged

``tune`` needs torch, timm and peft, and runs where a GPU is; it needs nothing but the views and the weights.
Each data set is embedded by a network that was tuned without it, in each of :data:`ARMS`; the last command
tells what that gains.
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image

from sploot_media_clustering.domain.heads import root
from sploot_media_clustering.training.embedder_sampling import Recipe
from sploot_media_clustering.training.pixel_views import PixelViews
from sploot_media_clustering.training.tuning_method import Method

if TYPE_CHECKING:
    from collections.abc import Sequence

RECIPE: Final = "efficientnet-lite0"
SIDE_PX: Final = 256
WIDE_PX: Final = 300
QUALITY: Final = 60
"""Of what travels: small enough to be sent to a GPU."""
SIZES_PX: Final = (224, 288)
"""Beside the network's own, of what :attr:`Arm.of_sizes` pulls towards."""
LEVELS: Final = 255
_PER_FILE: Final = 3


_SHORT: Final = Recipe()


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One way to tune.

    Attributes:
        method: ``lora``, ``blocks`` or ``all``; empty: not tuned.
        recipe: how.
        strengths: how far to go from the original weights to the tuned ones.
        of_sizes: whether it is pulled towards the mean of the original vectors of three sizes, not of one.
    """

    method: str = ""
    recipe: Recipe = _SHORT
    strengths: tuple[float, ...] = (0.5, 1.0)
    of_sizes: bool = False


_LONG: Final = Recipe(steps=300, animals=14, photos=5, look_every=50, patience=4)
_LORA: Final = Recipe(rate=1e-3)
_ALL: Final = Recipe(rate=1e-4)

ARMS: Final = {
    "none": Arm(strengths=(0.0,)),
    "blocks": Arm(method="blocks"),
    "lora": Arm(method="lora", recipe=_LORA),
    "all": Arm(method="all", recipe=_ALL),
    "lora-long": Arm(method="lora", recipe=replace(_LONG, rate=1e-3)),
    "blocks-long": Arm(method="blocks", recipe=_LONG, strengths=(0.5,)),
    "lora-sizes": Arm(method="lora", recipe=_LORA, strengths=(1.0,), of_sizes=True),
    "all-sizes": Arm(
        method="all", recipe=replace(_LONG, rate=1e-4, keep=16.0), strengths=(1.0,), of_sizes=True
    ),
}


def pack(folders: Sequence[Path], out: Path) -> None:
    """Write the views of all photos of one animal, compressed, one after another."""
    from sploot_media_clustering.bootstrap import open_embedding  # noqa: PLC0415 - not where views are used
    from sploot_media_clustering.entrypoints.cli.labelled import embedded  # noqa: PLC0415
    from sploot_media_clustering.entrypoints.cli.train_embedder import (  # noqa: PLC0415
        photo_opener,
        tuning_photos,
    )
    from sploot_media_clustering.settings import from_environment  # noqa: PLC0415
    from sploot_media_clustering.training.labelled import read_data_sets  # noqa: PLC0415
    from sploot_media_clustering.training.pixel_views import pixel_views  # noqa: PLC0415

    data_sets = read_data_sets(folders)
    with open_embedding(from_environment()) as parts, tempfile.TemporaryDirectory() as work:
        photos = tuning_photos(data_sets, embedded(parts, data_sets))
        views = pixel_views(photos, photo_opener(parts, data_sets), SIDE_PX, Path(work))
        files = [_compressed(view, SIDE_PX) for view in views.wholes]
        files += [_compressed(view, WIDE_PX) for view in views.wides]
    np.savez(
        out,
        files=np.frombuffer(b"".join(files), np.uint8),
        ends=np.cumsum([len(file) for file in files]),
        places=views.places,
        boxes=views.boxes,
        animals=views.animals,
        sets=views.sets,
        keys=[photo.key for photo in photos],
        set_names=np.unique([photo.data_set for photo in photos]),
    )
    print(f"{out}: {len(photos)} photos, {out.stat().st_size / 1e6:.1f} MB")


def _compressed(view: np.ndarray, side_px: int) -> bytes:
    held = io.BytesIO()
    Image.fromarray(view).resize((side_px, side_px)).save(held, "WEBP", quality=QUALITY, method=6)
    return held.getvalue()


def unpacked(file: Path) -> PixelViews:
    """The views that :func:`pack` wrote; crops are cut out of the wider ones."""
    with np.load(file) as told:
        data, ends = told["files"].tobytes(), told["ends"].tolist()
        columns = {name: told[name] for name in ("places", "boxes", "animals", "sets")}
    with ThreadPoolExecutor() as pool:
        parts = [data[a:b] for a, b in zip([0, *ends], ends, strict=False)]
        images = list(pool.map(_decompressed, parts))
    wholes, wides = images[: len(images) // 2], images[len(images) // 2 :]
    crops = [
        wide.resize((SIDE_PX, SIDE_PX), box=tuple((WIDE_PX * place).tolist()))
        for wide, place in zip(wides, columns["places"].clip(0, 1), strict=True)
    ]
    shown = (np.stack([np.asarray(image) for image in kind]) for kind in (wholes, crops, wides))
    return PixelViews(*shown, **columns)


def _decompressed(view: bytes) -> Image.Image:
    with Image.open(io.BytesIO(view)) as image:
        return image.convert("RGB")


def tune_all(told: argparse.Namespace) -> None:
    """Tune every arm without each set, sets side by side, and put the vectors of an arm together."""
    told.out.mkdir(parents=True, exist_ok=True)
    views = unpacked(told.views)
    begun_s = time.monotonic()
    sets = np.unique(views.sets).tolist()
    waiting, running = list(reversed(sets)), []
    while waiting or running:
        while waiting and len(running) < told.workers:
            command = [sys.executable, __file__, *sys.argv[1:], "--left-out", str(waiting.pop())]
            running.append(subprocess.Popen(command))  # noqa: S603 - this very command
        running[0].wait()
        if running.pop(0).returncode:
            raise SystemExit("expected every set to be tuned without, got a failure; see above")
    print(f"{len(sets)} sets, {len(told.arms)} arms: {time.monotonic() - begun_s:.0f} s")
    _gather(told.out, views)


def tune_without(told: argparse.Namespace) -> None:
    """Every arm without one set; its vectors and curves are written."""
    import torch  # noqa: PLC0415 - only here

    from sploot_media_clustering.training.embedder_tuning import tune  # noqa: PLC0415

    started_s = time.monotonic()
    torch.set_num_threads(told.threads)
    views = unpacked(told.views)
    module, recipe = _network(told)
    others = np.flatnonzero(views.sets != told.left_out)
    own = np.flatnonzero(views.sets == told.left_out)
    for name in told.arms:
        file = _part(told.out, name, told.left_out)
        if file.is_file() or time.monotonic() - started_s > told.seconds:
            continue
        arm, begun_s = ARMS[name], time.monotonic()
        steps = replace(arm.recipe, steps=min(told.steps or arm.recipe.steps, arm.recipe.steps))
        changed, looks = {}, ()
        if arm.method:
            tuning = _tuning(arm, module, recipe, views, told.device)
            tuned = tune(tuning, others, steps, seed=told.left_out)
            changed, looks = tuning.merged(tuned.weights), tuned.looks
        vectors = {
            f"{strength:g}": _embedded(module, recipe, changed, strength, views, own, told.device)
            for strength in arm.strengths
        }
        curves = np.array([(one.step, one.loss, one.distance, one.told_apart) for one in looks])
        file.parent.mkdir(parents=True, exist_ok=True)
        np.savez(file, looks=curves, **vectors)
        said = f", told apart {looks[0].told_apart:.4f}, {looks[-1].told_apart:.4f}" if looks else ""
        print(f"{name} without set {told.left_out}: {time.monotonic() - begun_s:.0f} s{said}", flush=True)


def _part(out: Path, arm: str, left_out: int) -> Path:
    """Of one arm and set; what is there is not done again."""
    return out.with_name(f"{out.name}-work") / f"{arm}-{left_out}.npz"


def _network(told: argparse.Namespace) -> tuple[Any, Any]:
    from sploot_media_clustering.training.torch_recipes import recipe_named  # noqa: PLC0415
    from sploot_media_clustering.training.torch_source import open_source  # noqa: PLC0415

    recipe = replace(recipe_named(RECIPE), input_px=SIDE_PX)
    return open_source(recipe, told.weights, random_weights=told.weights is None).module, recipe


def _tuning(arm: Arm, module: Any, recipe: Any, views: PixelViews, device: str) -> Any:  # noqa: ANN401
    from torch.nn import functional  # noqa: PLC0415

    from sploot_media_clustering.training.torch_tuning import TorchTuning  # noqa: PLC0415

    class OfSizes(TorchTuning):
        """Pulled towards the mean of what the original network makes of three sizes."""

        def before(self, views: Any) -> Any:  # noqa: ANN401
            how = {"mode": "bilinear", "antialias": True}
            sized = [functional.interpolate(views, (px, px), **how) for px in SIZES_PX]
            seen = [super(OfSizes, self).before(one) for one in (views, *sized)]
            return functional.normalize(sum(seen), dim=1)

    kind = OfSizes if arm.of_sizes else TorchTuning
    return kind(module, recipe, Method(arm.method), views, arm.recipe.clean_share, device=device)


def _embedded(
    module: Any,  # noqa: ANN401 - torch is untyped
    recipe: Any,  # noqa: ANN401
    changed: Any,  # noqa: ANN401
    strength: float,
    views: PixelViews,
    rows: np.ndarray,
    device: str,
) -> np.ndarray:
    """Roots of the embeddings of whole photos and crops, in 8 bits: [n, 2, e]."""
    from copy import deepcopy  # noqa: PLC0415

    from sploot_media_clustering.training.torch_methods import put, weights_of  # noqa: PLC0415
    from sploot_media_clustering.training.torch_tuning import TorchNetwork  # noqa: PLC0415
    from sploot_media_clustering.training.tuned_weights import interpolated  # noqa: PLC0415

    mixed = deepcopy(module)
    put(mixed, interpolated(weights_of(module), changed, strength))
    network = TorchNetwork(mixed, recipe, device)
    rooted = np.stack([root(network.embed(kind[rows])) for kind in (views.wholes, views.crops)], 1)
    return np.round(rooted / rooted.max(axis=2, keepdims=True) * LEVELS).astype(np.uint8)


def _gather(out: Path, views: PixelViews) -> None:
    """The vectors of all sets by arm and strength, in few files, and the curves."""
    sets = np.unique(views.sets).tolist()
    whole: dict[str, np.ndarray] = {}
    curves: dict[str, Any] = {}
    for name in ARMS:
        parts = [_part(out, name, one) for one in sets]
        if not all(part.is_file() for part in parts):
            continue
        for one, part in zip(sets, parts, strict=True):
            with np.load(part) as arrays:
                curves.setdefault(name, {})[str(one)] = arrays["looks"].tolist()
                for strength in arrays.files[1:]:
                    own = arrays[strength]
                    empty = np.zeros((len(views.sets), *own.shape[1:]), np.uint8)
                    whole.setdefault(f"{name} {strength}", empty)[views.sets == one] = own
    names = list(whole)
    for number, start in enumerate(range(0, len(names), _PER_FILE)):
        some = {name: whole[name] for name in names[start : start + _PER_FILE]}
        np.savez_compressed(out / f"vectors-{number}.npz", **some)
    (out / "curves.json").write_text(json.dumps(curves))


def main() -> None:
    """Do one of the two."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    packing = commands.add_parser("pack")
    packing.add_argument("folders", nargs="+", type=Path)
    packing.add_argument("--out", type=Path, required=True)
    tuning = commands.add_parser("tune")
    tuning.add_argument("views", type=Path)
    tuning.add_argument("--weights", type=Path, help="default: random ones, to try the way")
    tuning.add_argument("--out", type=Path, required=True)
    tuning.add_argument("--arms", nargs="+", default=list(ARMS), choices=list(ARMS))
    tuning.add_argument("--steps", type=int, help="at most, of each arm")
    tuning.add_argument("--device", default="cpu")
    tuning.add_argument("--workers", type=int, default=1, help="sets at a time")
    tuning.add_argument("--threads", type=int, default=1, help="of each")
    tuning.add_argument("--seconds", type=float, default=np.inf, help="after which no arm is begun")
    tuning.add_argument("--left-out", type=int, help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.command == "pack":
        pack(told.folders, told.out)
    else:
        (tune_all if told.left_out is None else tune_without)(told)


if __name__ == "__main__":
    main()
