"""What is expected of an album before it is seen: how far photos scatter, how many animals there are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

_USUAL_PHOTOS: Final = 20.0
_FEWEST: Final = 3.0
_MOST: Final = 100.0
"""Beyond these the expected scale changes no more: households of labelled sets have 6 to 130 photos."""


@dataclass(frozen=True, slots=True, eq=False)
class ScaleSearch:
    """Which within-scales are tried, and how far from the expected one an album may be.

    The prior is worth a share of each photo, however many there are: what the photos of an album say of its
    scale is as overconfident as they are many, and a prior of fixed worth would soon say nothing. A few
    photos are often of few occasions and lie closer together than many: a larger album is expected to be
    wider.

    Attributes:
        grid: ascending values of w.
        spread: standard deviation of log w, as far as one photo can tell.
        expected: the most likely w of an album of twenty photos.
        growth: exponent by which that rises with the number of photos.
    """

    grid: tuple[float, ...]
    spread: float
    expected: float = 1.0
    growth: float = 0.0

    def expected_of(self, photos: float) -> float:
        """The most likely scale of an album whose photos' evidence is worth so much."""
        return self.expected * (min(max(photos, _FEWEST), _MOST) / _USUAL_PHOTOS) ** self.growth

    def log_prior(self, within: float, photos: float) -> float:
        """Log density of a scale, up to a constant.

        Args:
            within: the scale.
            photos: what the evidence of all photos is worth.
        """
        return -0.5 * photos * (math.log(within / self.expected_of(photos)) / self.spread) ** 2


@dataclass(frozen=True, slots=True, eq=False)
class CountHint:
    """What an owner said about the number of components: a prior that sharpens, not a command.

    Attributes:
        low: fewest components of two photos or more that fit the hint.
        high: most that fit.
        strength: log prior lost for each component too few or too many.
    """

    low: int
    high: int
    strength: float

    def log_prior(self, components: int) -> float:
        """Log prior of a number of components, 0 inside the range."""
        return -self.strength * (max(self.low - components, 0) + max(components - self.high, 0))
