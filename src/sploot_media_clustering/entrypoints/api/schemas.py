"""The OpenAPI document's schemas, made from the structs that requests are read with and answers written from.

One definition says what is accepted and what is documented, so the two can't part.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

import msgspec

from sploot_media_clustering.entrypoints.api.problems import MEDIA_TYPE, ProblemDocument

Responses: TypeAlias = dict[int | str, dict[str, Any]]
"""Documented answers by status, as FastAPI takes them."""

_REF: Final = "#/components/schemas/{name}"
_MARKUP: Final = re.compile(r":[a-z]+:`~?\.?([^`<]+)`|``([^`]+)``")
_ATTRIBUTES: Final = re.compile(r"\n\s*Attributes:\n", re.MULTILINE)
_ATTRIBUTE: Final = re.compile(r"^\s*(\w+): (.+?)(?=^\s*\w+: |\Z)", re.MULTILINE | re.DOTALL)


def reference(kind: type[msgspec.Struct]) -> dict[str, str]:
    """A reference to a struct's schema."""
    return {"$ref": _REF.format(name=kind.__name__)}


def problem(description: str) -> dict[str, Any]:
    """A documented answer that is a problem."""
    return {"description": description, "content": {MEDIA_TYPE: {"schema": reference(ProblemDocument)}}}


ANY_PROBLEM: Final[Responses] = {
    401: problem("No token of this installation."),
    403: problem("In local mode: not from this machine."),
    422: problem("Not what was expected; `errors` names each mistake."),
    429: problem("Too many requests; `Retry-After` says when to try again."),
    500: problem("A bug of ours."),
    503: problem("The store did not answer; try again."),
}
"""What every route with a token may answer."""

OF_A_BODY: Final[Responses] = {
    408: problem("The body did not come in time."),
    413: problem("The body is too large."),
    415: problem("Not JSON."),
}
"""What every route with a body may answer besides."""


def answered(
    kind: type[msgspec.Struct], description: str, example: object = None, **headers: str
) -> dict[str, Any]:
    """A documented answer of JSON.

    Args:
        kind: what it holds.
        description: of the answer.
        example: of it.
        headers: of the answer and what they tell, underscores for hyphens.
    """
    content: dict[str, Any] = {"schema": reference(kind)}
    if example is not None:
        content["example"] = example
    told: dict[str, Any] = {"description": description, "content": {"application/json": content}}
    if headers:
        told["headers"] = {
            name.replace("_", "-"): {"description": text, "schema": {"type": "string"}}
            for name, text in headers.items()
        }
    return told


def body(schema: Mapping[str, Any], examples: Mapping[str, object]) -> dict[str, Any]:
    """The ``openapi_extra`` of a route that reads JSON.

    Args:
        schema: of the body.
        examples: of it, by what they show.
    """
    shown = {name: {"value": value} for name, value in examples.items()}
    return {
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": dict(schema), "examples": shown}},
        }
    }


def components(kinds: Sequence[type[msgspec.Struct]]) -> dict[str, Any]:
    """Schemas of structs and of all that they hold, by name, described by their docstrings."""
    _, found = msgspec.json.schema_components([ProblemDocument, *kinds], ref_template=_REF)
    return {name: _described(schema) for name, schema in found.items()}


def _described(schema: dict[str, Any]) -> dict[str, Any]:
    """A struct's docstring, told apart: its own sentence, and one for each property."""
    text, *attributes = _ATTRIBUTES.split(schema.get("description", ""), maxsplit=1)
    schema = schema | {"description": _plain(text)}
    if "properties" in schema:
        told = {name: _plain(sentence) for name, sentence in _ATTRIBUTE.findall("".join(attributes))}
        schema["properties"] = {
            name: (part | {"description": told[name]}) if name in told and "$ref" not in part else part
            for name, part in schema["properties"].items()
        }
    return schema


def _plain(text: str) -> str:
    """Without the mark-up of docstrings, in one line."""
    return " ".join(_MARKUP.sub(lambda found: f"`{found[1] or found[2]}`", text).split())
