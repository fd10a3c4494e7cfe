"""Jobs as the command hands them in."""

from __future__ import annotations

import pytest
import typer

from sploot_media_clustering.entrypoints.cli.jobs import leave_unless_well, photo_jobs, print_failures
from sploot_media_clustering.errors import InputError
from sploot_media_clustering.services.answer import FailedImage
from sploot_media_clustering.services.desk import JobState
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


FAILED = tuple(FailedImage(image_id=f"{n}.jpg", error="E", message="no such file") for n in range(3))


def test_a_reason_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    """With how many photos it holds for."""
    print_failures(FAILED)
    assert "0.jpg and 2 more: no such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("status", "photos", "code"), [("dead", 9, 1), ("done", 3, 3), ("running", 9, 5), ("done", 9, None)]
)
def test_what_went_wrong_is_told_by_the_exit_code(status: str, photos: int, code: int | None) -> None:
    """Given up, nothing could be read, not waited for long enough; some failed photos are no failure."""
    states = [JobState(job_id="a", pet_id="milo", status=status, failed_images=FAILED)]  # type: ignore[arg-type]
    if code is None:
        leave_unless_well(states, photos=photos, waited=True)
        return
    with pytest.raises(typer.Exit) as left:
        leave_unless_well(states, photos=photos, waited=True)
    assert left.value.exit_code == code
