"""``python -m sploot_media_clustering.demo FOLDER`` writes the demo's camera roll."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from sploot_media_clustering.demo.roll import Roll, write_roll
from sploot_media_clustering.errors import MissingExtraError


def main() -> int:
    """Parse, write, tell; 1 when no picture was found."""
    parser = argparse.ArgumentParser(
        prog="sploot_media_clustering.demo", description="Write a small camera roll."
    )
    parser.add_argument("folder", type=Path, help="where the photos go")
    parser.add_argument("--seed", type=int, default=7, help="of the simulation (7)")
    parser.add_argument(
        "--pictures", action="append", default=[], metavar="DIR", help="where more packages lie"
    )
    arguments = parser.parse_args()
    try:
        roll = write_roll(arguments.folder, seed=arguments.seed, search_path=arguments.pictures)
    except MissingExtraError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(_summary(roll))
    return 0


def _summary(roll: Roll) -> str:
    names = sorted({picture.name for picture in roll.used if picture.animal})
    origins = sorted({f"{picture.carrier.package} ({picture.licence})" for picture in roll.used})
    lines = [
        f"A camera roll of {len(roll.animals)} photos and a broken one in {roll.folder}",
        f"  {len(names)} animals: {', '.join(names)}",
        f"  pictures from {', '.join(origins)}; see SOURCES.md there",
    ]
    if roll.missing:
        packages = sorted({picture.carrier.package for picture in roll.missing})
        lines.append(f"  left out, since their package is not installed: {', '.join(packages)}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
