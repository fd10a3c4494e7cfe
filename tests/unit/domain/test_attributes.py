"""Attributes: the layout of every attribute vector, and the head that fills it."""

from __future__ import annotations

import numpy as np
import pytest

from sploot_media_clustering.domain.attributes import (
    ATTRIBUTES,
    TICKED,
    VOCABULARY,
    AttributeHead,
    column,
    columns_of,
)


def head(seed: int = 0) -> AttributeHead:
    rng = np.random.default_rng(seed)
    size = len(TICKED)
    return AttributeHead(
        TICKED, rng.normal(size=(size, 5)).astype(np.float32), rng.normal(size=size).astype(np.float32)
    )


def test_columns_follow_the_vocabulary() -> None:
    """Each entry of a vector is where :func:`column` and :func:`columns_of` say."""
    for group, values in VOCABULARY.items():
        part = columns_of(group)
        assert [ATTRIBUTES[i].value for i in range(part.start, part.stop)] == list(values)
        assert all(ATTRIBUTES[column(group, value)].group == group for value in values)


def test_an_unknown_attribute_is_an_error() -> None:
    """A misspelt name never reads another column."""
    with pytest.raises(KeyError):
        column("view", "upside_down")


def test_probabilities_of_a_group_sum_to_one_and_batches_agree() -> None:
    """One photo or many, the same numbers."""
    cues = np.random.default_rng(1).normal(size=(7, 5)).astype(np.float32)
    found = head().probabilities(cues)
    for group in VOCABULARY:
        assert found[:, columns_of(group)].sum(1) == pytest.approx(np.ones(7), abs=1e-5)
    assert head().probabilities(cues[3]) == pytest.approx(found[3], abs=1e-6)


def test_a_head_of_other_attributes_is_refused() -> None:
    """Its columns would be misread."""
    good = head()
    with pytest.raises(ValueError, match="fit it again"):
        AttributeHead(TICKED[1:], good.weight[1:], good.bias[1:])
