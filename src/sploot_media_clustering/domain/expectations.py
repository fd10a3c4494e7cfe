"""What is expected of an album before it is seen: how far photos scatter, how many animals there are."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, eq=False)
class ScaleSearch:
    """Which within-scales are tried, and how far from the expected one an album may be.

    The prior is worth a share of each photo, however many there are: what the photos of an album say of its
    scale is as overconfident as they are many, and a prior of fixed worth would soon say nothing.

    Attributes:
        grid: ascending values of w.
        spread: standard deviation of log w, as far as one photo can tell.
        expected: the most likely w.
    """

    grid: tuple[float, ...]
    spread: float
    expected: float = 1.0

    def log_prior(self, within: float, photos: float) -> float:
        """Log density of a scale, up to a constant.

        Args:
            within: the scale.
            photos: what the evidence of all photos is worth.
        """
        return -0.5 * photos * (math.log(within / self.expected) / self.spread) ** 2


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
