"""What the command says of an album."""

from __future__ import annotations

import sample_answers as sample
from msgspec.structs import replace

from sploot_media_clustering.entrypoints.cli.table import of_one_name
from sploot_media_clustering.services.decision_records import Said, Sighted

ELSEWHERE = (0.6, 0.6, 0.9, 0.9)


def test_two_of_one_name_are_told_with_the_photos_that_show_both() -> None:
    """Since a photo of both speaks against their being one; none is named where there is none."""
    milo = replace(sample.cluster("a", None, "Cat", [(str(n), 1) for n in range(9)], ["1"]), name="Milo")

    def told(*image_ids: str) -> str:
        seen = tuple(Sighted(image_id=part, box=ELSEWHERE) for part in image_ids)
        return of_one_name(milo, Said(kind="name", sightings=seen, name="milo"), apart=False)

    already = "There was a Milo already (9 photos): the two are one animal now"
    assert told("x", "y") == already
    assert told("x", "3") == f"{already}, though both are on 1 photo (3)"
    assert told(*"0123456x") == f"{already}, though both are on 7 photos (0, 1, 2, 3, 4 and 2 more)"
