"""Job messages gone wrong: bytes flipped, parts of JSON taken out, doubled, nested, replaced by extremes."""

from __future__ import annotations

import random
from typing import Any

import msgspec

from sploot_media_clustering.services.jobs import JOB_FIELD, POSITION_FIELD

EXTREMES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1 << 53, -(1 << 63), 1e308, 1.5, "", " ", "a" * 5000, "\x00", "\ud7ff",
    "../../etc/passwd", "file:///etc/passwd", "${jndi:x}", [], [[]], {}, {"": {}}, ["a", "a"], [0, 9, 3],
    "9999-12-31T23:59:59Z", "2026-13-45", "1-1", "-", "{pet_id}",
)  # fmt: skip
POSITIONS = (b"", b"0-0", b"1-1", b"1-2-3", b"-1-0", b"9" * 40 + b"-0", b"\xff", b"1700000000000-0")
DEEP = 2000


def message(rng: random.Random, body: dict[str, Any]) -> dict[bytes, bytes]:
    """The fields of an entry that began as a good job."""
    for _ in range(rng.randint(1, 3)):
        body = mutated(rng, body)
    data = msgspec.json.encode(body)
    if rng.random() < 0.3:
        data = _damaged(rng, data)
    name = rng.choice((JOB_FIELD, JOB_FIELD, JOB_FIELD, b"payload", b"other"))
    fields = {name: data}
    if rng.random() < 0.2:
        fields[POSITION_FIELD] = rng.choice(POSITIONS)
    return fields


def mutated(rng: random.Random, value: Any) -> Any:  # noqa: ANN401 - JSON of any shape
    """A copy that differs in one place."""
    if isinstance(value, dict) and value and rng.random() < 0.9:
        return _mutated_object(rng, value)
    if isinstance(value, list) and value and rng.random() < 0.9:
        place = rng.randrange(len(value))
        return [*value[:place], mutated(rng, value[place]), *value[place + 1 :]]
    return rng.choice(EXTREMES)


def _mutated_object(rng: random.Random, value: dict[str, Any]) -> dict[str, Any]:
    name, kind = rng.choice(list(value)), rng.random()
    if kind < 0.2:
        return {other: part for other, part in value.items() if other != name}
    if kind < 0.3:
        return value | {rng.choice(("", "type", "images", "change", "x")): rng.choice(EXTREMES)}
    return value | {name: mutated(rng, value[name])}


def _damaged(rng: random.Random, data: bytes) -> bytes:
    kind, place = rng.randrange(5), rng.randrange(len(data))
    if kind == 0:
        return data[:place]
    if kind == 1:
        return data[:place] + bytes([rng.randrange(256)]) + data[place + 1 :]
    if kind == 2:
        return b"[" * DEEP + data + b"]" * DEEP
    if kind == 3:
        return data + data
    return data[:place] + data[place:].replace(b'"', b"", 1)
