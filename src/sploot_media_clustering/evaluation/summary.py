"""What an evaluation says, in sentences for people who know their animals and not the measures."""

from __future__ import annotations

from typing import Final

from sploot_media_clustering.evaluation.outcome import SETS, Matrix, Outcome
from sploot_media_clustering.evaluation.results import Results

_CONFUSED: Final = 0.05
"""Share of pairs of photos from which two animals are told to be confused."""

_MOST_PAIRS: Final = 3


def summary_of(results: Results) -> list[str]:
    """Sentences, one a paragraph; empty where households were not measured."""
    by_id = {outcome.protocol: outcome for outcome in results.outcomes}
    households = by_id.get("households-e2e-1") or by_id.get("households-1")
    if households is None:
        return []
    return [
        f"Judged by: {households.judged_by}.",
        *_households(households),
        *(_confused(matrix) for matrix in households.matrices),
        *_corrections(by_id.get("corrections-1")),
    ]


def _households(outcome: Outcome) -> list[str]:
    purity, aside, clusters, alone = (
        outcome.value(SETS, name) for name in ("purity", "unassigned", "clusters_per_group", "alone_clusters")
    )
    if purity is None or aside is None or clusters is None:
        return []
    said = (
        f"In albums of two to four animals, {purity:.0%} of the photos that were given a place stand with "
        f"their own animal, and {aside:.0%} were left aside. There are {clusters:.2f} clusters an animal"
    )
    if alone is not None:
        said += f", {alone:.2f} where it is the album's only one"
    return [f"{said}; 1 is right."]


def _confused(matrix: Matrix) -> str:
    pairs = sorted(
        (
            (value, matrix.names[row], matrix.names[column])
            for row, values in enumerate(matrix.values)
            for column, value in enumerate(values[:row])
            if value >= _CONFUSED
        ),
        reverse=True,
    )[:_MOST_PAIRS]
    name = matrix.title.partition(":")[0]
    if not pairs:
        return f"{name}: no two animals are taken for each other."
    told = ", ".join(f"{one} and {other} ({value:.0%})" for value, one, other in pairs)
    return f"{name}: most often taken for each other are {told}, in per cent of their pairs of photos."


def _corrections(outcome: Outcome | None) -> list[str]:
    decisions = outcome.value(SETS, "decisions_for_20_photos") if outcome else None
    if decisions is None:
        return []
    return [f"A person makes {decisions:.1f} corrections for every 20 photos until everything is right."]
