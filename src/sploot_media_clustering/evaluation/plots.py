"""Drawings as SVG, inline in a page: colours are the page's, by class, so that light and dark both work."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from sploot_media_clustering.evaluation.outcome import Matrix, Plot, Series

COLOURS: Final = 8
"""Classes ``c0`` to ``c7`` of the page; further series begin again."""

_WIDTH: Final = 640
_HEIGHT: Final = 380
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 16, 12, 46
_TICKS: Final = 6
_LINE: Final = 13
"""Height of a label: two of them are not put closer."""

_LETTER: Final = 7.6
"""Mean width of a letter of a label."""

_CELL: Final = 20
_NAME: Final = 7.4
_MOST_NAME: Final = 18
_SHOWN: Final = 0.02
"""Shares below it are left white: one pair of fifty."""


@dataclass(frozen=True, slots=True)
class Scale:
    """From values to pixels.

    Attributes:
        low: value at ``start``.
        high: value at ``end``.
        start: pixel.
        end: pixel.
        logarithmic: equal factors are equal distances.
    """

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def __call__(self, value: float) -> float:
        """The pixel of a value."""
        low, high, at = self.low, self.high, value
        if self.logarithmic:
            low, high, at = math.log(low), math.log(high), math.log(max(value, self.low))
        return self.start + (at - low) / (high - low) * (self.end - self.start)

    def ticks(self) -> list[float]:
        """Round values inside the scale."""
        if self.logarithmic:
            powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            values = [step * 10.0**power for power in powers for step in (1, 3)]
            return [value for value in values if self.low <= value <= self.high]
        step = _round_step((self.high - self.low) / _TICKS)
        first = math.ceil(self.low / step - 1e-9)
        return [step * i for i in range(first, math.floor(self.high / step + 1e-9) + 1)]


def legend(plot: Plot) -> tuple[tuple[str, int], ...]:
    """What each colour stands for: name and number of the colour."""
    names = tuple(dict.fromkeys(series.kind or series.name for series in plot.series))
    return tuple((name, i % COLOURS) for i, name in enumerate(names))


def drawn(plot: Plot) -> str:
    """A plot as an SVG element."""
    x, y = _scales(plot)
    colour = dict(legend(plot))
    parts = [_axes(plot, x, y)]
    if plot.kind == "reliability":
        low, high = max(x.low, y.low), min(x.high, y.high)
        parts.append(_path([(low, low), (high, high)], x, y, "ideal"))
    for series in plot.series:
        shade = f"c{colour[series.kind or series.name]}"
        if plot.kind != "scatter":
            parts.append(_path(series.points, x, y, f"line {shade}"))
        parts += [_dot(x(a), y(b), shade, f"{series.name}: {a:g}, {b:g}") for a, b in series.points]
    if plot.kind == "scatter":
        parts.append(_labels(plot.series, x, y))
    return _svg(_WIDTH, _HEIGHT, plot.title, "".join(parts))


def shaded(matrix: Matrix) -> str:
    """A matrix as an SVG element: shares as shades, those of a thing with itself in grey."""
    names = [name if len(name) <= _MOST_NAME else f"{name[: _MOST_NAME - 1]}…" for name in matrix.names]
    margin = round(max((len(name) for name in names), default=0) * _NAME) + 12
    side = _CELL * len(names)
    parts = []
    for row, name in enumerate(names):
        middle = margin + _CELL * row + _CELL / 2
        parts.append(f'<text class="end" x="{margin - 6}" y="{middle + 4:.0f}">{escape(name)}</text>')
        parts.append(
            f'<text transform="translate({middle + 4:.0f} {margin - 6}) rotate(-90)">{escape(name)}</text>'
        )
        for column, value in enumerate(matrix.values[row]):
            kind = "self" if row == column else "other"
            told = f"{matrix.names[row]}, {matrix.names[column]}: {value:.0%}"
            parts.append(
                f'<rect class="{kind}" x="{margin + _CELL * column}" y="{margin + _CELL * row}" '
                f'width="{_CELL - 1}" height="{_CELL - 1}" '
                f'style="--share:{value if value >= _SHOWN else 0:.3f}"><title>{escape(told)}</title></rect>'
            )
    return _svg(margin + side + 8, margin + side + 8, matrix.title, "".join(parts))


def _svg(width: float, height: float, title: str, inside: str) -> str:
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-label="{escape(title)}">{inside}</svg>'
    )


def _scales(plot: Plot) -> tuple[Scale, Scale]:
    xs = [a for series in plot.series for a, _ in series.points] or [0.0, 1.0]
    ys = [b for series in plot.series for _, b in series.points] or [0.0, 1.0]
    if plot.kind == "reliability":
        low = min(*xs, *ys)
        both = (max(math.floor(low * 10) / 10, 0.0), 1.0)
        x_ends, y_ends = both, both
    else:
        x_ends, y_ends = _widened(xs, logarithmic=plot.logarithmic), _widened(ys, logarithmic=False)
    x = Scale(*x_ends, _LEFT, _WIDTH - _RIGHT, plot.logarithmic)
    return x, Scale(*y_ends, _HEIGHT - _BOTTOM, _TOP)


def _widened(values: Sequence[float], *, logarithmic: bool) -> tuple[float, float]:
    """Ends with a little room on both sides."""
    low, high = min(values), max(values)
    if logarithmic:
        return low / 1.6, high * 1.9
    room = 0.06 * (high - low) or 0.05
    step = _round_step((high - low + 2 * room) / _TICKS)
    start, end = step * math.floor((low - room) / step), step * math.ceil((high + room) / step)
    # Shares and scores that keep to [0, 1] do not get an axis that goes on.
    return (0.0 if start < 0.0 <= low else start), (1.0 if high <= 1.0 < end else end)


def _round_step(step: float) -> float:
    power = 10.0 ** math.floor(math.log10(step))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step * (1 - 1e-9))


def _axes(plot: Plot, x: Scale, y: Scale) -> str:
    parts = []
    for value in y.ticks():
        at = y(value)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>')
        parts.append(f'<text class="end soft" x="{_LEFT - 8}" y="{at + 4:.1f}">{_told(value)}</text>')
    for value in x.ticks():
        at, bottom = x(value), _HEIGHT - _BOTTOM
        parts.append(f'<line class="grid" x1="{at:.1f}" x2="{at:.1f}" y1="{_TOP}" y2="{bottom}"/>')
        parts.append(f'<text class="middle soft" x="{at:.1f}" y="{bottom + 17}">{_told(value)}</text>')
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts.append(f'<text class="middle" x="{middle:.0f}" y="{_HEIGHT - 8}">{escape(plot.x)}</text>')
    height = (_TOP + _HEIGHT - _BOTTOM) / 2
    parts.append(
        f'<text class="middle" transform="translate(14 {height:.0f}) rotate(-90)">{escape(plot.y)}</text>'
    )
    return "".join(parts)


def _told(value: float) -> str:
    return f"{value:.6g}" if abs(value) > 1e-9 else "0"  # noqa: PLR2004 - rounding of a tick at zero


def _path(points: Sequence[tuple[float, float]], x: Scale, y: Scale, kind: str) -> str:
    steps = " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in points)
    return f'<polyline class="{kind}" points="{steps}"/>'


def _dot(x: float, y: float, shade: str, told: str) -> str:
    return f'<circle class="{shade}" cx="{x:.1f}" cy="{y:.1f}" r="4"><title>{escape(told)}</title></circle>'


def _labels(series: Sequence[Series], x: Scale, y: Scale) -> str:
    """Names beside single points: each as near as no other label is in the way."""
    taken: list[tuple[float, float, float, float]] = [
        (x(a) - 4, y(b) - 4, x(a) + 4, y(b) + 4) for one in series for a, b in one.points
    ]
    parts = []
    for one in series:
        for a, b in one.points:
            box, anchor = _free_place(x(a), y(b), len(one.name) * _LETTER, taken)
            if box is None:
                continue
            taken.append(box)
            at = box[0] if anchor == "start" else box[2]
            parts.append(
                f'<text class="{anchor} label" x="{at:.1f}" y="{box[3] - 3:.1f}">{escape(one.name)}</text>'
            )
    return "".join(parts)


def _free_place(
    x: float, y: float, width: float, taken: Sequence[tuple[float, float, float, float]]
) -> tuple[tuple[float, float, float, float] | None, str]:
    """Where a label has room: right or left of its point, at its height or a little off."""
    for shift in (0, -8, 8, -14, 14, -20, 20):
        top = y - _LINE / 2 + shift
        for anchor, left in (("start", x + 7), ("end", x - 7 - width)):
            box = (left, top, left + width, top + _LINE)
            inside = box[0] >= _LEFT and box[2] <= _WIDTH and _TOP - 6 <= top <= _HEIGHT - _BOTTOM - _LINE
            if inside and not any(_overlap(box, other) for other in taken):
                return box, anchor
    return None, "start"


def _overlap(one: tuple[float, float, float, float], two: tuple[float, float, float, float]) -> bool:
    return one[0] < two[2] and two[0] < one[2] and one[1] < two[3] and two[1] < one[3]
