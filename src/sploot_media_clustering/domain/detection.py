"""Which of a detector's many boxes are animals: suppression, second chances, species, crops.

A detector draws a dozen boxes around every animal, some around its head or its tail alone, and now and then
one around two animals. A first animal is believed easily (the owner took the photo of something). A second
one in the same photo must lie mostly outside the first, and several boxes must agree on it: around a real
animal they pile up, around a tail or a vase there are one or two.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float32

from sploot_media_clustering.domain.album import SPECIES, WHOLE, Box

_PETS: Final = [SPECIES.index("cat"), SPECIES.index("dog")]

CROP_MARGIN: Final = 0.1
"""Added to the longer side of a box, so that ears and paws at its edge stay in the crop."""
MIN_CROP_SHARE: Final = 0.05
"""Of the photo's longer side: a smaller crop would be a few blurred pixels."""

WIDE_ASPECT: Final = 1.9
"""Beyond 16:9 a square input squeezes animals thin: of pairs of cats side by side in pictures wider than 1.6,
half of those missed are found again by looking at the halves too."""
_HALF: Final = 0.55
"""Share of the longer side that a half covers: the two overlap, so that an animal in the middle is whole in
one."""
_EDGE: Final = 0.02
"""A box that ends this close to the cut (share of the half) is a part of something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionThresholds:
    """When a box is believed; the defaults come from ``sploot_media_clustering.evaluation.sightings``.

    Attributes:
        first: score of a photo's best box.
        second: score of every further box.
        support: sum of the scores of all boxes that agree with a further box, its own among them.
        agreement: intersection over union from which on two boxes agree.
        overlap: intersection over union with a better box from which on both show one animal.
        containment: share of the smaller of two boxes that lies in the other, from which on it is a part of
            it.
        chance: score from which on the best box is believed where the classifier sees a cat or dog in the
            photo.
        chance_classifier: probability of cat or dog that is needed for that.
        whole_frame: probability of cat or dog from which on a photo without a box is one sighting as a whole.
        most: sightings kept of one photo.
    """

    first: float = 0.2
    second: float = 0.2
    support: float = 2.0
    agreement: float = 0.6
    overlap: float = 0.35
    containment: float = 0.85
    chance: float = 0.08
    chance_classifier: float = 0.25
    whole_frame: float = 0.5
    most: int = 12


@dataclass(frozen=True, slots=True)
class Found:
    """An animal's place.

    Attributes:
        box: in fractions of the photo, inside it.
        scores: the detector's, of every species; 0 where the whole frame stands in for a box.
    """

    box: Box
    scores: tuple[float, float, float]

    @property
    def score(self) -> float:
        """The detector's confidence that this is an animal."""
        return max(self.scores)


def find_animals(
    candidates: Sequence[Found],
    classifier: Callable[[], Float32[np.ndarray, " 3"]],
    thresholds: DetectionThresholds,
) -> tuple[Found, ...]:
    """Choose the boxes that are animals.

    Args:
        candidates: of one photo, in any order.
        classifier: probabilities of cat, dog and other animal in the whole photo, from the embedder; not
            asked where the best box is believed without it, which most are.
        thresholds: when a box is believed.

    Returns:
        Best first; no two of them overlap or contain each other beyond the thresholds.
    """
    ranked = sorted(
        (candidate for candidate in candidates if candidate.box.area > 0),
        key=lambda candidate: (-max(candidate.scores), candidate.box),
    )
    believed = bool(ranked) and max(ranked[0].scores) >= thresholds.first
    pet = 0.0 if believed else float(classifier()[_PETS].sum())
    first = thresholds.chance if pet >= thresholds.chance_classifier else thresholds.first
    kept: list[Found] = []
    for candidate in ranked:
        if max(candidate.scores) < (thresholds.second if kept else first) or len(kept) == thresholds.most:
            break
        is_new = not any(_same(candidate.box, found.box, thresholds) for found in kept)
        if is_new and (not kept or _support(candidate, ranked, thresholds) >= thresholds.support):
            kept.append(Found(candidate.box, candidate.scores))
    if not kept and pet >= thresholds.whole_frame:
        kept.append(Found(WHOLE, (0.0, 0.0, 0.0)))
    return tuple(kept)


def _support(candidate: Found, candidates: Sequence[Found], thresholds: DetectionThresholds) -> float:
    return sum(
        max(other.scores) for other in candidates if other.box.overlap(candidate.box) >= thresholds.agreement
    )


def _same(one: Box, other: Box, thresholds: DetectionThresholds) -> bool:
    return one.overlap(other) >= thresholds.overlap or one.containment(other) >= thresholds.containment


DETECTOR_DOUBT: Final = 0.1
CLASSIFIER_DOUBT: Final = 0.03
SPECIES_PRIOR: Final = (2.0, 1.0, 0.2)
SPECIES_POWER: Final = 0.7
"""With these, a tenth of the sightings of every labelled set but one are told wrongly at most, and of those
that are, few with a probability above 0.7 (4 % of campus_cats, many of them black cats; under 1 % elsewhere
but for mixed_homes). ImageNet has 118 breeds of dogs and 5 of cats, hence the prior."""


def species_of(
    scores: tuple[float, float, float], classifier: Float32[np.ndarray, " 3"]
) -> Float32[np.ndarray, " 3"]:
    """What animal a sighting is, from the detector and the classifier of its crop together.

    Both are softened by a doubt, multiplied as independent witnesses, and flattened because they are not.

    Args:
        scores: the detector's, of cat, dog, other animal.
        classifier: probabilities of the same, which may sum to less than 1.

    Returns:
        Probabilities that sum to 1.
    """
    witnesses = (np.array(scores) + DETECTOR_DOUBT) * (classifier + CLASSIFIER_DOUBT)
    odds = np.array(SPECIES_PRIOR) * witnesses**SPECIES_POWER
    return (odds / odds.sum()).astype(np.float32)


def square_crop(box: Box, aspect: float) -> Box:
    """The crop of an animal: square in pixels around its box where the photo allows, else cut at its edges.

    Args:
        box: of the animal.
        aspect: width of the photo in pixels over its height.
    """
    half = max(box.width * aspect, box.height) * (1 + CROP_MARGIN) / 2
    half = max(half, MIN_CROP_SHARE * max(aspect, 1.0) / 2)
    x, y = (box.left + box.right) / 2, (box.top + box.bottom) / 2
    return Box(
        max(x - half / aspect, 0.0), max(y - half, 0.0), min(x + half / aspect, 1.0), min(y + half, 1.0)
    )


def windows(aspect: float) -> tuple[Box, ...]:
    """Where to look for animals: the whole photo, and both halves of one that is very wide or very tall."""
    if max(aspect, 1 / aspect) <= WIDE_ASPECT:
        return (WHOLE,)
    if aspect > 1:
        return (WHOLE, Box(0.0, 0.0, _HALF, 1.0), Box(1 - _HALF, 0.0, 1.0, 1.0))
    return (WHOLE, Box(0.0, 0.0, 1.0, _HALF), Box(0.0, 1 - _HALF, 1.0, 1.0))


def in_photo(box: Box, window: Box) -> Box | None:
    """A box found in a window as a box of the photo; None where the window cut it off."""
    cut = (
        (window.left > 0 and box.left < _EDGE)
        or (window.top > 0 and box.top < _EDGE)
        or (window.right < 1 and box.right > 1 - _EDGE)
        or (window.bottom < 1 and box.bottom > 1 - _EDGE)
    )
    if cut:
        return None
    return Box(
        window.left + box.left * window.width,
        window.top + box.top * window.height,
        window.left + box.right * window.width,
        window.top + box.bottom * window.height,
    )
