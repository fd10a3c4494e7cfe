"""A tuning as a picture: how animals left out were told apart, what was learned, what it gained.

Needs matplotlib, of the extra ``lora``.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SIZE_IN: Final = (13.0, 4.2)
_DPI: Final = 110
_BEFORE, _AFTER = "#9a948c", "#2f6f9f"
_CURVES: Final = {
    "told_apart": "animals left out, told apart",
    "loss": "loss",
}


def drawn(curves: Mapping[str, Any]) -> bytes:
    """The picture as a PNG.

    Args:
        curves: what ``tuning.json`` tells: looks of each fold, and figures of each set before and after.
    """
    figure = Figure(figsize=_SIZE_IN, layout="constrained")
    FigureCanvasAgg(figure)
    left, middle, right = figure.subplots(1, 3)
    for axes, (name, title) in zip((left, middle), _CURVES.items(), strict=True):
        _draw_curves(axes, curves, name, title)
    _draw_sets(right, curves["sets"])
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=_DPI)
    return data.getvalue()


def _draw_curves(axes: Axes, curves: Mapping[str, Any], name: str, title: str) -> None:
    for fold in curves["folds"]:
        axes.plot(
            [look["step"] for look in fold["looks"]],
            [look[name] for look in fold["looks"]],
            marker="o",
            label=f"without {', '.join(fold['left_out'])}",
        )
    axes.set_title(title)
    axes.set_xlabel("step")
    axes.legend(fontsize="small")


def _draw_sets(axes: Axes, sets: Mapping[str, Mapping[str, float | None]]) -> None:
    rows = list(range(len(sets)))
    for when, colour in (("before", _BEFORE), ("after", _AFTER)):
        shares = [math.nan if (share := one[when]) is None else share for one in sets.values()]
        axes.scatter(shares, rows, color=colour, label=when)
    axes.set_yticks(rows, list(sets))
    axes.set_title("sets left out: pairs in the right order")
    axes.legend(fontsize="small")
