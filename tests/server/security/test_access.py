"""Every route, asked by everybody, against a table that a person reviewed: `access_table.csv`."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from server_requests import request_of, with_unknown_id
from server_world import CALLERS, FLEET, World

from afterbay.server.platform_app import create_platform_app

OPEN = {
    "GET /", "GET /welcome", "GET /docs", "GET /docs/start.js", "GET /docs/{name}", "GET /openapi.json",
    "GET /problems/{code}", "GET /healthz", "GET /readyz", "GET /metrics", "GET /api/v1/auth/methods",
    "POST /api/v1/auth/login", "POST /api/v1/auth/logout", "POST /api/v1/auth/links/look",
    "POST /api/v1/auth/links/accept", "POST /api/v1/auth/forgotten", "GET /api/v1/auth/oidc/login",
    "GET /api/v1/auth/oidc/callback",
}  # fmt: skip
"""Routes that nobody has to be signed in for."""
READS = {"POST /api/v1/fleet/dispatch/preview", "POST /api/v1/bess-sizing/results/compare"}
"""Routes that keep nothing, and take a body."""
OWN = {"POST /api/v1/notifications/read", "POST /api/v1/notifications/{notification_id}/read"}
"""Routes that change nothing but what their caller has read."""


def _table() -> dict[str, dict[str, int]]:
    with Path(__file__).with_name("access_table.csv").open(newline="", encoding="utf-8") as file:
        return {
            f"{row['method']} {row['path']}": {who: int(row[who]) for who in CALLERS} for row in csv.DictReader(file)
        }  # fmt: skip


TABLE = _table()
OBJECTS = sorted(route for route in TABLE if "_id}" in route and FLEET not in route and "{module_id}" not in route)


def _routes(app: FastAPI) -> set[str]:
    return {
        f"{method} {route.path}"
        for route in iter_route_contexts(app.routes)
        for method in route.methods or ()
        if method not in ("HEAD", "OPTIONS")
    }  # fmt: skip


def test_the_table_names_every_route_and_no_other(world: World) -> None:
    settings = world.parts.settings.model_copy(update={"fleet": False})
    without_fleet = create_platform_app(replace(world.parts, settings=settings))

    assert _routes(world.app) == set(TABLE)
    assert _routes(without_fleet) == {route for route in TABLE if f" {FLEET}/" not in route}


@pytest.mark.parametrize("route", TABLE)
def test_everybody_is_answered_as_the_table_says(world: World, route: str) -> None:
    found = {}
    for who in CALLERS:
        method, path, more = request_of(route, world.ids)
        found[who] = world.ask(who, method, path, **more).status_code

    assert found == TABLE[route]


@pytest.mark.parametrize("route", OBJECTS)
def test_a_thing_of_somebody_else_is_answered_like_one_that_does_not_exist(world: World, route: str) -> None:
    places = with_unknown_id(route, world.ids)
    assert places is not None
    real_path, unknown_path, unknown = places
    method, _, more = request_of(route, world.ids)

    for who in ("nobody", "stranger", "target"):
        real, other = world.ask(who, method, real_path, **more), world.ask(who, method, unknown_path, **more)
        assert not real.is_success
        assert _shown(real, world.ids.values()) == _shown(other, [unknown, *world.ids.values()])


def _shown(answer: Any, ids: Any) -> tuple[int, str, dict[str, str]]:
    body = answer.json()
    body.pop("request_id")
    text = json.dumps(body)
    for one in ids:
        text = text.replace(one, "ID")
    passing = ("x-request-id", "date", "content-length")
    return answer.status_code, text, {name: value for name, value in answer.headers.items() if name not in passing}


def test_only_named_routes_are_open_to_who_is_not_signed_in() -> None:
    assert {route for route, row in TABLE.items() if row["nobody"] != 401} == OPEN


def test_a_token_that_is_over_is_worth_as_much_as_none() -> None:
    assert all(row["expired"] == row["nobody"] for row in TABLE.values())


def test_a_token_that_may_read_changes_nothing() -> None:
    changing = {route for route, row in TABLE.items() if not route.startswith("GET") and row["reader"] < 400}

    assert changing - OPEN == READS | OWN


def test_who_knows_the_id_of_a_strangers_thing_gets_nothing() -> None:
    opened = [route for route in OBJECTS if TABLE[route]["stranger"] not in (403, 404)]

    assert opened == []


def test_a_viewer_reads_and_changes_nothing() -> None:
    module = [route for route in TABLE if "/bess-sizing/" in route or "/profiles" in route]

    changing = {route for route in module if not route.startswith("GET") and TABLE[route]["viewer"] < 400}

    assert changing == {"POST /api/v1/bess-sizing/results/compare"}
