"""Every key of the store. What is between braces decides the slot: a script touches keys of one slot only.

A key without braces lies in the slot of its whole name, and so does every key that has that name in braces.
"""

from __future__ import annotations

from typing import Final

from sploot_media_clustering.services.lanes import Lane

JOBS: Final = "streams:media.cluster"
"""Stream of jobs of the first partition, in the others with ``.1``, ``.2`` ... behind it."""
GROUP: Final = "media-clustering-workers"
"""Consumer group of the workers, on each stream of jobs."""

PARTITIONS: Final = f"{{{JOBS}}}:partitions"
"""String: how many partitions there are, for good; no key before the first worker or API."""

PAUSED: Final = f"{{{JOBS}}}:paused"
"""String: when consumption was paused; no key where it is not."""

MODELS: Final = f"{{{JOBS}}}:models"
"""List: ``MILLISECONDS MODEL_VERSION``, the models in charge, the last one that which is."""

DRIFT: Final = f"{{{JOBS}}}:drift"
"""String: what the last look at all albums came to, as JSON."""

RESULTS: Final = "streams:media.cluster.results"
"""Stream of what became of albums."""
RELAYED: Final = f"{{{RESULTS}}}:relayed"
"""Hash: pet id to the last version that was published."""

LETTERS: Final = "streams:media.cluster.deadletter"
"""Stream of messages that were given up."""
LETTER_OF: Final = f"{{{LETTERS}}}:about"
"""Hash: a job, or a message that could not be read, to the id of its dead letter."""


def jobs(partition: int) -> str:
    """Stream of jobs of a partition; publishers add to it."""
    return f"{JOBS}.{partition}" if partition else JOBS


def stream(lane: Lane) -> str:
    """Stream of the jobs that wait in a lane; both of a partition are in one slot."""
    own = jobs(lane.partition)
    return own if lane.name == "live" else f"{{{own}}}:{lane.name}"


def attempts(lane: Lane) -> str:
    """Hash: entry id to the times that it was worked on alone."""
    told = f"{{{jobs(lane.partition)}}}:attempts"
    return told if lane.name == "live" else f"{told}:{lane.name}"


def job(job_id: str) -> str:
    """Hash with a TTL: how far a job is."""
    return f"job:{{{job_id}}}"


def album(pet_id: str) -> str:
    """Hash: ``version`` and ``record`` of an album."""
    return f"{{pet:{pet_id}}}:album"


def payload(pet_id: str) -> str:
    """String with a TTL: the album's answer."""
    return f"{{pet:{pet_id}}}:payload"


def done(pet_id: str) -> str:
    """Sorted set: committed jobs by the version that holds them."""
    return f"{{pet:{pet_id}}}:done"


def dead(pet_id: str) -> str:
    """Sorted set: jobs in the dead letters, by the time they went there."""
    return f"{{pet:{pet_id}}}:dead"


def outbox(pet_id: str) -> str:
    """List: ``VERSION RESULT``, committed and not yet published."""
    return f"{{pet:{pet_id}}}:outbox"


def fence(pet_id: str) -> str:
    """String with a TTL: written to ask replicas for what was written before it."""
    return f"{{pet:{pet_id}}}:fence"
