"""What ``cluster`` prints: the animals of an album, their looks, and the first hero of each."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final, Literal

from rich.table import Table
from rich.text import Text

from sploot_media_clustering.entrypoints.cli.console import out
from sploot_media_clustering.services.answer import Answer, Cluster
from sploot_media_clustering.services.answer_pages import PageCluster
from sploot_media_clustering.services.changes import Changes
from sploot_media_clustering.services.decision_records import Said
from sploot_media_clustering.services.targets import members

Level = Literal["subject", "look", "all"]

_PHOTOS_NAMED: Final = 5


def print_answer(answer: Answer, level: Level) -> None:
    """Print an album's clusters and how many photos have no place.

    Args:
        answer: of the album.
        level: which clusters are printed.
    """
    print_clusters(answer.pet_id, [part for part in answer.clusters if level in ("all", part.level)])
    aside = {
        photo.image_id
        for photo in answer.unclustered
        if photo.level == "subject" and photo.reason != "unreadable"
    }
    out.print(
        f"{counted(len(answer.images), 'photo')}, {len(aside)} of them set aside for something in them, "
        f"{len(answer.failed_images)} not readable"
    )
    if answer.questions:
        out.print(
            f"{counted(len(answer.questions), 'question')}: the report asks them, and `decide OUT --ask`",
            markup=False,
        )


def print_clusters(title: str, clusters: Sequence[Cluster | PageCluster]) -> None:
    """Print clusters, a line each."""
    # Names are Text, since a photo or a folder may be called anything, brackets included.
    table = Table(title=Text(title), title_justify="left", box=None, pad_edge=False)
    for heading in ("", "photos", "hero", "why"):
        table.add_column(heading, overflow="fold", justify="right" if heading == "photos" else "left")
    for part in clusters:
        table.add_row(*_row(part))
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
        return (
            told + "both are called so and stay two animals, as was said before; `decide OUT same` joins them"
        )
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
    if found.moved:
        parts.append(f"{counted(found.moved, 'photo')} moved between animals")
    return "; ".join(parts)


def _row(part: Cluster | PageCluster) -> tuple[Text, str, Text, Text]:
    hero = part.heroes[0] if part.heroes else None
    name = part.name or part.label
    label = Text(name, style="bold") if part.level == "subject" else Text(f"  {name}")
    why = hero.reasons[0] if hero and hero.reasons else ""
    return label, str(part.size), Text(hero.image_id if hero else "-"), Text(why)


def _some(image_ids: Collection[str]) -> str:
    """Photos counted, and as many of their names as one reads."""
    shown = sorted(image_ids)[:_PHOTOS_NAMED]
    more = len(image_ids) - len(shown)
    names = ", ".join(shown) + (f" and {more} more" if more else "")
    return f"{counted(len(image_ids), 'photo')} ({names})"
