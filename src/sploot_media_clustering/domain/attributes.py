"""Attributes: what a person would tick off about a picture, as calibrated probabilities.

Each group is a multinomial logistic regression on the cues of :mod:`.cues`; the coat, which is the animal's
and not the picture's, comes from :mod:`.coats`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from jaxtyping import Float32
from scipy.special import softmax

ABSENT: Final = "absent"
PRESENT: Final = "present"

_CHOICES: Final = {
    "view": ("front", "three_quarter", "side", "back", "top", "hidden"),
    "eyes": ("open", "closed", "not_seen"),
    "activity": ("sleeping", "lying", "sitting", "standing", "moving", "playing", "eating", "held"),
    "framing": ("face", "half", "full", "far"),
    "setting": ("indoors", "outdoors", "studio"),
}
COMPANIONS: Final = ("person", "animal")
FLAWS: Final = ("blur", "dark", "bright", "cut", "occluded", "lowres", "tilted", "text", "edited")

VOCABULARY: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    _CHOICES | dict.fromkeys((*COMPANIONS, *FLAWS), (ABSENT, PRESENT))
)
"""Values of each group that people tick for a photo; exactly one value of a group holds."""

COAT: Final = "coat"
OTHER_COAT: Final = "other"
COATS: Final = ("black", "black_and_white", "brown_and_white", "ginger", "grey", "light", "tabby", OTHER_COAT)
"""Coats with a plain word of their own. ``black_and_white`` may have tan marks, ``light`` is white, cream or
fawn, ``tabby`` is grey or brown, with white or without; every other coat is ``other``."""

GROUPS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType({**VOCABULARY, COAT: COATS})
"""All groups, in the order of every attribute vector: those of ``VOCABULARY``, then the coat."""

KIND_GROUPS: Final = (*_CHOICES, *COMPANIONS)
"""The groups that make a kind of picture; flaws make a bad one."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """One value of one group, e.g. ``activity`` ``sleeping``."""

    group: str
    value: str


ATTRIBUTES: Final = tuple(Attribute(group, value) for group, values in GROUPS.items() for value in values)
"""What each entry of an attribute vector is the probability of."""

TICKED: Final = ATTRIBUTES[: -len(COATS)]
"""The attributes that people tick for a photo: all but the coats."""


_PLACES: Final = {(attribute.group, attribute.value): i for i, attribute in enumerate(ATTRIBUTES)}


def column(group: str, value: str = PRESENT) -> int:
    """Place of a value in every attribute vector.

    Raises:
        KeyError: there is no such attribute.
    """
    return _PLACES[group, value]


def columns_of(group: str) -> slice:
    """Places of a group's values in every attribute vector."""
    start = column(group, GROUPS[group][0])
    return slice(start, start + len(GROUPS[group]))


@dataclass(frozen=True, slots=True, eq=False)
class AttributeHead:
    """Linear logits of every attribute, already divided by each group's temperature.

    Attributes:
        attributes: what each row predicts; of one group after the other, as in :data:`TICKED`.
        weight: shape [a, c], float32.
        bias: shape [a], float32.
    """

    attributes: tuple[Attribute, ...]
    weight: Float32[np.ndarray, "a c"]
    bias: Float32[np.ndarray, " a"]

    def __post_init__(self) -> None:
        if self.attributes != TICKED:
            raise ValueError(
                f"expected a head of the {len(TICKED)} attributes of this release, got one of "
                f"{len(self.attributes)} that differ; fit it again"
            )

    def probabilities(self, cues: Float32[np.ndarray, "*n c"]) -> Float32[np.ndarray, "*n a"]:
        """Probability of every ticked attribute; those of one group sum to 1."""
        logits = cues @ self.weight.T + self.bias
        groups = [softmax(logits[..., columns_of(group)], axis=-1) for group in VOCABULARY]
        return np.concatenate(groups, axis=-1)
