"""An answer arranged for the page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC
from itertools import groupby
from typing import Final

from sploot_media_clustering.report import words
from sploot_media_clustering.report.pictures import Picture
from sploot_media_clustering.report.timeline import months
from sploot_media_clustering.report.view import Album, Animal, Aside, Failure, Segment, Shelf, Stack, Tile
from sploot_media_clustering.services.answer import (
    Answer,
    Cluster,
    Hero,
    Member,
    Unclustered,
)
from sploot_media_clustering.services.shapes import BoxFractions

COLOURS: Final = 8
"""Animal colours in the style sheet; a ninth animal shares the first one's."""

WIDTHS_PERCENT: Final = range(100, 181, 10)
"""How wide a crop may be, in percent of its height: square to 16:9, one style rule each."""

_HEAD_HEIGHT: Final = 0.4
"""Where the eye rests in an animal's box, from its top: nearer the head than the middle."""

_ENDS: Final = 0.1
"""Of an animal's length, what a tile may cut: the tips of tails and whiskers. Beyond that it has margins."""

_HERO_TILES: Final = 4
_SHELF_ROWS: Final = 2
_COLUMNS_MOST: Final = 12
_COLUMNS_LEAST: Final = 3


def place_of(box: BoxFractions | None, picture: Picture, width_percent: int = 100) -> int:
    """Where a crop must sit to show an animal, in percent along the longer side of its photo.

    All of the animal is seen where it fits, its head's end nearest the middle. Of one that is too tall the
    upper end is seen, where heads are; of one that is too wide the middle. A photo without one is seen in its
    middle.

    Args:
        box: of the animal.
        picture: of the photo.
        width_percent: of the crop's height.
    """
    longest, shortest = max(picture.width_px, picture.height_px), min(picture.width_px, picture.height_px)
    seen = width_percent / 100 * shortest / longest
    if box is None or seen >= 1:
        return 50
    is_wide = picture.width_px > picture.height_px
    low, high = (box[0], box[2]) if is_wide else (box[1], box[3])
    start = low + (0.5 if is_wide else _HEAD_HEIGHT) * (high - low) - seen / 2
    if high - low <= seen:
        start = min(max(start, high - seen), low)
    elif not is_wide:
        start = low
    return round(100 * min(max(start / (1 - seen), 0.0), 1.0))


def width_for(box: BoxFractions | None, picture: Picture, ends: float = 0.0) -> int:
    """How wide a crop must be to show an animal from end to end, in percent of its height.

    Args:
        box: of the animal.
        picture: of the photo.
        ends: share of the animal's length that may be missing.
    """
    if box is None:
        return WIDTHS_PERCENT[0]
    left, _, right, _ = box
    length_px = (right - left) * picture.width_px
    needed = 100 * (1 - ends) * length_px / min(picture.width_px, picture.height_px)
    return next((width for width in WIDTHS_PERCENT if width >= needed), WIDTHS_PERCENT[-1])


def title_of(cluster: Cluster) -> str:
    """What a cluster is called: its name where a person gave one, else its label."""
    return words.headline(cluster.name or cluster.label) or "Unnamed"


class AlbumArranger:
    """Arranges one album.

    Args:
        anchor: prefix of every element id.
        title: the album's name.
        answer: what to arrange.
        pictures: by image_id.
    """

    def __init__(self, anchor: str, title: str, answer: Answer, pictures: Mapping[str, Picture]) -> None:
        self._anchor = anchor
        self._title = title
        self._answer = answer
        self._pictures = pictures
        self._titles = {cluster.id: title_of(cluster) for cluster in answer.clusters}
        self._captured = {
            image.image_id: image.captured_at for image in answer.images if image.captured_at is not None
        }

    def album(self) -> Album:
        """The whole album."""
        animals = tuple(self._animals())
        asides = tuple(self._asides())
        return Album(
            anchor=self._anchor,
            title=self._title or "Album",
            summary=self._summary(animals),
            cover=next((animal.hero for animal in animals if animal.hero), None),
            animals=animals,
            asides=asides,
            failures=tuple(
                Failure(
                    failed.image_id,
                    words.FAILURES.get(failed.error, words.FAILURE_OF_ANOTHER_KIND),
                    failed.message,
                )
                for failed in self._answer.failed_images
            ),
            segments=tuple(self._segments(animals)),
            months=months(self._answer, self._pictures),
            colophon=self._colophon(),
        )

    def _animals(self) -> Iterable[Animal]:
        known = {cluster.id for cluster in self._answer.clusters}
        roots = [cluster for cluster in self._answer.clusters if cluster.parent_id not in known]
        for place, root in enumerate(sorted(roots, key=lambda cluster: -cluster.size)):
            looks = [cluster for cluster in self._answer.clusters if cluster.parent_id == root.id]
            yield self._animal(f"{self._anchor}-{place}", place % COLOURS, root, looks)

    def _animal(self, anchor: str, colour: int, root: Cluster, looks: Sequence[Cluster]) -> Animal:
        title = self._titles[root.id]
        heroes = [
            self._tile(hero.image_id, hero.box, f"{title}, {words.choice(hero.rank).lower()}", is_hero=True)
            for hero in root.heroes
        ]
        return Animal(
            id=root.id,
            anchor=anchor,
            title=title,
            colour=colour,
            facts=words.listed(
                (
                    words.headline(_kind(root.members)),
                    words.counted(root.size, "photo"),
                    words.counted(len(looks), "look") if looks else "",
                    self._span(member.image_id for member in root.members),
                )
            ),
            provisional=root.provisional,
            chips=tuple(
                (
                    words.headline(chip.attribute),
                    chip.value.replace("_", " "),
                    words.percent(chip.share),
                )
                for chip in root.descriptors
            ),
            hero=heroes[0] if heroes else None,
            portrait=self._portrait(root.heroes[0], heroes[0]) if heroes else None,
            reasons=root.heroes[0].reasons if root.heroes else (),
            runners_up=tuple(heroes[1:]),
            shelves=tuple(self._shelves(anchor, root, looks)),
            count=root.size,
        )

    def _portrait(self, hero: Hero, tile: Tile) -> Tile:
        picture = self._pictures[hero.image_id]
        width = width_for(hero.box, picture)
        return replace(tile, focus=place_of(hero.box, picture, width), width_percent=width)

    def _shelves(self, anchor: str, root: Cluster, looks: Sequence[Cluster]) -> Iterable[Shelf]:
        shown = sorted(looks, key=lambda look: -look.size) or ([root] if root.size > 1 else [])
        for place, look in enumerate(shown):
            title = self._titles[look.id] if looks else "All photos"
            stacks = tuple(self._stacks(look, f"{self._titles[root.id]}, {title}"))
            tiles = _HERO_TILES + len(stacks) - 1
            yield Shelf(
                anchor=f"{anchor}-{place}",
                title=title,
                count=look.size,
                permille=round(1000 * look.size / max(root.size, 1)),
                stacks=stacks,
                columns=min(_COLUMNS_MOST, -(-tiles // _SHELF_ROWS)),
            )

    def _stacks(self, cluster: Cluster, said: str) -> Iterable[Stack]:
        """The members, hero first, photos of one moment together at the place of the best."""
        first = cluster.heroes[0] if cluster.heroes else None
        leads = first.image_id if first else None
        ranked = sorted(cluster.members, key=lambda member: (member.image_id != leads, member.position))
        place = {
            moment: place for place, moment in reversed(list(enumerate(member.moment for member in ranked)))
        }
        together = sorted(ranked, key=lambda member: place[member.moment])
        for _, group in groupby(together, key=lambda member: member.moment):
            top, *under = (
                self._tile(member.image_id, member.box, said, is_hero=member.image_id == leads)
                for member in group
            )
            yield Stack(top, tuple(under))

    def _asides(self) -> Iterable[Aside]:
        for (level, reason), (title, explanation) in words.ASIDE.items():
            photos = [
                photo
                for photo in self._answer.unclustered
                if photo.level == level and photo.reason == reason and photo.image_id in self._pictures
            ]
            if photos:
                stacks = tuple(Stack(self._aside_tile(photo, title)) for photo in photos)
                columns = min(max(len(stacks), _COLUMNS_LEAST), _COLUMNS_MOST)
                yield Aside(title, explanation, len(photos), stacks, columns)

    def _aside_tile(self, photo: Unclustered, said: str) -> Tile:
        best = photo.best
        guess = self._titles.get(best.id) if best else None
        caption = f"{guess}? {words.percent(best.probability)}" if best and guess else ""
        return self._tile(photo.image_id, photo.box, words.listed((said, caption)), caption)

    def _tile(
        self,
        image_id: str,
        box: BoxFractions | None,
        said: str,
        caption: str = "",
        *,
        is_hero: bool = False,
    ) -> Tile:
        picture = self._pictures[image_id]
        captured = self._captured.get(image_id)
        alt = words.listed((said, words.day(captured) if captured else "", image_id))
        width = width_for(box, picture, _ENDS)
        return Tile(picture.number, alt, place_of(box, picture, width), caption, is_hero, width)

    def _segments(self, animals: Sequence[Animal]) -> Iterable[Segment]:
        aside = {
            photo.image_id
            for photo in self._answer.unclustered
            if photo.level == "subject" and photo.reason != "unreadable"
        }
        placed = {
            member.image_id
            for cluster in self._answer.clusters
            if cluster.level == "subject"
            for member in cluster.members
        }
        left = len(aside - placed)
        parts = [(animal.title, animal.anchor, f"c{animal.colour}", animal.count) for animal in animals]
        if left:
            parts.append(("Set aside", f"{self._anchor}-aside", "c-none", left))
        photos = max(len(placed | aside), 1)
        whole = max(sum(count for *_, count in parts), 1)
        start = 0
        for title, anchor, colour, count in parts:
            end = start + count
            first, last = (round(1000 * edge / whole) for edge in (start, end))
            share = words.percent(min(count / photos, 1.0))
            yield Segment(title, anchor, colour, count, share, first, last - first)
            start = end

    def _summary(self, animals: Sequence[Animal]) -> str:
        looks = sum(cluster.level == "look" for cluster in self._answer.clusters)
        return words.listed(
            (
                words.counted(len(self._pictures), "photo"),
                words.counted(len(animals), "animal") if animals else "",
                words.counted(looks, "look") if looks else "",
                self._span(self._captured),
            )
        )

    def _span(self, image_ids: Iterable[str]) -> str:
        return words.span(self._captured[image_id] for image_id in image_ids if image_id in self._captured)

    def _colophon(self) -> str:
        answer = self._answer
        return words.listed(
            (
                f"Worked out on {words.minute(answer.metrics.processed_at.astimezone(UTC))} UTC",
                f"model {answer.model_version}",
                f"pipeline {answer.pipeline}",
                f"version {answer.version}",
            )
        )


def _kind(members: Sequence[Member]) -> str:
    """The species that most members show; nothing for none."""
    seen = [member.species for member in members]
    return max(sorted(set(seen)), key=seen.count, default="")
