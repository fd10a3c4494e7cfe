"""``sploot-clustering train``: fit heads, and tune the embedder, on labelled photos into a new package."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import typer

from sploot_media_clustering.adapters.model_package import ModelPackage
from sploot_media_clustering.adapters.package_heads import read_heads, write_with_heads
from sploot_media_clustering.bootstrap import open_embedding
from sploot_media_clustering.domain.album import PhotoEmbedding
from sploot_media_clustering.domain.projection import Heads
from sploot_media_clustering.entrypoints.cli.console import err, out
from sploot_media_clustering.entrypoints.cli.labelled import Data, data_sets_of, embedded
from sploot_media_clustering.entrypoints.cli.torch_export import Told
from sploot_media_clustering.entrypoints.cli.train_embedder import Tuning, check_can_tune, tuned_package
from sploot_media_clustering.entrypoints.cli.train_lora import (
    DeviceName,
    LoraTuning,
    check_extra,
    lora_package,
    opened_source,
)
from sploot_media_clustering.errors import DatasetError
from sploot_media_clustering.services import value_codec
from sploot_media_clustering.services.manifest import Precision, Reference
from sploot_media_clustering.settings import from_environment
from sploot_media_clustering.training.embedder_sampling import Recipe
from sploot_media_clustering.training.heads import QUANTILES, fit_heads, reference_statistics, training_data
from sploot_media_clustering.training.identity import LEAST_PHOTOS
from sploot_media_clustering.training.labelled import DataSet, halved
from sploot_media_clustering.training.ratings import RATINGS_FILE, read_ratings
from sploot_media_clustering.training.torch_recipes import recipe_named, sized
from sploot_media_clustering.training.tuning_method import RATES, Method, MethodName

_LEAST_SETS: Final = 2
_LEAST_ANIMALS: Final = 2
_VERSION_DIGITS: Final = 8
_METHOD: Final = Method()
_RECIPE: Final = Recipe()

app = typer.Typer(help="Fit heads, or tune the embedder, on labelled photos.", no_args_is_help=True)


Out = Annotated[Path, typer.Option("--out", "-o", help="Folder of the new model package.")]
Work = Annotated[Path | None, typer.Option(help="Folder of what is half done; default: beside the package.")]
Folds = Annotated[int, typer.Option(min=2, help="Networks tuned, each without its share of sets.")]
Steps = Annotated[int, typer.Option(min=1, help="Of each fold, at most.")]
Strength = Annotated[float, typer.Option(min=0, max=1, help="0: the original weights, 1: the tuned ones.")]

Checkpoint = Annotated[
    Path | None, typer.Option(help="Checkpoint of the network; default: from the Hugging Face hub.")
]
Untrained = Annotated[
    bool, typer.Option("--random-weights", help="Start from nothing, to try the way alone.")
]
Tuned = Annotated[MethodName, typer.Option(help="lora, or for comparison: the last blocks, or all weights.")]


@app.callback()
def _group() -> None:
    """Fit heads, or tune the embedder, on labelled photos."""


@app.command()
def heads(
    data: Data = None,
    out_folder: Out = Path("model"),
    model: Annotated[
        Path | None, typer.Option(help="Package whose networks are used; default the built-in one.")
    ] = None,
) -> None:
    """Fit every head on labelled photos, and write a model package with them.

    Identity is learned from who is on the photos (index.csv, or a folder for each animal); looks, attributes
    and heroes from ratings.csv, where there is one: else they stay those of the package. Choices between
    heroes (preferences.jsonl) move the weights of what makes one. A single data set is taken as two, half of
    the animals each. No photo goes into the package.

    Example:

        sploot-clustering train heads ~/labelled --out my-package

        sploot-clustering cluster ~/Pictures --model my-package
    """
    settings = from_environment()
    data_sets = halved(data_sets_of(data or []))
    _check_enough(data_sets)
    with open_embedding(replace(settings, model=model or settings.model)) as parts:
        embeddings = embedded(parts, data_sets)
        known = None if parts.package.manifest.heads is None else read_heads(parts.package)
        _write_fitted(parts.package, data_sets, embeddings, out_folder, "by 'train heads'", known)


@app.command()
def embedder(
    data: Data = None,
    out_folder: Out = Path("model"),
    work: Work = None,
    folds: Folds = 2,
    steps: Steps = 100,
    strength: Strength = 0.5,
    input_px: Annotated[
        int | None, typer.Option(min=64, help="Side of a view, a multiple of 32; default: as it was.")
    ] = None,
) -> None:
    """Tune the embedder on labelled photos, fit all heads anew, and write a model package with both.

    Needs the extra 'training'. Interrupted, the same command goes on where it was.

    Example:

        sploot-clustering train embedder ~/labelled --out my-package
    """
    tuning = Tuning(
        folds=folds,
        strength=strength,
        input_px=input_px,
        recipe=Recipe(steps=steps),
        out=out_folder,
        work=work or _beside(out_folder),
    )
    check_can_tune(tuning)
    data_sets = halved(data_sets_of(data or []))
    _check_enough(data_sets)
    _check_rated(data_sets)
    with open_embedding(from_environment()) as parts:
        tuned = tuned_package(parts, data_sets, embedded(parts, data_sets), tuning)
    _write_fitted(
        tuned.package, data_sets, tuned.embeddings, out_folder, "by 'train embedder', on cross-fitted vectors"
    )


@app.command()
def lora(
    recipe: Annotated[str, typer.Option(help="Name of the network that 'model recipes' lists.")],
    data: Data = None,
    out_folder: Out = Path("model"),
    work: Work = None,
    weights: Checkpoint = None,
    random_weights: Untrained = False,
    method: Tuned = "lora",
    rank: Annotated[int, typer.Option(min=1, help="Of what LoRA adds to each matrix.")] = _METHOD.rank,
    alpha: Annotated[float, typer.Option(min=0, help="It is multiplied by alpha / rank.")] = _METHOD.alpha,
    blocks: Annotated[int, typer.Option(min=1, help="How many are the last.")] = _METHOD.blocks,
    folds: Folds = 2,
    steps: Steps = 100,
    rate: Annotated[
        float | None, typer.Option(min=0, help="Highest learning rate; default: by method.")
    ] = None,
    keep: Annotated[float, typer.Option(min=0, help="Pull towards the original vectors.")] = _RECIPE.keep,
    strength: Strength = 1.0,
    input_px: Annotated[
        int | None, typer.Option(min=64, help="Side of a view, of EfficientNet alone; default: the recipe's.")
    ] = None,
    device: Annotated[DeviceName, typer.Option(help="Where to tune.")] = "auto",
    precision: Annotated[Precision, typer.Option(help="Of the exported weights.")] = "fp32",
) -> None:
    """Tune a network of 'model recipes' by LoRA, fit heads on it, and write a model package with both.

    Needs the extra 'lora'. Interrupted, the same command goes on where it was.

    Examples:

        sploot-clustering train lora ~/labelled --recipe dinov2-s --out my-package

        sploot-clustering train lora ~/labelled --recipe efficientnet-lite0 --method blocks --out my-package
    """
    check_extra()
    tuning = LoraTuning(
        recipe=sized(recipe_named(recipe), input_px),
        export=Told("onnx", precision, weights, random_weights, tuple(data or ())),
        method=Method(method, rank, alpha, blocks),
        folds=folds,
        strength=strength,
        steps=Recipe(steps=steps, rate=rate or RATES[method], keep=keep),
        device=device,
        out=out_folder,
        work=work or _beside(out_folder),
    )
    data_sets = halved(data_sets_of(data or []))
    _check_enough(data_sets)
    _check_rated(data_sets)
    source = opened_source(tuning)
    with open_embedding(from_environment()) as parts:
        tuned = lora_package(parts, data_sets, embedded(parts, data_sets), source, tuning)
    _write_fitted(
        tuned.package, data_sets, tuned.embeddings, out_folder, "by 'train lora', on cross-fitted vectors"
    )


def _beside(out_folder: Path) -> Path:
    """Where half-done work of a package lies."""
    return out_folder.with_name(f"{out_folder.name}-work")


def _write_fitted(
    package: ModelPackage,
    data_sets: Sequence[DataSet],
    embeddings: Mapping[str, PhotoEmbedding],
    out_folder: Path,
    how: str,
    known: Heads | None = None,
) -> None:
    err.print("Fitting heads ...", style="dim")
    fitting = training_data(data_sets, embeddings)
    fitted = _versioned(fit_heads(fitting, version=package.network_version, known=known))
    names = ", ".join(data_set.name for data_set in data_sets)
    kept = "" if fitting.rated else f", looks, attributes and heroes those of {package.manifest.name}"
    if fitting.preferred:
        kept += f", weights of heroes moved by {len(fitting.preferred)} choices"
    photos, animals = len(fitting.vectors.keys), len(fitting.vectors.animal_names)
    written = write_with_heads(
        package,
        fitted,
        origin=f"fitted on {photos} labelled photos of the sets {names} {how}{kept}",
        reference=Reference(
            photos=len(embeddings),
            quantiles=QUANTILES,
            statistics=reference_statistics(list(embeddings.values())),
        ),
        out=out_folder,
    )
    out.print(
        f"{written.folder}: heads fitted on {photos} photos of {animals} animals{kept}",
        markup=False,
        soft_wrap=True,
    )


def _check_enough(data_sets: Sequence[DataSet]) -> None:
    """Before photos are embedded, which takes long."""
    animals = {
        data_set.name: Counter(photo.animals[0] for photo in data_set.photos if len(photo.animals) == 1)
        for data_set in data_sets
    }
    enough = {name: sum(n >= LEAST_PHOTOS for n in photos.values()) for name, photos in animals.items()}
    if sum(count >= _LEAST_ANIMALS for count in enough.values()) < _LEAST_SETS:
        found = ", ".join(f"{count} in {name}" for name, count in enough.items())
        raise DatasetError(
            f"expected at least {_LEAST_SETS} data sets with {_LEAST_ANIMALS} animals of {LEAST_PHOTOS} "
            "photos or more, since a head is judged on animals that it was not fitted on; got of such "
            f"animals {found}; add photos, or animals"
        )


def _check_rated(data_sets: Sequence[DataSet]) -> None:
    if not read_ratings([data_set.folder for data_set in data_sets]):
        raise DatasetError(
            f"expected a {RATINGS_FILE} in at least one of {', '.join(s.name for s in data_sets)}, got none; "
            "looks, attributes and heroes of another embedder are learned from it"
        )


def _versioned(heads: Heads) -> Heads:
    """Heads named after what is in them: states made by others are refused, not mixed with."""
    digest = hashlib.sha256(value_codec.pack(heads)).hexdigest()[:_VERSION_DIGITS]
    return replace(heads, tree=replace(heads.tree, version=f"{heads.tree.version}-{digest}"))
