"""Jobs as the command hands them in."""

from __future__ import annotations

import pytest

from sploot_media_clustering.entrypoints.cli.jobs import photo_jobs
from sploot_media_clustering.errors import InputError
from sploot_media_clustering.services.job_request import JobImage

IMAGES = (JobImage(image_id="1.jpg", uri="file:///photos/1.jpg"),)


@pytest.mark.parametrize(
    ("pet", "job"), [("my cat", "job"), ("milo", "my job"), ("milo\n", "job"), ("", "job")]
)
def test_a_name_that_the_service_would_not_take_is_told_in_words(pet: str, job: str) -> None:
    """Not by a regular expression."""
    with pytest.raises(InputError, match=r"letters, digits .* without spaces, such as my-cat"):
        photo_jobs(pet, IMAGES, job)
    assert photo_jobs("my-cat", IMAGES, "job")[0].pet_id == "my-cat"
