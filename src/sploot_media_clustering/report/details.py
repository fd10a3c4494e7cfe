"""What the detail panel says of each photo: where it belongs, how surely, and why it was chosen."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sploot_media_clustering.report import words
from sploot_media_clustering.report.arrange import title_of
from sploot_media_clustering.report.pictures import Picture
from sploot_media_clustering.report.view import Animal
from sploot_media_clustering.services.answer import (
    Answer,
    Cluster,
    Hero,
    Image,
    Member,
    Unclustered,
)
from sploot_media_clustering.services.shapes import BoxFractions

NO_COLOUR = "c-none"


@dataclass(frozen=True, slots=True)
class Outline:
    """An animal's box, what stands on it, and its colour's class."""

    box: BoxFractions
    label: str
    colour: str


@dataclass(frozen=True, slots=True)
class Place:
    """A cluster that a photo is in: its title, how sure that is, and its colour's class."""

    title: str
    note: str
    colour: str


@dataclass(frozen=True, slots=True)
class Choice:
    """A cluster that a photo may stand for, and why."""

    title: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Detail:
    """One photo's panel.

    Attributes:
        number: of the picture in the table.
        name: the file's name.
        folder: the rest of its path.
        facts: when it was taken, and its size.
        outlines: every animal in it.
        places: the clusters that it is in.
        choices: the clusters that it may stand for.
        signals: what its score was made of: name, share and the share in words.
        asides: why it has no place, where it has none.
        moment: the pictures of the same occasion, itself included; empty for a photo alone.
    """

    number: int
    name: str
    folder: str
    facts: tuple[str, ...]
    outlines: tuple[Outline, ...]
    places: tuple[Place, ...]
    choices: tuple[Choice, ...]
    signals: tuple[tuple[str, float, str], ...]
    asides: tuple[str, ...]
    moment: tuple[int, ...]


class AlbumDetails:
    """Gathers the panels of one album's photos.

    Args:
        answer: the album.
        animals: as arranged, for their colours.
        pictures: by image_id.
    """

    def __init__(self, answer: Answer, animals: Sequence[Animal], pictures: Mapping[str, Picture]) -> None:
        self._pictures = pictures
        self._titles = {cluster.id: title_of(cluster) for cluster in answer.clusters}
        self._colours = {animal.id: f"c{animal.colour}" for animal in animals}
        self._images = {image.image_id: image for image in answer.images}
        self._members: dict[str, list[tuple[Cluster, Member]]] = defaultdict(list)
        self._heroes: dict[str, list[tuple[Cluster, Hero]]] = defaultdict(list)
        self._asides: dict[str, list[Unclustered]] = defaultdict(list)
        for cluster in answer.clusters:
            for member in cluster.members:
                self._members[member.image_id].append((cluster, member))
            for hero in cluster.heroes:
                self._heroes[hero.image_id].append((cluster, hero))
        for photo in answer.unclustered:
            self._asides[photo.image_id].append(photo)
        self._moments = self._by_moment()

    def details(self) -> Iterable[Detail]:
        """One panel for each picture."""
        for image_id, picture in self._pictures.items():
            folder, _, name = image_id.rpartition("/")
            heroes = self._heroes[image_id]
            yield Detail(
                number=picture.number,
                name=name,
                folder=folder,
                facts=_facts(self._images.get(image_id)),
                outlines=tuple(self._outlines(image_id)),
                places=tuple(self._places(image_id)),
                choices=tuple(self._choices(heroes)),
                signals=_signals(heroes[0][1]) if heroes else (),
                asides=tuple(self._set_aside(image_id)),
                moment=self._moments.get(image_id, ()),
            )

    def _choices(self, heroes: Sequence[tuple[Cluster, Hero]]) -> Iterable[Choice]:
        """One for each rank and reason; what was said for an animal isn't said again for its look."""
        together: dict[tuple[int, tuple[str, ...]], list[str]] = defaultdict(list)
        for cluster, hero in heroes:
            together[hero.rank, hero.reasons].append(self._titles[cluster.id])
        for (rank, reasons), titles in together.items():
            yield Choice(f"{words.choice(rank)} for {words.joined(titles)}", reasons)

    def _outlines(self, image_id: str) -> Iterable[Outline]:
        """The animals that have a place with their names, the others with their species."""
        named = {
            member.box: Outline(
                member.box,
                words.listed((self._titles[cluster.id], words.percent(member.probability))),
                self._colours[cluster.id],
            )
            for cluster, member in self._members[image_id]
            if cluster.id in self._colours
        }
        image = self._images.get(image_id)
        for seen in image.sightings if image else ():
            if not seen.rejected:
                named.setdefault(seen.box, Outline(seen.box, words.headline(seen.species), NO_COLOUR))
        return named.values()

    def _places(self, image_id: str) -> Iterable[Place]:
        for cluster, member in self._members[image_id]:
            owner = cluster.id if cluster.id in self._colours else cluster.parent_id
            yield Place(
                title=self._titles[cluster.id],
                note=f"{words.percent(member.probability)} sure",
                colour=self._colours.get(owner or "", NO_COLOUR),
            )

    def _set_aside(self, image_id: str) -> Iterable[str]:
        for photo in self._asides[image_id]:
            title, explanation = words.ASIDE[photo.level, photo.reason]
            yield f"{title}. {explanation}"
            guess = self._titles.get(photo.best.id) if photo.best else None
            if photo.best and guess:
                yield f"Best guess: {guess}, {words.percent(photo.best.probability)}."

    def _by_moment(self) -> dict[str, tuple[int, ...]]:
        """The pictures of each photo's moment, for photos that share theirs."""
        moment_of = {
            image_id: image.moment for image_id, image in self._images.items() if image.moment is not None
        }
        moment_of |= {image_id: places[0][1].moment for image_id, places in self._members.items() if places}
        together: dict[int, list[str]] = defaultdict(list)
        for image_id in self._pictures:
            if image_id in moment_of:
                together[moment_of[image_id]].append(image_id)
        return {
            image_id: tuple(self._pictures[other].number for other in group)
            for group in together.values()
            if len(group) > 1
            for image_id in group
        }


def _facts(image: Image | None) -> tuple[str, ...]:
    if image is None:
        return ()
    size = f"{image.width_px:,} \u00d7 {image.height_px:,} pixels"
    return (words.minute(image.captured_at), size) if image.captured_at else (size,)


def _signals(hero: Hero) -> tuple[tuple[str, float, str], ...]:
    return tuple((words.headline(name), value, words.percent(value)) for name, value in hero.signals.items())
