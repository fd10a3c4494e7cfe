"""Labelled photos as the commands take them: data sets embedded once, and kept."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from sploot_media_clustering.adapters.albums import PhotoLocation
from sploot_media_clustering.bootstrap import EmbeddingParts
from sploot_media_clustering.domain.album import PhotoEmbedding
from sploot_media_clustering.entrypoints.cli.console import err, tracked
from sploot_media_clustering.errors import DatasetError
from sploot_media_clustering.services.embedding import PhotoFailure
from sploot_media_clustering.training.labelled import DataSet, read_data_sets

DATA_VARIABLE = "SPLOOT_DATA"

Data = Annotated[
    list[Path] | None,
    typer.Argument(
        help="Data sets, folders of them, or manifests; default: the folder that SPLOOT_DATA names."
    ),
]
"""What commands take labelled photos from; see :func:`data_sets_of`."""


def data_sets_of(folders: Sequence[Path]) -> tuple[DataSet, ...]:
    """The data sets in the folders given, or in the folder that ``SPLOOT_DATA`` names.

    Raises:
        DatasetError: neither is given, or a folder is no data set.
    """
    told = list(folders) or [
        Path(part) for part in os.environ.get(DATA_VARIABLE, "").split(os.pathsep) if part
    ]
    if not told:
        raise typer.BadParameter(f"name a folder of labelled photos, or set {DATA_VARIABLE}")
    return read_data_sets(told)


def embedded(parts: EmbeddingParts, data_sets: Sequence[DataSet]) -> dict[str, PhotoEmbedding]:
    """Embeddings of all labelled photos by key; a photo that can't be read is named and left out.

    The time that an index tells goes before the one in the file.

    Raises:
        DatasetError: none can be read.
    """
    told = {photo.key: photo.captured_at for data_set in data_sets for photo in data_set.photos}
    photos = [
        PhotoLocation(photo.key, str(photo.path)) for data_set in data_sets for photo in data_set.photos
    ]
    found: dict[str, PhotoEmbedding] = {}
    for result in tracked(parts.embedding.embed(photos), len(photos), "Embedding"):
        if isinstance(result, PhotoFailure):
            err.print(f"Left out {result.image_id}: {result.error}", markup=False)
        else:
            captured_at = told[result.image_id] or result.captured_at
            found[result.image_id] = replace(result, captured_at=captured_at)
    if not found:
        raise DatasetError(f"none of the {len(photos)} labelled photos can be read")
    return found
