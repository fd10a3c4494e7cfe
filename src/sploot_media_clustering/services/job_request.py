"""A job as callers hand it in over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from msgspec import structs

from sploot_media_clustering.services.lanes import LANE_NAMES, require_lane
from sploot_media_clustering.services.uri_policy import MAX_URI_CHARACTERS

NAME_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9._:@=+-]{0,127}$"
"""Of names that stand in keys of the store, in paths and in logs."""
_AT_THE_END: Final = r"(?!\n)"
"""Python's ``$`` matches before a final line feed as well, other engines' doesn't."""
MAX_IMAGES: Final = 1000
"""Of one job: more photos come in several, which are worked on side by side."""
MAX_IMAGE_ID_CHARACTERS: Final = 512
_PRINTABLE: Final = r"^[^\x00-\x1f\x7f]+$"
_MAX_ANIMALS: Final = 1000
_MAX_LABEL_CHARACTERS: Final = 100

Name = Annotated[str, msgspec.Meta(pattern=NAME_PATTERN + _AT_THE_END)]
ImageName = Annotated[
    str, msgspec.Meta(min_length=1, max_length=MAX_IMAGE_ID_CHARACTERS, pattern=_PRINTABLE + _AT_THE_END)
]
LaneTold = Annotated[str, msgspec.Meta(extra_json_schema={"enum": list(LANE_NAMES)})]
"""A lane as a job names it; checked by the job, whose message tells what was expected."""
Animals = Annotated[int, msgspec.Meta(ge=1, le=_MAX_ANIMALS)]
AnimalsFromTo = Annotated[tuple[Animals, ...], msgspec.Meta(min_length=2, max_length=2)]
"""Two between which it is. (A tuple of two in a union with a bounded number crashes msgspec 0.22.)"""


class JobImage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A photo of a job.

    Attributes:
        image_id: unique in the album; a known one is replaced.
        uri: where its bytes are.
        captured_at: capture time, where it is known better than the file tells.
        uploaded_at: when the owner uploaded it.
        label: kind of picture, as the publisher sees it; the stub pipeline goes by it, the mixture does not.
        quality: of the picture, in the same way.
    """

    image_id: ImageName
    uri: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_URI_CHARACTERS)]
    captured_at: datetime | None = None
    uploaded_at: datetime | None = None
    label: Annotated[str, msgspec.Meta(min_length=1, max_length=_MAX_LABEL_CHARACTERS)] | None = None
    quality: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None


class JobRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Photos of one album that come or go; without any, the album is settled again.

    Attributes:
        pet_id: the album.
        job_id: of the caller's choice, unique for each job; by default one is made.
        schema_version: of this shape.
        images: photos that come.
        remove_image_ids: photos that go.
        reason: why, for logs.
        lane: ``live``, or ``backfill`` for photos that nobody waits for, which delay none that are live.
        force: embed photos again although their bytes are known.
        expected_animals: how many animals the owner says there are: a number, or two between which it is.
        metadata: kept with the job, not looked at.
        traceparent: of the caller's trace (W3C Trace Context).
    """

    pet_id: Name
    job_id: Name | None = None
    schema_version: Annotated[int, msgspec.Meta(ge=1, le=1)] = 1
    images: Annotated[tuple[JobImage, ...], msgspec.Meta(max_length=MAX_IMAGES)] = ()
    remove_image_ids: Annotated[tuple[ImageName, ...], msgspec.Meta(max_length=MAX_IMAGES)] = ()
    reason: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    lane: LaneTold = "live"
    force: bool = False
    expected_animals: Animals | AnimalsFromTo | None = None
    metadata: dict[str, Any] = {}
    traceparent: Annotated[str, msgspec.Meta(max_length=200)] | None = None

    def __post_init__(self) -> None:
        """Two numbers of animals are told the lower one first; the lane is one that there is."""
        require_lane(self.lane)
        if isinstance(self.expected_animals, tuple):
            structs.force_setattr(self, "expected_animals", tuple(sorted(self.expected_animals)))
