"""The built-in networks with heads of another version: a second model that is as good as the first."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sploot_media_clustering.adapters.model_package import ModelPackage, default_package
from sploot_media_clustering.adapters.package_heads import read_heads, write_with_heads


def other_heads(folder: Path, number: int = 2) -> ModelPackage:
    """A package in a folder; its version ends with the number."""
    package = default_package()
    heads = read_heads(package)
    version = f"{package.network_version}-{number:08x}"
    renamed = replace(heads, tree=replace(heads.tree, version=version))
    reference = package.manifest.reference
    assert reference is not None
    return write_with_heads(package, renamed, origin="a test", reference=reference, out=folder)
