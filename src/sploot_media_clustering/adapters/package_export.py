"""A network of somebody's own made a model package, with the detector and the species of another one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from sploot_media_clustering.adapters.atomic_file import write_atomically
from sploot_media_clustering.adapters.model_package import ModelPackage, load_package
from sploot_media_clustering.adapters.onnx_runtime import open_session
from sploot_media_clustering.adapters.package_opening import Opening, prepared_rungs
from sploot_media_clustering.adapters.placement import Execution, Opened
from sploot_media_clustering.errors import ConfigurationError, ModelPackageError
from sploot_media_clustering.services.canary import canary_picture
from sploot_media_clustering.services.manifest import (
    MANIFEST_NAME,
    EmbedderEntry,
    PackageFile,
    Parity,
    Preparation,
    SpeciesEntry,
    write_manifest,
)
from sploot_media_clustering.services.network_recipe import NetworkRecipe

_RUNTIMES: Final = {
    ".onnx": "onnx",
    ".pt": "torchscript",
    ".ts": "torchscript",
    ".torchscript": "torchscript",
}
_SPECIES_FILE: Final = "species.onnx"
_LARGEST: Final = 60_000.0
"""Embeddings are kept in half precision, which ends at 65 504."""


Embed = Callable[[np.ndarray], np.ndarray]
"""Vectors of views, as the network gives them."""


def export_network(
    recipe: NetworkRecipe,
    folder: Path,
    base: ModelPackage,
    out: Path,
    *,
    prove: Callable[[Embed], Parity] | None = None,
) -> ModelPackage:
    """Write a package; its heads are to be fitted next.

    Whoever names a TorchScript file here is taken to trust it: it runs once, for the canary.

    Args:
        recipe: of the network.
        folder: that its file is relative to.
        base: whose detector finds the animals, and whose embedder tells their species.
        out: folder to write; the manifest comes last, so that a half-written folder is no package.
        prove: compares the network, as the package will run it on the CPU, with what it was made from, before
            anything is written; raises where they differ.

    Returns:
        The package, opened and checked.

    Raises:
        ConfigurationError: the network's file is not there, or of no kind that we run.
        ModelPackageError: it does not run, or gives something else than one finite vector a view.
    """
    source = folder / recipe.network
    runtime = _RUNTIMES.get(source.suffix.lower())
    if runtime is None:
        raise ConfigurationError(f"expected {recipe.network} to end in one of {', '.join(_RUNTIMES)}")
    try:
        data = source.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"expected a network at {source}, got: {error.strerror}") from error
    if base.manifest.embedder.preparation is not None:
        raise ConfigurationError(
            f"expected a package to start from whose embedder tells species, {base.manifest.name} does not; "
            "use the built-in one"
        )
    file = f"embedder{source.suffix.lower()}"
    entry = _probed(_entry(recipe, base, file, runtime), data)
    embedding = _canary(entry, data)
    parity = None if prove is None else prove(partial(_vectors, _opened(entry, data), entry))
    return _written(recipe, base, (entry, data, embedding), out, parity)


def _entry(recipe: NetworkRecipe, base: ModelPackage, file: str, runtime: Any) -> EmbedderEntry:  # noqa: ANN401
    theirs = base.manifest.embedder
    return EmbedderEntry(
        file=file,
        input_px=recipe.input_px,
        dimension=1,  # until the network has spoken
        preprocessing="bytes of RGB / 255, less the mean, by the deviation",
        resampling=theirs.resampling,
        views=theirs.views,
        crop_margin=theirs.crop_margin,
        runtime=runtime,
        preparation=Preparation(
            input=recipe.input,
            output=recipe.output,
            mean=recipe.mean,
            deviation=recipe.deviation,
            layout=recipe.layout,
            pooling=recipe.pooling,
            split_signs=False,
        ),
        species=SpeciesEntry(_SPECIES_FILE, theirs.input_px, theirs.dimension),
    )


def _probed(entry: EmbedderEntry, data: bytes) -> EmbedderEntry:
    """With the names that need not be said, whether signs are to be split, and the dimension."""
    if entry.runtime == "onnx":
        session = open_session(data, threads=1)
        given = _only("input", [one.name for one in session.get_inputs()])
        found = _only("output", [one.name for one in session.get_outputs()])
        recipe = _of(entry)
        named = msgspec.structs.replace(
            recipe, input=recipe.input or given(), output=recipe.output or found()
        )
        entry = msgspec.structs.replace(entry, preparation=named)
    vector = _canary(entry, data)
    if (vector < 0).any():
        split = msgspec.structs.replace(_of(entry), split_signs=True)
        return msgspec.structs.replace(entry, preparation=split, dimension=2 * len(vector))
    return msgspec.structs.replace(entry, dimension=len(vector))


def _only(kind: str, names: list[str]) -> Any:  # noqa: ANN401
    """A function that gives the single name, or says that one has to be named."""

    def name() -> str:
        if len(names) != 1:
            raise ConfigurationError(
                f"the network has several {kind}s: {', '.join(names)}; name one in the recipe as '{kind}'"
            )
        return names[0]

    return name


def _of(entry: EmbedderEntry) -> Preparation:
    if entry.preparation is None:
        raise ModelPackageError("expected a preparation")
    return entry.preparation


def _canary(entry: EmbedderEntry, data: bytes) -> np.ndarray:
    """The embedding of the canary, on the CPU."""
    try:
        (embeddings,) = _opened(entry, data).run(canary_picture(entry.input_px)[None])
    except ConfigurationError:
        raise
    except Exception as error:  # of ONNX Runtime or PyTorch, for inputs of another shape
        raise ModelPackageError(
            f"{entry.file}: expected a network for pictures of {entry.input_px} pixels, {_of(entry).layout}, "
            f"got: {error}"
        ) from error
    vector = np.asarray(embeddings[0])
    if not np.isfinite(vector).all() or np.abs(vector).max(initial=0.0) > _LARGEST or not vector.any():
        raise ModelPackageError(
            f"{entry.file}: expected a finite embedding between -{_LARGEST:g} and {_LARGEST:g}, not all "
            "zero, got another one; name another output"
        )
    return vector


def _opened(entry: EmbedderEntry, data: bytes) -> Opened:
    trusting = Execution(trusted=frozenset({hashlib.sha256(data).hexdigest()}))
    rungs, _ = prepared_rungs(entry, _of(entry), Opening(lambda _file: data, 1, trusting))
    return rungs[0].open()


def _vectors(opened: Opened, entry: EmbedderEntry, views: np.ndarray) -> np.ndarray:
    """Of all views; parts that were put side by side by their signs are one number again."""
    batches = range(0, len(views), opened.batch)
    found = np.concatenate([opened.run(views[start : start + opened.batch])[0] for start in batches])
    if not _of(entry).split_signs:
        return found
    positive, negative = np.split(found, 2, axis=1)
    return np.asarray(positive - negative)


def _written(
    recipe: NetworkRecipe,
    base: ModelPackage,
    made: tuple[EmbedderEntry, bytes, np.ndarray],
    out: Path,
    parity: Parity | None,
) -> ModelPackage:
    entry, data, embedding = made
    theirs = base.manifest
    detector, species = theirs.file(theirs.detector.file), theirs.file(theirs.embedder.file)
    out.mkdir(parents=True, exist_ok=True)
    write_atomically(out / entry.file, data)
    write_atomically(out / detector.path, base.read(detector.path))
    write_atomically(out / _SPECIES_FILE, base.read(species.path))
    network = PackageFile(
        entry.file, len(data), hashlib.sha256(data).hexdigest(), licence=recipe.licence, origin=recipe.origin
    )
    manifest = msgspec.structs.replace(
        theirs,
        name=recipe.name,
        version=recipe.version,
        description=recipe.description or f"{recipe.name}, with the detector of {theirs.name}.",
        licence=recipe.licence,
        files=(network, detector, msgspec.structs.replace(species, path=_SPECIES_FILE)),
        embedder=entry,
        canary=msgspec.structs.replace(theirs.canary, embedding=embedding.astype("<f2").tobytes()),
        heads=None,
        reference=None,
        gate=None,
        parity=parity,
    )
    write_atomically(out / MANIFEST_NAME, write_manifest(manifest))
    package = load_package(out)
    package.open_embedder(threads=1, execution=replace(Execution(), trusted=frozenset({network.sha256})))
    return package
