"""What a model package says of itself: ``manifest.json``, read strictly.

A package is a folder: the manifest, an embedder and a detector as ONNX files, and heads. Every value that a
network needs to be used rightly stands here, so that a package trained elsewhere is a drop-in.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Annotated, Final, Literal, TypeAlias

import msgspec

from sploot_media_clustering.domain.detection import CROP_MARGIN, DetectionThresholds
from sploot_media_clustering.errors import ModelPackageError

FORMAT: Final = 1
"""Raised when a reader of today could misread the manifest of tomorrow."""

MANIFEST_NAME: Final = "manifest.json"

VIEWS: Final = ("whole photo, squashed to a square", "square crop of each sighting")
"""The views that are cut; a network made for others is refused."""

_Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
_SidePx = Annotated[int, msgspec.Meta(ge=16, le=2048)]
_Above0 = Annotated[float, msgspec.Meta(gt=0)]
_Positive = Annotated[int, msgspec.Meta(ge=1)]
_Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9._-]*$")]


class PackageFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of the package.

    Attributes:
        path: relative to the package's folder, with forward slashes, inside it.
        size_bytes: of the file.
        sha256: of its bytes, in hexadecimal.
        licence: SPDX identifier, of the weights where it is a network.
        origin: where it came from, and how it was made.
    """

    path: str
    size_bytes: _Positive
    sha256: _Sha256
    licence: str
    origin: str


class Preparation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is done around a network that was made for something else: before it, and with what it gives.

    Attributes:
        input: name of the network's input; nothing for TorchScript.
        output: name of the output that is used; nothing for TorchScript.
        mean: of red, green and blue, subtracted after bytes were divided by 255.
        deviation: by which they are divided then.
        layout: ``nchw``, channels first, or ``nhwc``.
        pooling: of outputs with more than two axes: ``first`` token, or ``mean`` over tokens or places.
        split_signs: the positive parts, then the negative ones without their sign, twice as many numbers:
            heads take square roots, as of features that are never negative.
    """

    input: str
    output: str
    mean: tuple[float, float, float]
    deviation: tuple[_Above0, _Above0, _Above0]
    layout: Literal["nchw", "nhwc"]
    pooling: Literal["none", "first", "mean"]
    split_signs: bool


class SpeciesEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The network that tells species where the embedder does not.

    Attributes:
        file: of an ONNX network as an embedder of :class:`EmbedderEntry`, of which ``species`` is used.
        input_px: side of its views, which are scaled from those of the embedder.
        dimension: of its embedding, which is not used.
    """

    file: str
    input_px: _SidePx
    dimension: _Positive


class EmbedderEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The embedder: views in, pooled features and species probabilities out.

    Attributes:
        file: of an ONNX network with the input ``views``, uint8 [n, input_px, input_px, 3], and the outputs
            ``embedding`` [n, dimension] and ``species`` [n, 3]; with a preparation, of another one.
        input_px: side of a view.
        dimension: of an embedding.
        preprocessing: what is done to the bytes, in words; the graph does it itself.
        resampling: how views are brought to size, in words.
        views: what is embedded of each photo, :data:`VIEWS`.
        crop_margin: added to the longer side of a sighting's box before it is made a square;
            :data:`~sploot_media_clustering.domain.detection.CROP_MARGIN`.
        runtime: what runs the file; ``torchscript`` only where its checksum is trusted.
        preparation: None where the graph does it itself.
        species: with a preparation only.
    """

    file: str
    input_px: _SidePx
    dimension: _Positive
    preprocessing: str
    resampling: str
    views: tuple[str, ...]
    crop_margin: Annotated[float, msgspec.Meta(ge=0, le=1)]
    runtime: Literal["onnx", "torchscript"] = "onnx"
    preparation: Preparation | None = None
    species: SpeciesEntry | None = None


class DetectorEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The detector: pictures in, candidate boxes out.

    Attributes:
        file: of an ONNX network with the input ``images``, uint8 [n, input_px, input_px, 3], and the outputs
            ``boxes`` [n, candidates, 4] (left, top, right, bottom, in fractions) and ``scores``
            [n, candidates, 3] (cat, dog, other animal), best first.
        input_px: side of the picture that it looks at.
        candidates: boxes that it gives of each picture.
        preprocessing: what is done to the bytes, in words; the graph does it itself.
        resampling: how pictures are brought to size, in words.
        thresholds: when a box is believed.
    """

    file: str
    input_px: _SidePx
    candidates: _Positive
    preprocessing: str
    resampling: str
    thresholds: DetectionThresholds


class HeadsEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The heads: what turns embeddings into something with a meaning.

    Attributes:
        file: as :mod:`~sploot_media_clustering.services.value_codec` packs them.
    """

    file: str


class Canary(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the networks make of a drawn cat, so that a broken installation is found out.

    See :func:`~sploot_media_clustering.services.canary.canary_picture`.

    Attributes:
        embedding: float16, little endian, base64.
        species: probabilities of cat, dog, other animal.
        scores: of the best candidates, highest first, as many as are written here.
        cosine: least cosine between the embedding found and the one expected.
        tolerance: largest difference of a score or probability.
    """

    embedding: bytes
    species: tuple[float, float, float]
    scores: tuple[float, ...]
    cosine: float
    tolerance: float


class Reference(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What photos of pets look like to the networks, to notice when the input has changed.

    Attributes:
        photos: how many were looked at.
        statistics: name to quantiles, of the probabilities in ``quantiles``.
        quantiles: ascending, in [0, 1].
        albums: file of what albums look like, a :class:`~sploot_media_clustering.services.drift.Reference`;
            None where nobody recorded it.
    """

    photos: _Positive
    quantiles: tuple[float, ...]
    statistics: Mapping[str, tuple[float, ...]]
    albums: str | None = None


Precision: TypeAlias = Literal["fp32", "fp16", "int8"]
"""Of a network's weights."""


class Parity(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How close the embedder comes to the network that it was exported from, on the same pictures.

    Attributes:
        precision: of its weights.
        pictures: how many were looked at.
        drawn: they were made by arithmetic; else they are labelled photos.
        random_weights: the network was never trained: nothing but speed and memory can be learned from it.
        least_cosine: between both vectors of a picture, of all pictures.
        mean_cosine: of all pictures.
        centred_cosine: the least, after the mean of the source's vectors was taken off both: where all
            vectors look alike, the plain one says little.
        source_auc: how often the source finds two photos of one animal closer than two of different ones.
        exported_auc: the same of the export.
    """

    precision: Precision
    pictures: _Positive
    drawn: bool
    random_weights: bool
    least_cosine: float
    mean_cosine: float
    centred_cosine: float
    source_auc: float | None = None
    exported_auc: float | None = None


class GateEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """That a model passed the gate: no figure of a baseline was lost.

    Attributes:
        model: version of the heads that were judged; for others it says nothing.
        baseline_sha256: of the baseline's file.
        figures: how many were compared.
    """

    model: str
    baseline_sha256: _Sha256
    figures: _Positive


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A model package's description.

    Attributes:
        format: of the manifest, :data:`FORMAT`.
        name: of the networks.
        version: of the package under that name.
        description: a sentence.
        licence: SPDX identifier of the package as a whole.
        files: everything in the folder but the manifest.
        embedder: see there.
        detector: see there.
        heads: None in a package whose heads were not fitted yet.
        canary: see there.
        reference: None in a package whose statistics were not taken yet.
        parity: None where the embedder was not exported from another network.
        gate: None where the heads did not pass it.
    """

    format: int
    name: _Name
    version: _Name
    description: str
    licence: str
    files: tuple[PackageFile, ...]
    embedder: EmbedderEntry
    detector: DetectorEntry
    canary: Canary
    heads: HeadsEntry | None = None
    reference: Reference | None = None
    parity: Parity | None = None
    gate: GateEntry | None = None

    def passed_gate(self, model: str) -> bool:
        """Whether the heads of that version were judged, and passed."""
        return self.gate is not None and self.gate.model == model

    @property
    def network_version(self) -> str:
        """Name and checksum of all that an embedding depends on; heads are not among it."""
        species = self.embedder.species
        parts = (
            self.file(self.embedder.file).sha256,
            self.file(self.detector.file).sha256,
            *(() if species is None else (self.file(species.file).sha256,)),
            msgspec.json.encode((self.embedder, self.detector), order="deterministic").decode(),
        )
        digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()
        return f"{self.name}-{self.version}-{digest[:12]}"

    def file(self, path: str) -> PackageFile:
        """The entry of a file.

        Raises:
            ModelPackageError: the manifest lists no such file.
        """
        found = next((entry for entry in self.files if entry.path == path), None)
        if found is None:
            listed = ", ".join(entry.path for entry in self.files)
            raise ModelPackageError(
                f"the manifest uses {path!r}, expected one of its files: {listed}; add it there"
            )
        return found


def read_manifest(data: bytes) -> Manifest:
    """Read a manifest.

    Raises:
        ModelPackageError: it is of another format, lacks something, has something unknown, was made for other
            views than are cut, or names a file outside the package.
    """
    try:
        manifest = msgspec.json.decode(data, type=Manifest)
    except msgspec.MsgspecError as error:
        raise ModelPackageError(
            f"expected a manifest of format {FORMAT}, but {_lower_first(str(error))}; mend "
            f"{MANIFEST_NAME}, or use a package made for this version"
        ) from error
    if manifest.format != FORMAT:
        raise ModelPackageError(
            f"expected a manifest of format {FORMAT}, got {manifest.format}; use a package of this version"
        )
    _check_views(manifest.embedder)
    for entry in manifest.files:
        _check_inside(entry.path)
    _check_whole(manifest.embedder)
    beside = [part.file for part in (manifest.heads, manifest.embedder.species) if part is not None]
    if manifest.reference is not None and manifest.reference.albums is not None:
        beside.append(manifest.reference.albums)
    for used in (manifest.embedder.file, manifest.detector.file, *beside):
        manifest.file(used)
    return manifest


def write_manifest(manifest: Manifest) -> bytes:
    """The manifest as JSON that people can read, and that is the same for the same manifest."""
    return (json.dumps(msgspec.to_builtins(manifest), indent=2, ensure_ascii=False) + "\n").encode()


def _check_views(embedder: EmbedderEntry) -> None:
    found, expected = (embedder.views, embedder.crop_margin), (VIEWS, CROP_MARGIN)
    if found != expected:
        raise ModelPackageError(
            f"expected an embedder of the views and the crop margin {expected}, got {found}; "
            "use a package made for this version"
        )


def _check_whole(embedder: EmbedderEntry) -> None:
    told = (embedder.preparation is not None, embedder.species is not None)
    if told != (True, True) and (any(told) or embedder.runtime != "onnx"):
        raise ModelPackageError(
            "expected an embedder with both preparation and species, or with neither and run by onnx; mend "
            f"{MANIFEST_NAME}"
        )


def _check_inside(path: str) -> None:
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\\" in path or ":" in path:
        raise ModelPackageError(
            f"the manifest names {path!r}, expected a path inside the package's folder; mend {MANIFEST_NAME}"
        )


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]
