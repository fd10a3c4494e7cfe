"""What people said of an album as labels: who is on which photo, and which picture is better than which.

A photo is labelled where a person said who is on it, or where the review has nothing left to ask about it:
its animals have names, and it is surely theirs. Lines tell which of the two it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, Literal

import msgspec

from sploot_media_clustering.services.answer import Answer, Cluster, Image
from sploot_media_clustering.services.review_queue import LEAST_DOUBT, doubt
from sploot_media_clustering.services.shapes import BoxFractions

LABELS_FILE: Final = "index.jsonl"
PREFERENCES_FILE: Final = "preferences.jsonl"

_JOINS: Final = "+"
"""Stands between animals where one text names several, so none is called so."""


class LabelledPhoto(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A photo, and who is on it.

    Attributes:
        file: where it is.
        animal: names of all animals on it, the best seen first; none where they are not known.
        captured_at: on the camera's clock.
        species: of the best seen animal.
        told_by: ``person`` where one said so of this very photo and of all animals on it, else ``model``;
            empty where nobody told anything.
    """

    file: str
    animal: tuple[str, ...]
    captured_at: str | None = None
    species: str = ""
    told_by: Literal["", "person", "model"] = ""


class Preference(msgspec.Struct, frozen=True, kw_only=True):
    """Two photos of one animal, of which a person wants the first to be shown before the second.

    Attributes:
        better: where the first one is.
        worse: where the second one is.
    """

    better: str
    worse: str


class Labels(msgspec.Struct, frozen=True, kw_only=True):
    """What people said of an album, as labels for `train heads`.

    Attributes:
        pet_id: the album.
        version: of the album.
        photos: lines of an `index.jsonl`.
        preferences: lines of a `preferences.jsonl` beside it.
    """

    pet_id: str
    version: int
    photos: tuple[LabelledPhoto, ...]
    preferences: tuple[Preference, ...]


def _labelled_photos(answer: Answer, file_of: Callable[[str], str]) -> Iterator[LabelledPhoto]:
    """Photos of which it is known who is on them; where several animals are, of each."""
    owners = _owners(answer)
    for image in answer.images:
        shown = [seen for seen in image.sightings if not seen.rejected]
        said = [owners.get((image.image_id, seen.box)) for seen in shown]
        known = [part for part in said if part is not None]
        is_best = bool(shown) and shown[0] == image.sightings[0]  # heads learn from the best sighting
        if is_best and len(known) == len(said):
            yield LabelledPhoto(
                file=file_of(image.image_id),
                animal=tuple(name for name, _ in known),
                captured_at=_camera_time(image),
                species=shown[0].species,
                told_by="person" if all(is_confirmed for _, is_confirmed in known) else "model",
            )


def _preferences(answer: Answer, file_of: Callable[[str], str]) -> Iterator[Preference]:
    """What was chosen before what it was chosen from, and what is shown before what shall never be."""
    refused = {
        part.image_id
        for decision in answer.decisions
        if decision.kind == "not_hero" and decision.status == "holds"
        for part in decision.sightings
    }
    pairs: dict[tuple[str, str], None] = {}
    for cluster in answer.clusters:
        chosen = [hero.image_id for hero in cluster.heroes if hero.pinned]
        others = [hero.image_id for hero in cluster.heroes if not hero.pinned]
        pairs |= dict.fromkeys((one, other) for one in chosen for other in others)
        vetoed = [member.image_id for member in cluster.members if member.image_id in refused]
        pairs |= dict.fromkeys((hero.image_id, other) for hero in cluster.heroes[:1] for other in vetoed)
    for better, worse in pairs:
        yield Preference(better=file_of(better), worse=file_of(worse))


def labels(answer: Answer, file_of: Callable[[str], str] = str) -> Labels:
    """Both; photos that are in preferences alone are among the photos, without a name.

    Args:
        answer: with both levels, members, images and decisions.
        file_of: where a photo is, by its id; by default, what its id says.
    """
    photos, chosen = list(_labelled_photos(answer, file_of)), list(_preferences(answer, file_of))
    known = {photo.file for photo in photos}
    further = {file for pair in chosen for file in (pair.better, pair.worse)} - known
    photos += [LabelledPhoto(file=file, animal=()) for file in sorted(further)]
    return Labels(
        pet_id=answer.pet_id, version=answer.version, photos=tuple(photos), preferences=tuple(chosen)
    )


def lines(records: Iterable[LabelledPhoto | Preference]) -> bytes:
    """Records as JSON Lines."""
    return b"".join(msgspec.json.encode(part) + b"\n" for part in records)


def _owners(answer: Answer) -> dict[tuple[str, BoxFractions], tuple[str, bool]]:
    """Animals of the sightings of which they are known, and whether a person said so."""
    return {
        (member.image_id, member.box): (_name(part), member.confirmed)
        for part in answer.clusters
        if part.level == "subject"
        for member in part.members
        if member.confirmed or (part.name is not None and doubt(member.probability) < LEAST_DOUBT)
    }


def _name(subject: Cluster) -> str:
    return (subject.name or subject.id).replace(_JOINS, " ")


def _camera_time(image: Image) -> str | None:
    return None if image.captured_at is None else image.captured_at.replace(tzinfo=None).isoformat()
