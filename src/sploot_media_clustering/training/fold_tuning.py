"""Tuning a network once without each fold of data sets, each fold kept when it is done."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from jaxtyping import Int64

from sploot_media_clustering.training.embedder_sampling import Recipe
from sploot_media_clustering.training.embedder_tuning import Look, Tunable, Tuned, tune

_LOOKS: Final = "looks"


def tune_folds(
    untuned: Callable[[], Tunable],
    fold_of_row: Int64[np.ndarray, " n"],
    recipe: Recipe,
    *,
    cache: Path,
    progress: Callable[[int, Look], None] = lambda _fold, _look: None,
    watch: Callable[[int, range], Iterable[int]] = lambda _fold, steps: steps,
) -> list[Tuned]:
    """Tune a network without each fold.

    Args:
        untuned: a network with the original weights and all photos, a new one at each call.
        fold_of_row: of each photo.
        recipe: how.
        cache: folder of these photos, this network and this recipe; folds that are there are not done again,
            and one that is half done is gone on with.
        progress: told fold and look.
        watch: passes a fold's steps on, to show how far it is.
    """
    tuned = []
    for fold in np.unique(fold_of_row).tolist():
        file, half_done = cache / f"fold-{fold}.npz", cache / f"fold-{fold}.half"
        if (kept := _kept(file)) is None:
            kept = tune(
                untuned(),
                np.flatnonzero(fold_of_row != fold).astype(np.int64),
                recipe,
                seed=fold,
                checkpoint=half_done,
                progress=partial(progress, fold),
                watch=partial(watch, fold),
            )
            _keep(file, kept)
            half_done.unlink(missing_ok=True)
        tuned.append(kept)
    return tuned


def _keep(file: Path, tuned: Tuned) -> None:
    """Written beside its place and renamed, so that a half-written fold does not count as done."""
    file.parent.mkdir(parents=True, exist_ok=True)
    looks = np.array([(look.step, look.loss, look.distance, look.told_apart) for look in tuned.looks])
    beside = file.with_suffix(".part.npz")
    arrays: dict[str, Any] = {_LOOKS: looks, **tuned.weights}
    np.savez(beside, **arrays)
    beside.replace(file)


def _kept(file: Path) -> Tuned | None:
    if not file.is_file():
        return None
    with np.load(file) as arrays:
        looks = tuple(Look(int(step), *map(float, rest)) for step, *rest in arrays[_LOOKS])
        return Tuned({name: arrays[name] for name in arrays.files if name != _LOOKS}, looks)
