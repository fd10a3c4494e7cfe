"""What is measured of a worker. No label has values that grow with albums, photos or jobs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from sploot_media_clustering.services.answer import Answer
from sploot_media_clustering.services.drift import DriftReport
from sploot_media_clustering.services.overseeing import Overview
from sploot_media_clustering.services.shadow import Difference

_STEP_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Around a commit (milliseconds), an embedding (tens of them), and an album that settles (a second)."""
_JOB_S: Final = (0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0, 300.0, 1800.0, 7200.0)
"""From one photo on an idle worker (0.2 s) to a queue of hours."""
_BATCH: Final = (1, 2, 4, 8, 16)
_CLUSTERS: Final = (0, 1, 2, 3, 5, 8, 13, 21, 34)
_SCORES: Final = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


class WorkerMetrics:
    """Counters and histograms of one worker.

    Args:
        registry: where they are found again.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"sploot_worker_{name}", text, labels, registry=registry)

        def histogram(
            name: str, text: str, buckets: tuple[float, ...] = _STEP_S, labels: tuple[str, ...] = ()
        ) -> Histogram:
            return Histogram(f"sploot_worker_{name}", text, labels, buckets=buckets, registry=registry)

        self.jobs = counter("jobs", "Jobs that ended.", "status")
        self.taken = counter("messages_taken", "Messages taken from the stream.")
        self.claims = counter("messages_claimed", "Messages taken over from workers that fell silent.")
        self.attempts = counter(
            "attempts_alone", "Attempts at messages that failed, or crashed a worker, before."
        )
        self.letters = counter("dead_letters", "Messages that were given up.")
        self.commits = counter("commits", "Commits by what became of them.", "result")
        self.fetches = counter(
            "fetches", "Photos asked for; those unavailable are asked for again.", "outcome"
        )
        self.photos = counter("photos", "Photos that went through the networks.", "outcome")
        self.job_seconds = histogram(
            "job_seconds", "From a job's storage to its acknowledgement.", _JOB_S, ("lane",)
        )
        self.recalled = counter("embeddings_kept", "Embeddings looked for among those kept.", "outcome")
        self.batch_photos = histogram("batch_photos", "Photos in a batch.", _BATCH)
        self.seconds: Mapping[str, Histogram] = {
            "fetch": histogram("fetch_seconds", "Reading one photo."),
            "decode": histogram("decode_seconds", "Decoding one photo."),
            "embed": histogram("embedding_seconds", "One batch through decoder and networks."),
            "cluster": histogram(
                "clustering_seconds", "Jobs applied to an album: arrivals, settling, heroes, its answer."
            ),
            "heroes": histogram("heroes_seconds", "Of that, heroes ranked and the answer made."),
            "commit": histogram("commit_seconds", "One commit."),
        }
        self.clusters = histogram("album_clusters", "Clusters of an album.", _CLUSTERS, ("level",))
        self.hero_scores = histogram("hero_score", "Score of a cluster's first hero.", _SCORES, ("level",))
        self._agreement = histogram(
            "shadow_agreement", "Of what answers and its shadow, adjusted for chance.", _SCORES, ("level",)
        )
        self._shadow_heroes = counter(
            "shadow_heroes", "Heroes that the shadow would have kept or changed.", "level", "outcome"
        )
        self._model = Gauge(
            "sploot_worker_model", "1 for the model that runs.", ("model", "networks"), registry=registry
        )

    def runs(self, model: str, networks: str) -> None:
        """A model runs from now on, and no other."""
        self._model.clear()
        self._model.labels(model, networks).set(1)

    def answered(self, answer: Answer) -> None:
        """What an album came to."""
        sizes = {"subject": 0, "look": 0}
        for cluster in answer.clusters:
            sizes[cluster.level] += 1
            if cluster.heroes:
                self.hero_scores.labels(cluster.level).observe(cluster.heroes[0].score)
        for level, count in sizes.items():
            self.clusters.labels(level).observe(count)

    def shadowed(self, found: Difference) -> None:
        """How a shadow would have answered."""
        self._agreement.labels(found.cluster_level).observe(found.agreement)
        self._shadow_heroes.labels(found.cluster_level, "kept").inc(found.heroes_kept)
        self._shadow_heroes.labels(found.cluster_level, "changed").inc(found.heroes - found.heroes_kept)


class StoreGauges:
    """Gauges of what is in the store; the same from whichever process tells them.

    Args:
        registry: where they are found again.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"sploot_{name}", text, labels, registry=registry)

        where = ("partition", "lane")
        self._waiting = gauge("jobs_waiting", "Jobs that no worker has taken up.", *where)
        self._in_hand = gauge("jobs_in_hand", "Jobs that a worker has.", *where)
        self._oldest = gauge("oldest_job_seconds", "Age of the oldest job that has not ended.", *where)
        self._workers = gauge("workers", "Workers that were heard of lately.")
        self._paused = gauge("consumption_paused", "1 while no jobs are taken up.")
        self._letters = gauge("dead_letters_stored", "Messages that were given up and wait for somebody.")
        self._letters_most = gauge("dead_letters_most", "As many of them are kept; then jobs wait.")
        self._drift_checked = gauge("drift_checked_timestamp_seconds", "When drift was looked for.", "model")
        self._drift_alarm = gauge("drift_alarm", "1 for what has drifted.", "model", "what")
        self._drift_effect = gauge("drift_effect", "How far it has.", "model", "what")

    def show(self, overview: Overview) -> None:
        """Set them."""
        for told in overview.lanes:
            where = (str(told.partition), told.lane)
            self._waiting.labels(*where).set(told.waiting)
            self._in_hand.labels(*where).set(told.in_hand)
            self._oldest.labels(*where).set(told.oldest_s)
        self._workers.set(len(overview.workers))
        self._paused.set(overview.paused_at is not None)
        self._letters.set(overview.dead_letters)
        self._letters_most.set(overview.dead_letters_most)
        for gauge in (self._drift_checked, self._drift_alarm, self._drift_effect):
            gauge.clear()
        if overview.drift is not None:
            self._show_drift(overview.drift)

    def _show_drift(self, report: DriftReport) -> None:
        model = report.model_version
        self._drift_checked.labels(model).set(report.checked_at.timestamp())
        for found in report.findings:
            self._drift_alarm.labels(model, found.name).set(found.alarm)
            self._drift_effect.labels(model, found.name).set(found.effect)
