"""What a look for drift came to, in Markdown."""

from __future__ import annotations

from typing import Final

from sploot_media_clustering.domain.drift import Finding
from sploot_media_clustering.services.drift import DriftReport

_LEGEND: Final = (
    "Effect of vectors (`photos`, `animals`): by how much photos of the two samples are less alike than "
    "photos of one, 0 to 1. Effect of figures: difference of means in standard deviations between albums. "
    "p: how often chance alone brings as much in any line of the table."
)


def markdown(report: DriftReport, picture: str | None = None) -> str:
    """The report for people.

    Args:
        report: to be told.
        picture: file of its plots, where there is one.
    """
    lines = ["# Drift", "", verdict(report), ""]
    lines += [f"![Effects, distributions and albums]({picture})", ""] if picture else []
    lines += ["| what | before | now | effect | p | |", "| --- | --- | --- | --- | --- | --- |"]
    lines += [_line(one) for one in report.findings]
    return "\n".join([*lines, "", _LEGEND]) + "\n"


def verdict(report: DriftReport) -> str:
    """A sentence or two: what was compared, and what rang."""
    count = len(report.alarms)
    told = f"{count} of {len(report.findings)} figures have drifted" if count else "Nothing has drifted"
    left = f"; {report.other_models} albums of other models were left out" if report.other_models else ""
    return (
        f"{told}: {report.albums} albums with {report.photos} photos, compared with the "
        f"{report.reference_albums} albums with {report.reference_photos} photos of "
        f"{report.reference_at:%Y-%m-%d}, model {report.model_version}{left}. Where nothing has changed, "
        f"{report.error_rate:.1%} of such looks ring."
    )


def _line(one: Finding) -> str:
    means = ["" if value is None else f"{value:.3f}" for value in (one.before, one.now)]
    alarm = "**alarm**" if one.alarm else ""
    return f"| {one.name} | {means[0]} | {means[1]} | {one.effect:+.2f} | {one.p:.4f} | {alarm} |"
