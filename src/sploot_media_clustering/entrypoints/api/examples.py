"""Examples of the OpenAPI document; a test reads each with the struct it is an example of."""

from __future__ import annotations

from typing import Any, Final

Example = dict[str, Any]

_BOX: Final = [0.18, 0.12, 0.71, 0.93]

JOB: Final[Example] = {
    "pet_id": "milo-42",
    "job_id": "upload-7f3a",
    "images": [
        {
            "image_id": "2026/IMG_1.jpg",
            "uri": "https://photos.example.com/2026/IMG_1.jpg",
            "captured_at": "2026-05-01T10:00:00+02:00",
        },
        {"image_id": "2026/IMG_2.jpg", "uri": "s3://albums/pets/milo-42/2026/IMG_2.jpg"},
    ],
    "reason": "upload",
    "expected_animals": 1,
}
SUBMITTED: Final[Example] = {
    "job_id": "upload-7f3a",
    "pet_id": "milo-42",
    "status": "queued",
    "duplicate": False,
}
JOB_STATE: Final[Example] = {
    "job_id": "upload-7f3a",
    "pet_id": "milo-42",
    "status": "done",
    "version": 1777622401000,
    "updated_at": "2026-05-01T08:00:01Z",
    "failed_images": [
        {
            "image_id": "2026/IMG_2.jpg",
            "error": "TruncatedImageError",
            "message": "expected a whole JPEG, got one that ends early; upload it again",
        }
    ],
    "error": None,
}
CHANGED: Final[Example] = {
    "job_id": "change-0190c5a2",
    "pet_id": "milo-42",
    "status": "done",
    "version": 1777622402000,
}
MODELS: Final[Example] = {
    "pet_id": "milo-42",
    "models": [
        {
            "model_version": "lite0-ssdlite-1-4f2a",
            "since": "2026-05-01T08:00:02Z",
            "until": "2026-06-01T09:30:00Z",
        },
        {"model_version": "lite0-ssdlite-2-9c01", "since": "2026-06-01T09:30:00Z", "until": None},
    ],
}
DECISION: Final[Example] = {
    "kind": "name",
    "name": "Milo",
    "sightings": [{"image_id": "2026/IMG_1.jpg", "box": _BOX}],
}
DECISION_IN_WORDS: Final[Example] = {"kind": "same", "targets": ["Milo", "2026/IMG_2.jpg"]}
DECISIONS: Final[Example] = {
    "pet_id": "milo-42",
    "version": 1777622402000,
    "decisions": [
        {
            "id": "5e0c2b7a9d1f4c36",
            "at": "2026-05-01T08:00:02Z",
            "kind": "name",
            "name": "Milo",
            "sightings": [{"image_id": "2026/IMG_1.jpg", "box": _BOX}],
            "status": "holds",
        }
    ],
    "questions": [],
}
REVIEW: Final[Example] = {
    "pet_id": "milo-42",
    "version": 1777622402000,
    "total": 1,
    "items": [
        {
            "id": "9a0c41d2e7f3",
            "kind": "photo",
            "text": "Is this Milo?",
            "cluster_ids": ["s-91c2"],
            "sightings": [{"image_id": "2026/IMG_2.jpg", "box": _BOX}],
            "others": [{"image_id": "2026/IMG_1.jpg", "box": _BOX}],
            "probability": 0.52,
            "doubt": 0.96,
            "verdicts": [
                {
                    "key": "y",
                    "text": "Yes, Milo",
                    "said": {
                        "kind": "confirm",
                        "sightings": [{"image_id": "2026/IMG_2.jpg", "box": _BOX}],
                        "others": [{"image_id": "2026/IMG_1.jpg", "box": _BOX}],
                    },
                    "shows": None,
                }
            ],
        }
    ],
}
LABELS: Final[Example] = {
    "pet_id": "milo-42",
    "version": 1777622402000,
    "photos": [
        {
            "file": "2026/IMG_1.jpg",
            "animal": ["Milo"],
            "captured_at": "2026-05-01T10:00:00",
            "species": "cat",
            "told_by": "person",
        }
    ],
    "preferences": [{"better": "2026/IMG_1.jpg", "worse": "2026/IMG_2.jpg"}],
}
_HERO: Final[Example] = {
    "image_id": "2026/IMG_1.jpg",
    "rank": 1,
    "score": 0.87,
    "reasons": ["Looks at the camera."],
    "signals": {"sharpness": 0.91, "pose": 0.84},
    "box": _BOX,
    "focal_point": [0.44, 0.38],
    "pinned": False,
}
_MEMBER: Final[Example] = {
    "image_id": "2026/IMG_1.jpg",
    "score": 0.87,
    "position": 1,
    "probability": 0.98,
    "box": _BOX,
    "species": "cat",
    "moment": 0,
    "confirmed": False,
}
CLUSTERS: Final[Example] = {
    "pet_id": "milo-42",
    "version": 1777622402000,
    "updated_at": "2026-05-01T08:00:02Z",
    "model_version": "built-in-1",
    "pipeline": "mixture",
    "clusters": [
        {
            "id": "l-3f9a",
            "level": "look",
            "parent_id": "s-91c2",
            "label": "asleep on the sofa",
            "name": None,
            "provisional": False,
            "descriptors": [{"attribute": "activity", "value": "sleeping", "share": 1.0}],
            "size": 1,
            "cohesion": 0.82,
            "hero_image_id": "2026/IMG_1.jpg",
            "heroes": [_HERO],
            "members": [_MEMBER],
        }
    ],
    "unclustered": [],
    "metrics": {
        "coverage": {"asleep on the sofa": 1.0},
        "quality_score": 0.87,
        "processed_at": "2026-05-01T08:00:02Z",
    },
    "failed_images": [],
    "questions": [],
    "schema_version": 1,
    "next_cursor": None,
}
PLACE: Final[Example] = {
    "pet_id": "milo-42",
    "version": 1777622402000,
    "image": {
        "image_id": "2026/IMG_1.jpg",
        "captured_at": "2026-05-01T10:00:00+02:00",
        "width_px": 4032,
        "height_px": 3024,
        "moment": 0,
        "sightings": [{"box": _BOX, "species": "cat", "score": 0.97}],
    },
    "clusters": [
        {
            "id": "l-3f9a",
            "level": "look",
            "label": "asleep on the sofa",
            "name": None,
            "hero_rank": 1,
            "member": _MEMBER,
        }
    ],
    "unclustered": [],
    "failed": None,
}
LETTER: Final[Example] = {
    "id": "1777622400000-0",
    "job_id": "upload-7f3a",
    "pet_id": "milo-42",
    "reason": "expected a job as JSON, got something else",
    "attempts": 1,
    "at": "2026-05-01T08:00:00Z",
    "message": {"payload": "{"},
}
LETTERS: Final[Example] = {"dead_letters": [{**LETTER, "message": None}], "next_cursor": None}
