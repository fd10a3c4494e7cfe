from __future__ import annotations

import hashlib

from sploot_media_clustering.services.canary import canary_picture


def test_the_canary_is_the_same_everywhere() -> None:
    """Manifests state what networks make of these very bytes."""
    digest = hashlib.sha256(canary_picture(224).tobytes()).hexdigest()
    assert digest[:16] == "b790ec703bb85d57"


def test_the_canary_is_of_the_size_asked_for() -> None:
    """One drawing serves networks of any input size."""
    assert canary_picture(64).shape == (64, 64, 3)
