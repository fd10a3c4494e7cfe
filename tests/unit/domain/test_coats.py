"""The coat head, and what is said without one."""

from __future__ import annotations

import numpy as np
import pytest

from sploot_media_clustering.domain.attributes import COATS, OTHER_COAT
from sploot_media_clustering.domain.coats import CoatHead, no_coat


def test_probabilities_sum_to_one_and_batches_agree() -> None:
    """One sighting or many, the same numbers."""
    rng = np.random.default_rng(0)
    head = CoatHead(
        COATS, rng.normal(size=(len(COATS), 5)).astype(np.float32), np.zeros(len(COATS), np.float32)
    )
    x = rng.normal(size=(4, 5)).astype(np.float32)
    found = head.probabilities(x)
    assert found.sum(1) == pytest.approx(np.ones(4), abs=1e-6)
    assert head.probabilities(x[2]) == pytest.approx(found[2], abs=1e-6)


def test_a_head_of_other_coats_is_refused() -> None:
    """Its rows would be misread."""
    with pytest.raises(ValueError, match="fit it again"):
        CoatHead(COATS[1:], np.zeros((len(COATS) - 1, 5), np.float32), np.zeros(len(COATS) - 1, np.float32))


def test_without_a_head_nothing_is_said() -> None:
    """All certainty lies on what has no name."""
    assert dict(zip(COATS, no_coat().tolist(), strict=True))[OTHER_COAT] == no_coat().sum() == 1.0
