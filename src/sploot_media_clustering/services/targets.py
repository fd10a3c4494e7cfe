"""What a person means by a name: an animal, a look or photos of an album's answer."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from statistics import mean

from sploot_media_clustering.errors import InputError
from sploot_media_clustering.services.answer import Answer, Cluster, Image
from sploot_media_clustering.services.decision_records import Sighted
from sploot_media_clustering.services.shapes import BoxFractions

_PLACE_MARK = "#"
"""``IMG_1.jpg#2`` is the second animal of a photo, as the answer lists them."""

_HINTS = 3
_ANIMALS_LISTED = 20
_APART = 0.1
"""Of a photo's side: animals with their middles closer than this are at one place, for the eye."""


@dataclass(frozen=True, slots=True)
class Targets:
    """Finds what is meant in one answer.

    Attributes:
        answer: of the album, with members and images.
    """

    answer: Answer

    def cluster(self, told: str) -> Cluster | None:
        """The cluster with this id, or called so: by its name, else its label; animals before looks.

        Raises:
            InputError: several clusters are called so.
        """
        exact = [c for c in self.answer.clusters if c.id == told]
        for level in ("subject", "look"):
            exact = exact or [
                c
                for c in self.answer.clusters
                if c.level == level and told.casefold() == (c.name or c.label).casefold()
            ]
        if len(exact) > 1:
            ids = ", ".join(c.id for c in exact)
            raise InputError(f"{told!r} may be any of {ids}: give one of these ids")
        return exact[0] if exact else None

    def animal(self, told: str) -> Cluster:
        """The animal that is meant; for a photo, the animal that it shows.

        Raises:
            InputError: there is none, or there are several.
        """
        found = self.cluster(told)
        if found is not None:
            return found if found.parent_id is None else self._by_id(found.parent_id)
        owners = {self.owner(part) for part in self.photos([told])} - {None}
        if len(owners) != 1:
            raise InputError(
                f"expected an animal, got {told!r}, whose photos show {len(owners) or 'none'} of them; "
                "give the animal's name, label or id"
            )
        return self._by_id(owners.pop() or "")

    def group(self, told: str) -> tuple[Sighted, ...]:
        """The sightings that are meant: the members of a cluster, or all animals of photos."""
        found = self.cluster(told)
        return members(found) if found is not None else self.photos([told])

    def photos(self, told: Sequence[str]) -> tuple[Sighted, ...]:
        """Every animal in photos given by id, file name or pattern; ``#2`` picks the second of each.

        What matches a pattern and has no such animal is left out.

        Raises:
            InputError: no photo is called so, or no animal was found in one.
        """
        return tuple(part for name in told for part in self._sightings(name))

    def single(self, told: Sequence[str]) -> tuple[Sighted, ...]:
        """As :meth:`photos`, where no photo may leave open which of its animals is meant.

        Raises:
            InputError: a photo shows several.
        """
        found = [(name, part) for name in told for part in self._sightings(name)]
        for (name, one), (_, other) in itertools.pairwise(found):
            if one.image_id == other.image_id:
                raise InputError(
                    f"{one.image_id} shows several animals; say which one, such as "
                    f"{one.image_id}{_PLACE_MARK}2 for the second, in place of {name!r}"
                )
        return tuple(part for _, part in found)

    def owner(self, part: Sighted) -> str | None:
        """Id of the animal that a sighting was put to, None where it stands aside."""
        return next(
            (
                c.id
                for c in self.answer.clusters
                if c.level == "subject"
                for m in c.members
                if m.image_id == part.image_id and m.box == part.box
            ),
            None,
        )

    def which(self, part: Sighted) -> str:
        """Which animal of its photo a sighting is, such as ``#2 (right)``; nothing where it shows one."""
        boxes = [seen.box for image in self._images(part.image_id) for seen in image.sightings]
        if part.box not in boxes or len(boxes) == 1:
            return ""
        place = boxes.index(part.box)
        return f"{_PLACE_MARK}{place + 1} ({_where(part.box, boxes[:place] + boxes[place + 1 :])})"

    def _by_id(self, cluster_id: str) -> Cluster:
        return next(c for c in self.answer.clusters if c.id == cluster_id)

    def is_pattern(self, told: str) -> bool:
        """Whether photos are meant that match, and not one that is called so."""
        name, _ = self._name_and_place(told)
        return all(name not in (image.image_id, _file_name(image)) for image in self._images(name))

    def _name_and_place(self, told: str) -> tuple[str, int | None]:
        name, mark, place = told.rpartition(_PLACE_MARK)
        picked = mark and place.isdecimal() and not self._images(told)
        return (name, int(place)) if picked else (told, None)

    def _sightings(self, told: str) -> list[Sighted]:
        name, place = self._name_and_place(told)
        fewest = (place or 1) if self.is_pattern(name) else 0
        found = []
        for image in self._images(name) or self._unknown(told):
            seen = image.sightings
            if len(seen) < fewest:
                continue
            if not seen:
                raise InputError(f"no animal was found in {image.image_id}, so nothing can be said of one")
            if place is not None and not 1 <= place <= len(seen):
                raise InputError(f"{image.image_id} shows {len(seen)} animals, got number {place}")
            meant = [part for part in seen if not part.rejected] or seen
            picked = meant if place is None else [seen[place - 1]]
            found += [Sighted(image_id=image.image_id, box=part.box) for part in picked]
        if not found:
            raise InputError(f"no animal was found in any photo that {told!r} matches")
        return found

    def _images(self, told: str) -> list[Image]:
        images = self.answer.images
        exact = [image for image in images if image.image_id == told]
        named = exact or [image for image in images if _file_name(image) == told]
        if len(named) > 1:
            ids = _listed([image.image_id for image in named])
            raise InputError(f"{told!r} may be any of {ids}: give one of these, or '*/{told}' for all")
        return named or [
            i for i in images if fnmatchcase(i.image_id, told) or fnmatchcase(_file_name(i), told)
        ]

    def _unknown(self, told: str) -> list[Image]:
        if self.cluster(told):
            raise InputError(f"expected a photo by id, file name or pattern, got the animal or look {told!r}")
        animals = [c.name or c.label for c in self.answer.clusters if c.level == "subject"]
        known = animals + [_file_name(image) for image in self.answer.images]
        spelt = {name.casefold(): name for name in known if name != told}
        near = [spelt[name] for name in difflib.get_close_matches(told.casefold(), spelt, _HINTS)]
        if near:
            hint = f"did you mean {', '.join(near)}?"
        else:
            hint = f"its animals are {_listed(animals)}" if animals else "no animal was found in it"
        raise InputError(f"expected an animal, look or photo of {self.answer.pet_id}, got {told!r}; {hint}")


def _where(box: BoxFractions, others: Sequence[BoxFractions]) -> str:
    """Where an animal is, as seen from the middle of its photo's other ones."""
    middles = [((left + right) / 2, (top + bottom) / 2) for left, top, right, bottom in (box, *others)]
    across, down = (middles[0][i] - mean(middle[i] for middle in middles[1:]) for i in range(2))
    words = (down, "top", "bottom"), (across, "left", "right")
    told = [after if apart > 0 else before for apart, before, after in words if abs(apart) >= _APART]
    return " ".join(told) or "middle"


def _listed(animals: Sequence[str]) -> str:
    more = len(animals) - _ANIMALS_LISTED
    return ", ".join(animals[:_ANIMALS_LISTED]) + (f" and {more} more" if more > 0 else "")


def _file_name(image: Image) -> str:
    return image.image_id.rsplit("/", 1)[-1]


def members(cluster: Cluster) -> tuple[Sighted, ...]:
    """The members of a cluster as sightings."""
    return tuple(Sighted(image_id=m.image_id, box=m.box) for m in cluster.members)
