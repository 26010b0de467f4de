"""What people change of the fleet through the platform is in the trail with their name."""

from __future__ import annotations

from server_database import ASSET
from server_world import FLEET, World
from sqlalchemy import text


def _trail(world: World) -> list[tuple[str, str, str, object]]:
    with world.parts.sessions() as session:
        rows = session.execute(
            text("SELECT action, actor, resource_id, details FROM audit_events WHERE module = 'fleet' ORDER BY id")
        )
        return [(row[0], row[1], row[2], row[3]) for row in rows]


def test_a_command_and_a_change_leave_an_event_and_looking_leaves_none(world: World) -> None:
    command = {"asset_id": ASSET.id, "mw": 1.0, "duration_s": 60}
    with world.undone():
        before = len(_trail(world))
        world.done("stranger", "POST", f"{FLEET}/dispatch", json=command)
        world.done("stranger", "POST", f"{FLEET}/dispatch/preview", json=command)
        world.done("stranger", "GET", f"{FLEET}/assets")
        world.done("owner", "POST", f"{FLEET}/groups", json={"name": "Frequency", "asset_ids": [ASSET.id]})
        dispatched, grouped = _trail(world)[before:]

    assert dispatched == ("dispatch.asked", "stranger@example.org", ASSET.id, {"request": command})
    assert grouped[:2] == ("groups.created", "owner@example.org")


def test_what_is_refused_leaves_no_event(world: World) -> None:
    with world.undone():
        before = _trail(world)
        unknown = world.tell("stranger", "POST", f"{FLEET}/dispatch", json={"asset_id": "none", "mw": 1.0})
        forbidden = world.tell("viewer", "POST", f"{FLEET}/dispatch", json={"asset_id": ASSET.id, "mw": 1.0})
        after = _trail(world)

    assert (unknown.is_success, forbidden.status_code) == (False, 403)
    assert after == before
