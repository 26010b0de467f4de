"""Requests made from the OpenAPI document, with ids of things that exist: never a 5xx, never an undocumented answer."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import requests
from httpx2 import InvalidURL
from hypothesis import HealthCheck, Phase, given, reject, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode, openapi
from schemathesis.checks import CHECKS, not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from server_database import ASSET, INVENTORY
from server_world import World

EXAMPLES = 8
PARTS = {
    "auth": "/api/v1/auth", "admin": "/api/v1/admin", "profiles": "/api/v1/profiles",
    "projects": "/api/v1/bess-sizing/projects", "results": "/api/v1/bess-sizing/(?!projects)",
    "fleet": "/api/v1/fleet", "rest": "(?!/api/v1/(auth|admin|profiles|bess-sizing|fleet))",
}  # fmt: skip
CHECKED = ("status_code_conformance", "content_type_conformance", "response_headers_conformance",
           "response_schema_conformance")  # fmt: skip
TOPICS = "/api/v1/events"
"""All requests share one connection here, and several topics are asked for at once."""
NOT_READY = "/readyz"
"""Its 503 is an answer, not a failure: no worker runs here."""


@pytest.fixture(scope="session")
def schema(world: World) -> Any:
    return openapi.from_dict(world.client.get("/openapi.json").json())


@pytest.mark.parametrize("part", PARTS)
def test_answers_are_those_that_the_document_promises(world: World, schema: Any, part: str) -> None:
    ids = _ids(world)
    problems: list[str] = []
    for found in schema.get_all_operations():
        operation = found.ok()
        if re.match(PARTS[part], operation.path):
            problems += _problems_of(operation, lambda case: _send(world, case), ids)

    assert not problems, "\n\n".join(problems)


def _problems_of(operation: Any, send: Callable[[Case[Any]], Any], ids: dict[str, str]) -> list[str]:
    checks: list[Any] = [CHECKS.get_one(name) for name in CHECKED]
    if operation.path != NOT_READY:
        checks.append(not_a_server_error)
    problems: dict[str, str] = {}
    strategies = [operation.as_strategy(generation_mode=mode) for mode in GenerationMode]

    @settings(max_examples=EXAMPLES, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(case=st.one_of(strategies), real=st.integers(0, 3))
    def ask(case: Case[Any], real: int) -> None:
        if real:
            _put_ids(case, ids)
        if operation.path == TOPICS:
            case.query = {**(case.query or {}), "topics": "jobs"}
        try:
            answer = send(case)
        except InvalidURL:
            # Longer than any client of ours sends.
            reject()
        try:
            case.validate_response(answer, checks=checks)
        except FailureGroup as group:
            failures = [one for one in group.exceptions if isinstance(one, Failure)]
            for one in failures:
                problems.setdefault(one.title, f"{operation.label}: {one}\n{answer.request.url}\n{answer.text[:600]}")

    ask()
    return list(problems.values())


def _put_ids(case: Case[Any], ids: dict[str, str]) -> None:
    """Point a generated request at things that exist; most of the code lies behind finding them."""
    for name in case.path_parameters or {}:
        if name in ids:
            case.path_parameters[name] = ids[name]
    if isinstance(case.body, dict):
        for name in set(case.body) & set(ids):
            case.body[name] = ids[name]


def _send(world: World, case: Case[Any]) -> Any:
    made = requests.Request(**case.as_transport_kwargs(base_url="http://127.0.0.1:8000")).prepare()
    headers = {str(name): str(value) for name, value in made.headers.items() if name.lower() != "content-length"}
    headers |= world.headers["platform_admin"]
    return world.ask(headers, str(made.method), str(made.url), content=made.body)


def _ids(world: World) -> dict[str, str]:
    mine = {name: world.ids[f"platform_admin_{name}"] for name in ("session", "notification", "channel")}
    return {
        **{name: one for name, one in world.ids.items() if name.endswith("_id")},
        **{f"{name}_id": one for name, one in mine.items()},
        "user_id": world.ids["target"], "job_id": world.ids["cancelled_job_id"], "number": "1", "kind": "load",
        "module": "bess-sizing", "module_id": "bess-sizing", "email": "view@example.org",
        "asset_id": ASSET.id, "site_id": INVENTORY.sites[0].id,
    }  # fmt: skip
