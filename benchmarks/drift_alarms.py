"""How often ``drift`` rings: at albums drawn from where its reference was, and at those that are not.

``python benchmarks/drift_alarms.py SET...`` takes labelled sets (``training/labelled.py``); an animal is an
album. Of each set, halves are drawn at random fifty times, and one is compared with the other: as it is, then
with the second half's photos out of focus, dark, and as a worse camera makes them; then each set with each
other one. Prints how many rang of how many, and what rang.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from sploot_media_clustering.bootstrap import Engine, open_engine
from sploot_media_clustering.domain.album import WHOLE, Box
from sploot_media_clustering.domain.drift import LEAST_ALBUMS, Finding, Terms
from sploot_media_clustering.evaluation.darkroom import Darkroom
from sploot_media_clustering.evaluation.degradations import KINDS
from sploot_media_clustering.services.answering import Request
from sploot_media_clustering.services.drift import AlbumView, checked, recorded, view
from sploot_media_clustering.training.labelled import DataSet, LabelledPhoto, read_data_sets

DRAWS: Final = 50
MOST_ALBUMS: Final = 40
MOST_PHOTOS: Final = 6
"""Of a set and of an album: enough to tell, and made in minutes."""
CAMERA_PX: Final = 240
CAMERA_GAIN: Final = (1.25, 1.0, 0.7)
"""A camera of few pixels whose white is warm."""
SHOWN: Final = 4
AT: Final = datetime.fromtimestamp(0, UTC)
Pixels = UInt8[np.ndarray, "h w 3"]


def worse_camera(pixels: Pixels, box: Box, rng: np.random.Generator) -> Pixels:
    """Fewer pixels, another white."""
    del box, rng
    small = Image.fromarray(pixels)
    small.thumbnail((CAMERA_PX, CAMERA_PX))
    warm = np.asarray(small, np.float64) * CAMERA_GAIN
    return np.clip(np.round(warm), 0, 255).astype(np.uint8)


AS_IT_IS: Final = "as it is"
WAYS: Final = {AS_IT_IS: None, "defocus": KINDS["defocus"], "dark": KINDS["dark"], "camera": worse_camera}


def albums_of(data_set: DataSet) -> list[list[LabelledPhoto]]:
    """Some photos of some animals, always the same."""
    by_animal: dict[str, list[LabelledPhoto]] = {}
    for photo in data_set.photos:
        if len(photo.animals) == 1:
            by_animal.setdefault(photo.animals[0], []).append(photo)
    rng = np.random.default_rng(0)
    albums = [by_animal[name] for name in sorted(by_animal)]
    chosen = [albums[i] for i in rng.permutation(len(albums))[:MOST_ALBUMS]]
    return [[album[i] for i in rng.permutation(len(album))[:MOST_PHOTOS]] for album in chosen]


def viewed(engine: Engine, album: Sequence[LabelledPhoto], way: str) -> AlbumView:
    """An album as drift sees it, its photos spoilt in some way."""
    room = Darkroom(engine.parts.decoder, engine.embedding.embed_one)
    spoil, rng = WAYS[way], np.random.default_rng(0)
    found = []
    for photo in album:
        if spoil is None:
            seen = engine.embed_one(photo.key, photo.path.read_bytes())
        else:
            seen = room.seen(photo.key, spoil(room.opened(photo), WHOLE, rng))
        found.append(replace(seen, image_id=photo.key))
    clustering = engine.clustering
    state = clustering.updated(clustering.empty(), found)
    return view(state, clustering.answer(state, Request(pet_id="album", at=AT, top=1, version=0)))


def rang(before: Sequence[AlbumView], now: Sequence[AlbumView], seed: int) -> tuple[Finding, ...]:
    """What rang."""
    return checked(recorded(before, "", AT), now, AT, terms=Terms(seed=seed)).alarms


def halves(ways: dict[str, list[AlbumView]], draws: int) -> None:
    """One half of a set against the other, as it is and spoilt."""
    count = len(ways[AS_IT_IS])
    for way, views in ways.items():
        rings, told = 0, []
        for draw in range(draws):
            order = np.random.default_rng(draw).permutation(count)
            first, second = order[: count // 2], order[count // 2 :]
            alarms = rang([ways[AS_IT_IS][i] for i in first], [views[i] for i in second], draw)
            rings += bool(alarms)
            told += [one.name for one in alarms]
        often = sorted(set(told), key=told.count, reverse=True)[:SHOWN]
        print(f"  {way}: {rings} of {draws} rang; {', '.join(often)}", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="+", type=Path)
    parser.add_argument("--draws", type=int, default=DRAWS)
    told = parser.parse_args()
    plain = {}
    with open_engine() as engine:
        for data_set in read_data_sets(told.sets):
            albums = albums_of(data_set)
            ways = {way: [viewed(engine, album, way) for album in albums] for way in WAYS}
            print(f"{data_set.name}: {len(albums)} albums", flush=True)
            if len(albums) >= 2 * LEAST_ALBUMS:
                halves(ways, told.draws)
            plain[data_set.name] = ways[AS_IT_IS]
    for one, before in plain.items():
        for other, now in plain.items():
            if one != other:
                alarms = rang(before, now, 0)
                shown = ", ".join(f"{part.name} {part.effect:+.2f}" for part in alarms[:SHOWN])
                print(f"{one}, then {other}: {len(alarms)} rang; {shown}", flush=True)


if __name__ == "__main__":
    main()
