"""Intruders: who is in the main subject, who is kept out, who is lost."""

from __future__ import annotations

import numpy as np
import pytest
from judged_home import embedding_of, judged_home, labelled
from strategies_album import tree_model

from sploot_media_clustering.domain.level import ASIDE
from sploot_media_clustering.domain.tree import AlbumState
from sploot_media_clustering.evaluation.albums import settled_album
from sploot_media_clustering.evaluation.foreign import (
    SHARES,
    evaluate_foreign,
    foreign_outcome,
    judged_album,
)


class Placed(AlbumState):
    """An album whose sightings are where a test put them."""

    def subject_labels(self) -> np.ndarray:
        return np.array([int(name) for name in self.names], np.int64)  # type: ignore[arg-type]


def placed(labels: list[int]) -> tuple[AlbumState, list[str]]:
    home = judged_home(animals=1, photos=len(labels))
    photos = [home.photos[row] for row in home.animals[0]]
    state = settled_album(photos, tree_model())
    fields = {name: getattr(state, name) for name in AlbumState.__dataclass_fields__}
    fields |= {"subject_ids": ("a", "b"), "names": tuple(str(label) for label in labels)}
    return Placed(**fields), [photo.image_id for photo in state.photos]


def test_the_main_subject_is_where_most_own_photos_are() -> None:
    """Two of four own photos are outside it, one of two intruders is inside."""
    state, names = placed([0, 0, 1, ASIDE, 0, 1])
    found = judged_album(state, frozenset(names[:4]))
    assert found.lost == 0.5
    assert found.kept_out == 0.5
    assert found.contamination == pytest.approx(1 / 3)


def test_without_intruders_nothing_is_kept_out() -> None:
    """There is no share of none."""
    state, names = placed([0, 0, 0])
    assert judged_album(state, frozenset(names)).kept_out is None


def test_animals_far_apart_keep_intruders_out() -> None:
    """The whole protocol on an easy set."""
    home = judged_home(animals=4, photos=8)
    found = evaluate_foreign(
        [home],
        labelled(home),
        {key: embedding_of(home.photos[row]) for row, key in enumerate(home.vectors.keys)},
        animals=2,
    )
    outcome = foreign_outcome(found)
    for share in SHARES:
        percent = f"{100 * share:.0f}"
        assert (outcome.value("home", f"kept_out_{percent}") or 0.0) > 0.9
        assert (outcome.value("home", f"lost_{percent}") or 0.0) < 0.1


def test_more_intruders_are_more() -> None:
    """A fifth of an album is more than a twentieth."""
    home = judged_home(animals=4, photos=8)
    few, many = (
        sum(album.kept_out is not None for album in albums if album.share == share)
        for albums in evaluate_foreign([home], labelled(home), {}, animals=2).values()
        for share in (SHARES[0], SHARES[-1])
    )
    assert few < many


def test_a_set_without_large_albums_tells_nothing() -> None:
    """Three photos can't hold a tenth of intruders."""
    home = judged_home(animals=2, photos=3)
    assert foreign_outcome(evaluate_foreign([home], labelled(home), {})).value("home", "kept_out_10") is None
