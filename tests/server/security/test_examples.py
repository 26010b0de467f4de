"""What the OpenAPI document gives as an example can be sent as it stands."""

from __future__ import annotations

import json
from typing import Any

import pytest
from server_requests import request_of
from server_world import World

HOLDS_A_SECRET = {
    "post /api/v1/auth/login": 401, "post /api/v1/auth/refresh": 401, "post /api/v1/auth/links/look": 404,
    "post /api/v1/auth/links/accept": 404, "post /api/v1/auth/password": 403, "post /api/v1/auth/forgotten": 404,
}  # fmt: skip
"""Well formed, but nobody has this password or link; and no mail is sent in tests."""
FLEET = "/api/v1/fleet/"
AN_ID = "8c5c0f0e-6a0c-4c3e-9b60-5b1f6f2a7f10"
"""Stands in examples for the id of a run."""


def _examples(document: dict[str, Any]) -> dict[str, list[Any]]:
    """Return the examples of every JSON body, by method and path."""
    found: dict[str, list[Any]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if content is not None and not path.startswith(FLEET):
                found[f"{method} {path}"] = _of(content["schema"], document["components"]["schemas"])
    return found


def _of(schema: dict[str, Any], known: dict[str, Any]) -> list[Any]:
    whole = known[schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema
    inner = [one for name in ("oneOf", "anyOf") for part in whole.get(name, ()) for one in _of(part, known)]
    return [*whole.get("examples", ()), *inner]


@pytest.fixture(scope="module")
def examples(world: World) -> dict[str, list[Any]]:
    return _examples(world.client.get("/openapi.json").json())


def test_every_json_body_has_an_example(examples: dict[str, list[Any]]) -> None:
    assert len(examples) > 25
    assert [operation for operation, found in examples.items() if not found] == []


def test_every_example_can_be_sent_as_it_stands(world: World, examples: dict[str, list[Any]]) -> None:
    wrong = []
    for operation, found in examples.items():
        method, template = operation.split(" ", 1)
        _, path, _ = request_of(f"{method.upper()} {template}", world.ids)
        for example in found:
            body = json.loads(json.dumps(example).replace(AN_ID, world.ids["simulation_id"]))
            who = "owner" if "{comment_id}" in operation else "platform_admin"
            answer = world.ask(who, method.upper(), path, json=body)
            expected = HOLDS_A_SECRET.get(operation)
            if answer.status_code != expected if expected else not answer.is_success:
                wrong.append(f"{operation} {body}: {answer.status_code} {answer.text[:300]}")

    assert wrong == []


def test_where_a_thing_of_the_fleet_was_made_is_named_as_the_platform_has_it(world: World) -> None:
    made = world.ask("platform_admin", "POST", f"{FLEET}sites", json={"name": "Harbour", "time_zone": "Europe/London"})

    assert made.status_code == 201
    assert made.headers["location"] == f"{FLEET}sites/{made.json()['site_id']}"
