"""What docs/integration.md tells people upstream to send is what the service reads."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest
import redis

from sploot_media_clustering.adapters.embedded_store import embedded_store
from sploot_media_clustering.adapters.redis_keys import JOBS
from sploot_media_clustering.services.job_request import JobImage, JobRequest
from sploot_media_clustering.services.jobs import parse

PAGE = (Path(__file__).parents[2] / "docs" / "integration.md").read_text(encoding="utf-8")
JOB = JobRequest(
    pet_id="milo-42",
    job_id="upload-7f3a",
    images=(JobImage(image_id="IMG_1.jpg", uri="https://photos.example.com/IMG_1.jpg"),),
)


def blocks(language: str) -> list[str]:
    found = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found
    return found


def test_the_lines_in_python_put_a_job_into_the_stream(tmp_path: Path) -> None:
    """Run as they stand, but for the server's address."""
    with embedded_store(tmp_path) as store:
        (code,) = blocks("python")
        assert code.count("redis://localhost:6379") == 1
        exec(code.replace("redis://localhost:6379", store.url), {})  # noqa: S102 - our own page
        with redis.Redis.from_url(store.url) as client:
            ((entry_id, fields),) = client.xrange(JOBS)
    assert parse(fields, entry_id.decode()) == JOB


@pytest.mark.parametrize("number", [0, 1], ids=["redis-cli", "curl"])
def test_the_lines_for_a_shell_hold_the_same_job(number: int) -> None:
    """As JSON between quotes."""
    (told,) = re.findall(r"'(\{.*?\})'", blocks("sh")[number], re.DOTALL)
    assert msgspec.json.decode(told, type=JobRequest) == JOB


def test_the_lines_in_node_hold_the_same_job() -> None:
    """Its object literal is JSON but for the quotes around names."""
    (told,) = re.findall(r"^const job = (\{.*\});$", blocks("js")[0], re.MULTILINE)
    assert msgspec.json.decode(re.sub(r"(\w+): ", r'"\1": ', told), type=JobRequest) == JOB
    assert f'"{JOBS}"' in blocks("js")[0]
