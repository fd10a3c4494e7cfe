"""What kind of picture it is and how good: all heads of one sighting that are not about identity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float32

from sploot_media_clustering.domain.album import SightingEmbedding
from sploot_media_clustering.domain.attributes import KIND_GROUPS, AttributeHead, columns_of
from sploot_media_clustering.domain.coats import CoatHead, no_coat
from sploot_media_clustering.domain.cues import cues
from sploot_media_clustering.domain.heads import TwoCovarianceHead
from sploot_media_clustering.domain.hero import AppealHead, HeroModel
from sploot_media_clustering.domain.look_words import WordHead
from sploot_media_clustering.domain.signals import Seen, SignalScale, signals

_WORD_SHARE: Final = np.float32(2.0)
"""Of words beside attributes: they are fitted on looks themselves. Between 2 and 4 looks are equally good."""

_KINDS: Final = np.concatenate([np.arange(part.start, part.stop) for part in map(columns_of, KIND_GROUPS)])


def look_features(
    x: Float32[np.ndarray, "*n f"],
    attributes: Float32[np.ndarray, "*n a"],
    words: Float32[np.ndarray, "*n w"] | None = None,
) -> Float32[np.ndarray, "*n k"]:
    """What the look head reads: the feature vector, and the root of each probability of a kind of picture.

    Roots make the distance between two distributions Hellinger's, as they do for embeddings.

    Args:
        x: feature vectors.
        attributes: probabilities, in the order of ``ATTRIBUTES``.
        words: probabilities of the words by which looks are named, where a head of them was fitted.
    """
    said = [] if words is None else [_WORD_SHARE * np.sqrt(words)]
    return np.concatenate([x, np.sqrt(attributes[..., _KINDS]), *said], axis=-1)


@dataclass(frozen=True, slots=True, eq=False)
class Described:
    """What the heads say of one sighting.

    Attributes:
        attributes: probabilities, in the order of ``ATTRIBUTES``.
        look: look vector, not yet centred on the subject.
        signals: in the order of ``SIGNALS``.
    """

    attributes: Float32[np.ndarray, " a"]
    look: Float32[np.ndarray, " l"]
    signals: Float32[np.ndarray, " s"]


@dataclass(frozen=True, slots=True, eq=False)
class PictureHeads:
    """The heads of looks and heroes; part of a model package.

    Attributes:
        attributes: what a person would tick off.
        appeal: what people would pick.
        scale: of the signals.
        hero: weights of the signals.
        look: projection to look vectors.
        coat: what the animal wears, or None where nobody told it of the labelled animals.
        words: by which people name looks, or None where too few names have a word in common.
    """

    attributes: AttributeHead
    appeal: AppealHead
    scale: SignalScale
    hero: HeroModel
    look: TwoCovarianceHead
    coat: CoatHead | None = None
    words: WordHead | None = None

    def describe(self, x: Float32[np.ndarray, " f"], sighting: SightingEmbedding) -> Described:
        """Everything about one sighting but whose it is.

        Args:
            x: feature vector of the photo and this sighting's crop.
            sighting: as the networks saw it.
        """
        read = cues(x, sighting.box, sighting.detector_score, sighting.pixels)
        attributes = self.attributes.probabilities(read)
        seen = seen_as(sighting, attributes, float(self.appeal.appeal(read)))
        coat = self.coat.probabilities(x) if self.coat else no_coat()
        words = self.words.probabilities(read) if self.words else None
        return Described(
            attributes=np.concatenate([attributes, coat]),
            look=self.look.project(look_features(x, attributes, words)),
            signals=signals(seen, self.scale),
        )


def seen_as(sighting: SightingEmbedding, attributes: Float32[np.ndarray, " a"], appeal: float) -> Seen:
    """A sighting as its signals are worked out from it."""
    return Seen(
        box=sighting.box,
        detector_score=sighting.detector_score,
        pixels=sighting.pixels,
        norm=float(np.linalg.norm(sighting.embedding.astype(np.float32))),
        attributes=attributes,
        appeal=appeal,
    )
