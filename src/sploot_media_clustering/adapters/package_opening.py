"""Networks of a model package put where they run, and believed only after they saw the canary there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
import onnxruntime

from sploot_media_clustering.adapters.canary_check import check_embedding, check_scores, check_species
from sploot_media_clustering.adapters.onnx_runtime import Shapes, check_shapes, onnx_rungs
from sploot_media_clustering.adapters.package_networks import NetworkDetector, NetworkEmbedder, PairedNetwork
from sploot_media_clustering.adapters.placement import Execution, Ladder, Opened, Run, Rung
from sploot_media_clustering.adapters.preparation import pooled, prepared
from sploot_media_clustering.adapters.torchscript import torchscript_rungs
from sploot_media_clustering.domain.album import SPECIES
from sploot_media_clustering.errors import ModelPackageError
from sploot_media_clustering.services.canary import canary_picture
from sploot_media_clustering.services.manifest import (
    Canary,
    DetectorEntry,
    EmbedderEntry,
    Manifest,
    Preparation,
    SpeciesEntry,
)

ReadFile = Callable[[str], bytes]
"""The bytes of a file of the package, checked."""

_FLOATS: Final = {"tensor(float)": np.float32, "tensor(float16)": np.float16}


@dataclass(frozen=True, slots=True)
class Opening:
    """How the networks of a package are opened.

    Attributes:
        read: its files.
        threads: that one run on the CPU may use.
        execution: where they may run.
    """

    read: ReadFile
    threads: int
    execution: Execution

    def onnx_rungs(
        self, file: str, opened: Callable[[onnxruntime.InferenceSession, int], Opened]
    ) -> tuple[list[Rung], list[str]]:
        """Where an ONNX file may run; see there."""
        return onnx_rungs(
            partial(self.read, file),
            opened,
            threads=self.threads,
            execution=self.execution,
        )

    def ladder(
        self,
        file: str,
        rungs: tuple[Sequence[Rung], Sequence[str]],
        accept: Callable[[Run], str],
        side_px: int,
    ) -> Ladder:
        """The network on the first of the rungs that does."""
        there, absent = rungs
        asked = self.execution.providers
        return Ladder(file, there, accept=accept, side_px=side_px, asked=asked, absent=absent)


def open_embedder(manifest: Manifest, opening: Opening) -> NetworkEmbedder:
    """The embedder of a package.

    Args:
        manifest: of the package.
        opening: how.

    Raises:
        ModelPackageError: it can't run anywhere, or computes something else than the manifest says.
        MissingExtraError: it is TorchScript, and there is no torch.
    """
    entry = manifest.embedder
    network: Ladder | PairedNetwork
    if entry.preparation is None or entry.species is None:
        rungs = opening.onnx_rungs(entry.file, partial(_embedder_opened, entry))
        network = opening.ladder(
            entry.file, rungs, partial(_accept_both, entry, manifest.canary), entry.input_px
        )
    else:
        network = PairedNetwork(
            opening.ladder(
                entry.file,
                prepared_rungs(entry, entry.preparation, opening),
                partial(_accept_embedding, entry, manifest.canary),
                entry.input_px,
            ),
            _species_ladder(entry.species, manifest.canary, opening),
            species_px=entry.species.input_px,
        )
    return NetworkEmbedder(network, entry=entry, version=manifest.network_version)


def open_detector(manifest: Manifest, opening: Opening) -> NetworkDetector:
    """The detector of a package; see :func:`open_embedder`."""
    entry = manifest.detector
    rungs = opening.onnx_rungs(entry.file, partial(_detector_opened, entry))
    accept = partial(_accept_scores, entry, manifest.canary)
    return NetworkDetector(opening.ladder(entry.file, rungs, accept, entry.input_px), entry=entry)


def prepared_rungs(
    entry: EmbedderEntry, recipe: Preparation, opening: Opening
) -> tuple[list[Rung], list[str]]:
    """Where a network may run around which something has to be done."""
    if entry.runtime == "onnx":
        return opening.onnx_rungs(entry.file, partial(_prepared_opened, entry, recipe))
    return torchscript_rungs(
        partial(opening.read, entry.file),
        recipe,
        file=entry.file,
        threads=opening.threads,
        execution=opening.execution,
    )


def _species_ladder(entry: SpeciesEntry, canary: Canary, opening: Opening) -> Ladder:
    rungs = opening.onnx_rungs(entry.file, partial(_embedder_opened, entry))
    return opening.ladder(entry.file, rungs, partial(_accept_species, entry, canary), entry.input_px)


def _accept_both(entry: EmbedderEntry, canary: Canary, run: Run) -> str:
    embeddings, species = run(canary_picture(entry.input_px)[None])
    detail = check_embedding(entry.file, canary, embeddings[0])
    check_species(entry.file, canary, species[0])
    return detail


def _accept_embedding(entry: EmbedderEntry, canary: Canary, run: Run) -> str:
    (embeddings,) = run(canary_picture(entry.input_px)[None])
    if embeddings.shape[1] != entry.dimension:
        raise ModelPackageError(
            f"{entry.file}: expected embeddings of {entry.dimension} numbers, got {embeddings.shape[1]}; "
            "correct the manifest, or make the package again"
        )
    return check_embedding(entry.file, canary, embeddings[0])


def _accept_species(entry: SpeciesEntry, canary: Canary, run: Run) -> str:
    return check_species(entry.file, canary, run(canary_picture(entry.input_px)[None])[1][0])


def _accept_scores(entry: DetectorEntry, canary: Canary, run: Run) -> str:
    return check_scores(entry.file, canary, run(canary_picture(entry.input_px)[None])[1][0])


def _embedder_opened(
    entry: EmbedderEntry | SpeciesEntry, session: onnxruntime.InferenceSession, batch: int
) -> Opened:
    inputs: Shapes = {"views": [entry.input_px, entry.input_px, 3]}
    check_shapes(session, entry.file, inputs, {"embedding": [entry.dimension], "species": [len(SPECIES)]})
    return Opened(partial(_run, session, ["embedding", "species"], "views"), batch)


def _detector_opened(entry: DetectorEntry, session: onnxruntime.InferenceSession, batch: int) -> Opened:
    inputs: Shapes = {"images": [entry.input_px, entry.input_px, 3]}
    outputs: Shapes = {"boxes": [entry.candidates, 4], "scores": [entry.candidates, len(SPECIES)]}
    check_shapes(session, entry.file, inputs, outputs)
    return Opened(partial(_run, session, ["boxes", "scores"], "images"), batch)


def _prepared_opened(
    entry: EmbedderEntry, recipe: Preparation, session: onnxruntime.InferenceSession, batch: int
) -> Opened:
    given = _named(session.get_inputs(), recipe.input, f"{entry.file}: expected an input")
    _named(session.get_outputs(), recipe.output, f"{entry.file}: expected an output")
    if given.type not in _FLOATS:
        raise ModelPackageError(
            f"{entry.file}: expected an input of floats, got {given.type}; export it without its "
            "preprocessing"
        )
    kind = _FLOATS[given.type]

    def run(views: np.ndarray) -> list[np.ndarray]:
        (found,) = session.run([recipe.output], {recipe.input: prepared(views, recipe).astype(kind)})
        return [pooled(found, recipe, views=len(views), file=entry.file)]

    fixed = given.shape[0] if given.shape and isinstance(given.shape[0], int) else batch
    if fixed not in {1, batch}:
        raise ModelPackageError(
            f"{entry.file}: expected any number of pictures at once, or a single one, got a network of "
            f"{fixed}; export it with a free first axis"
        )
    return Opened(run, fixed)


def _named(arguments: Sequence[Any], name: str, expected: str) -> Any:  # noqa: ANN401 - ONNX Runtime has no types
    names = [argument.name for argument in arguments]
    if name not in names:
        raise ModelPackageError(f"{expected} {name!r}, got {', '.join(names)}; name one of them")
    return arguments[names.index(name)]


def _run(
    session: onnxruntime.InferenceSession, outputs: list[str], name: str, pictures: np.ndarray
) -> list[np.ndarray]:
    found: list[np.ndarray] = session.run(outputs, {name: pictures})
    return found
