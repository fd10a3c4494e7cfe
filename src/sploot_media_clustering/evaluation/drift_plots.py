"""Drift as a picture: effects, distributions of what changed most, and albums before and now.

Needs the extra ``evaluation``.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from jaxtyping import Float, Float64
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator, ScalarFormatter

from sploot_media_clustering.domain.drift import Finding, Terms
from sploot_media_clustering.services.drift import AlbumView, DriftReport, Reference

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_EFFECTS: Final = 16
_DISTRIBUTIONS: Final = 4
_SIZE_IN: Final = (13.0, 12.5)
_DPI: Final = 110
_TICKS: Final = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
_BEFORE, _NOW, _ALARM, _CALM = "#2f6f9f", "#c2562f", "#b3261e", "#9a948c"


def drawn(report: DriftReport, reference: Reference, albums: Sequence[AlbumView]) -> bytes:
    """The picture as a PNG.

    Args:
        report: of the comparison.
        reference: that was compared with.
        albums: that were looked at.
    """
    figure = Figure(figsize=_SIZE_IN, layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(3, 4, height_ratios=(1.5, 0.9, 1.3))
    figure.suptitle(
        f"{len(report.alarms) or 'No'} alarms: {report.albums} albums beside the "
        f"{report.reference_albums} of the reference"
    )
    shifts = [one for one in report.findings if one.kind == "figure"]
    spaces = [one for one in report.findings if one.kind == "vectors"]
    _effects(figure.add_subplot(grid[0, :3]), shifts[:_EFFECTS], "standard deviations between albums")
    _effects(figure.add_subplot(grid[0, 3]), spaces, "discrepancy of vectors, 0 to 1")
    for place, one in enumerate(shifts[:_DISTRIBUTIONS]):
        column = reference.names.index(one.name)
        now = np.array([album.figures.get(one.name, np.nan) for album in albums])
        _distribution(figure.add_subplot(grid[1, place]), one, reference.figures[:, column], now)
    for place, space in enumerate(reference.spaces):
        now = np.stack([space.kernel.mean(album.vectors[space.name]) for album in albums])
        axes = figure.add_subplot(grid[2, 2 * place : 2 * place + 2])
        _map(axes, space.name, space.features.astype(np.float64), now)
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=_DPI)
    return data.getvalue()


def _effects(axes: Axes, found: Sequence[Finding], unit: str) -> None:
    names = [one.name for one in found][::-1]
    effects = [one.effect for one in found][::-1]
    axes.barh(names, effects, color=[_ALARM if one.alarm else _CALM for one in found][::-1])
    is_shift = found[0].kind == "figure"
    least = Terms().least_shift if is_shift else Terms().least_discrepancy
    if is_shift:  # another species is twenty deviations away, and the rest is to be seen all the same
        axes.set_xscale("symlog", linthresh=1.0)
        axes.xaxis.set_major_locator(FixedLocator([sign * tick for tick in _TICKS for sign in (-1, 1)]))
        axes.xaxis.set_major_formatter(ScalarFormatter())
        axes.xaxis.set_minor_locator(NullLocator())
    for limit in (-least, least) if any(effect < 0 for effect in effects) else (least,):
        axes.axvline(limit, color="black", linewidth=0.8, linestyle=":")
    axes.axvline(0.0, color="black", linewidth=0.8)
    axes.set_xlabel(unit)
    axes.set_title("Figures; red ones ring" if is_shift else "Photos and animals")


def _distribution(
    axes: Axes, one: Finding, before: Float[np.ndarray, " n"], now: Float[np.ndarray, " m"]
) -> None:
    """Shares of albums up to each value."""
    for values, colour, name in ((before, _BEFORE, "reference"), (now, _NOW, "now")):
        told = np.sort(values[np.isfinite(values)])
        axes.step(
            told, np.arange(1, len(told) + 1) / max(len(told), 1), where="post", color=colour, label=name
        )
    axes.set_ylim(0, 1.02)
    axes.set_title(one.name, fontsize=10)
    axes.set_ylabel("share of albums")
    axes.legend(frameon=False, fontsize=8)


def _map(axes: Axes, name: str, before: Float64[np.ndarray, "n m"], now: Float64[np.ndarray, "k m"]) -> None:
    """Albums on the two axes along which their mean features differ most."""
    parts = [part[part.any(axis=1)] for part in (before, now)]
    mean = np.vstack(parts).mean(axis=0)
    _, _, axis = np.linalg.svd(np.vstack(parts) - mean, full_matrices=False)
    for part, colour, told in zip(parts, (_BEFORE, _NOW), ("reference", "now"), strict=True):
        places = (part - mean) @ axis[:2].T
        axes.scatter(places[:, 0], places[:, 1], s=22, color=colour, alpha=0.7, label=told)
    axes.set_title(f"Albums by their {name}: what is near is alike")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.legend(frameon=False)
