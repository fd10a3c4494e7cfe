"""What ``cluster`` prints: the animals of an album, their looks, and the first hero of each."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final, Literal

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from sploot_media_clustering.entrypoints.cli.console import out
from sploot_media_clustering.services.answer import Answer, Cluster, Unclustered
from sploot_media_clustering.services.answer_pages import PageCluster
from sploot_media_clustering.services.changes import Changes, Move
from sploot_media_clustering.services.decision_records import Said
from sploot_media_clustering.services.targets import members

Level = Literal["subject", "look", "all"]

_PHOTOS_NAMED: Final = 5
_WAYS_TOLD: Final = 5
_INDENT: Final = (0, 0, 0, 2)
"""Of looks, on each line of a name."""


def print_answer(answer: Answer, level: Level, asked_by: str) -> None:
    """Print an album's clusters, how many photos have no place, and how many questions there are.

    Args:
        answer: of the album.
        level: which clusters are printed.
        asked_by: what asks the questions.
    """
    print_clusters(answer.pet_id, [part for part in answer.clusters if level in ("all", part.level)])
    placed = {m.image_id for part in answer.clusters if part.level == "subject" for m in part.members}
    out.print(tally(len(answer.images), placed, answer.unclustered, len(answer.failed_images)))
    if answer.questions:
        asked = f"{counted(len(answer.questions), 'question')}, asked by {asked_by}"
        out.print(asked, markup=False, soft_wrap=True)


def tally(photos: int, placed: Collection[str], unclustered: Sequence[Unclustered], failed: int) -> str:
    """How many photos there are, and what there is to know of them.

    Args:
        photos: that were read.
        placed: photos of the animals.
        unclustered: what has no place.
        failed: photos that could not be read.
    """
    aside = {part.image_id for part in unclustered if part.level == "subject" and part.reason != "unreadable"}
    known = (
        (len(aside.difference(placed)), "without a place"),
        (len(aside.intersection(placed)), "with one more animal that has no place"),
        (failed, "more not readable"),
    )
    return ", ".join([counted(photos, "photo"), *(f"{count} {what}" for count, what in known if count)])


def print_clusters(title: str, clusters: Sequence[Cluster | PageCluster]) -> None:
    """Print clusters, a line each where there is room; of looks below their animals not why a hero is one."""
    # Names are Text, since a photo or a folder may be called anything, brackets included.
    table = Table(title=Text(title), title_justify="left", box=None, pad_edge=False)
    for heading in ("", "photos", "hero", "why"):
        table.add_column(heading, overflow="fold", justify="right" if heading == "photos" else "left")
    both = {part.level for part in clusters} == {"subject", "look"}
    for part in clusters:
        table.add_row(*_row(part, why=not both or part.level == "subject"))
    out.print(table)


def counted(count: int, noun: str) -> str:
    """``1 photo``, ``2 photos``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def of_one_name(same: Cluster, what: Said, *, apart: bool) -> str:
    """That another animal had the name which was given, and what that makes of the two.

    Args:
        same: the other animal, as it was.
        what: was said.
        apart: whether they stay two.
    """
    told = f"There was a {same.name} already ({counted(same.size, 'photo')}): "
    if apart:
        return told + "both are called so and stay two animals, as was said before; `same` joins them"
    both = {part.image_id for part in members(same)} & {part.image_id for part in what.sightings}
    shown = f", though both are on {_some(both)}" if both else ""
    return f"{told}the two are one animal now{shown}"


def sentence(found: Changes) -> str:
    """What is different, for people; empty where nothing is."""
    parts = []
    if found.came:
        whose = ", ".join(f"{count} of {name}" for name, count in found.joined)
        parts.append(f"{counted(found.came, 'photo')} came" + (f" ({whose})" if whose else ""))
    if found.went:
        parts.append(f"{counted(found.went, 'photo')} went")
    if found.founded:
        parts.append(f"{' and '.join(found.founded)} {'is' if len(found.founded) == 1 else 'are'} new")
    if found.gone:
        parts.append(f"{' and '.join(found.gone)} {'is' if len(found.gone) == 1 else 'are'} no more")
    parts += [f"{_some(move.image_ids)} {_way(move)}" for move in found.moved[:_WAYS_TOLD]]
    if rest := sum(len(move.image_ids) for move in found.moved[_WAYS_TOLD:]):
        parts.append(f"{rest} more moved in other ways")
    return "; ".join(parts)


def _way(move: Move) -> str:
    left, joined = " and ".join(move.left), " and ".join(move.joined)
    if left and joined:
        return f"moved from {left} to {joined}"
    return f"joined {joined}" if joined else f"left {left}"


def _row(part: Cluster | PageCluster, *, why: bool) -> tuple[RenderableType, str, Text, Text]:
    hero = part.heroes[0] if part.heroes else None
    name = Text(part.name or part.label, style="bold" if part.level == "subject" else "")
    label = name if part.level == "subject" else Padding(name, _INDENT)
    reason = hero.reasons[0] if why and hero and hero.reasons else ""
    return label, str(part.size), Text(hero.image_id if hero else "-"), Text(reason)


def _some(image_ids: Collection[str]) -> str:
    """Photos counted, and as many of their names as one reads."""
    shown = sorted(image_ids)[:_PHOTOS_NAMED]
    more = len(image_ids) - len(shown)
    names = ", ".join(shown) + (f" and {more} more" if more else "")
    return f"{counted(len(image_ids), 'photo')} ({names})"
