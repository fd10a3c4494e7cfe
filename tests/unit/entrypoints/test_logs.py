"""What a line of the log looks like, to people and to machines."""

from __future__ import annotations

import json
import logging

import pytest

from sploot_media_clustering.entrypoints.logs import FORMATS, ForMachines, ForPeople
from sploot_media_clustering.errors import ConfigurationError
from sploot_media_clustering.services.telling import facts
from sploot_media_clustering.settings import log_format


def record(message: str, *args: object, **more: object) -> logging.LogRecord:
    return logging.getLogger("some.part").makeRecord(
        "some.part",
        logging.WARNING,
        __file__,
        1,
        message,
        args,
        more.pop("exc_info", None),
        extra=more or None,
    )


def test_people_read_a_line_with_the_facts_at_its_end() -> None:
    """None of them, where there are none."""
    told = ForPeople().format(record("%d jobs wait", 3))
    assert told.endswith("WARNING some.part 3 jobs wait")
    told = ForPeople().format(record("done", **facts(pet_id="milo", version=None)))
    assert told.endswith('done {"pet_id": "milo"}')


def test_machines_read_an_object_a_line() -> None:
    """Facts beside what every line has, which they can't hide; tracebacks inside, whatever is in them."""
    told = ForMachines().format(record('a "word"\nand another', **facts(pet_id="milo", level="hidden", at=0)))
    found = json.loads(told)
    assert "\n" not in told
    assert found.pop("at").endswith("+00:00")
    assert found == {
        "pet_id": "milo",
        "level": "warning",
        "logger": "some.part",
        "message": 'a "word"\nand another',
    }
    error = ValueError("no such thing")
    failed = ForMachines().format(record("failed", exc_info=(type(error), error, None)))
    assert "ValueError: no such thing" in json.loads(failed)["traceback"]


def test_the_form_is_a_setting() -> None:
    """Text unless JSON is asked for."""
    assert [log_format({}), log_format({"SPLOOT_LOG": "json"})] == list(FORMATS)
    with pytest.raises(ConfigurationError, match="SPLOOT_LOG is 'xml', expected text or json"):
        log_format({"SPLOOT_LOG": "xml"})
