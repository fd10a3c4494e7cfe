"""Why a picture was chosen, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from jaxtyping import Float

from sploot_media_clustering.domain.hero import SCORED, HeroModel

MOST_REASONS: Final = 3
"""More than three are not read."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """What may be said of a signal, and from which value on it is true."""

    text: str
    least: float


PHRASES: Final[Mapping[str, Phrase]] = MappingProxyType(
    {
        "sharpness": Phrase("sharp", 0.5),
        "exposure": Phrase("well lit", 0.6),
        "resolution": Phrase("in full detail", 0.8),
        "size": Phrase("close up", 0.6),
        "framing": Phrase("nothing cut off", 0.8),
        "facing": Phrase("facing the camera", 0.6),
        "eyes": Phrase("eyes open", 0.8),
        "unobstructed": Phrase("nothing in front", 0.8),
        "unmarked": Phrase("no text or filter", 0.8),
        "alone": Phrase("nobody else in the picture", 0.8),
        "distinct": Phrase("clearly to be seen", 0.8),
        "plainness": Phrase("nothing distracting", 0.6),
        "appeal": Phrase("the kind of picture people pick", 0.55),
        "typicality": Phrase("typical of these pictures", 0.55),
        "recency": Phrase("recent", 0.8),
    }
)
"""A signal of a probability is true when it is likely, one of a measure when it is above its middle."""


def reasons(
    scored: Float[np.ndarray, " s"],
    model: HeroModel,
    baseline: Float[np.ndarray, " s"] | None = None,
    most: int = MOST_REASONS,
) -> tuple[str, ...]:
    """What speaks for a picture, the weightiest first: true of it, and more so than of the baseline.

    Appeal goes last, however much it weighs: that people would pick a picture does not say why.

    Args:
        scored: its signals, in the order of ``SCORED``.
        model: that scored it.
        baseline: what it is compared with, by default the usual picture.
        most: how many at most.
    """
    value = dict(zip(SCORED, scored.tolist(), strict=True))
    telling = [
        name
        for name, contribution in model.contributions(scored, baseline)
        if contribution > 0 and value[name] >= PHRASES[name].least
    ]
    telling.sort(key=lambda name: name == "appeal")
    return tuple(PHRASES[name].text for name in telling[:most])


def sentence(why: tuple[str, ...], *, in_moment: int = 1, in_cluster: int = 1) -> str:
    """Reasons as one sentence: *Sharp, facing the camera; the best of 4 from this moment* and a full stop.

    Args:
        why: from :func:`reasons`.
        in_moment: pictures of the same moment in the cluster, this one included.
        in_cluster: pictures in the cluster; said where no reason can be given.
    """
    if in_moment > 1:
        place = f"the best of {in_moment} from this moment"
    elif not why:
        place = f"the best of {in_cluster}" if in_cluster > 1 else "the only picture"
    else:
        place = ""
    text = "; ".join(part for part in (", ".join(why), place) if part)
    return text[0].upper() + text[1:] + "."
