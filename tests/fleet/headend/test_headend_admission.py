"""Certificates and tokens on a real socket: who gets in, who does not, and what is said about it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import grpc
import pytest
from fleet_certificates import Authority, Pair
from fleet_link import ASSETS, Agent, inventory, register, until

from afterbay.core.errors import InvalidInputError
from afterbay.fleet.headend import Headend
from afterbay.fleet.headend.server import HeadendServer
from afterbay.fleet.messages import Welcome
from afterbay.fleet.wire.identity import AllowList, Grant
from afterbay.fleet.wire.tls import ClientTls, ServerTls, diagnose

A, B = ASSETS[:2]
NORTH = "urn:afterbay:gateway:north"


def run(story: Coroutine[Any, Any, None]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(30.0):
            await story

    asyncio.run(bounded())


class Realm:
    """A headend with mutual TLS that knows one gateway, which may claim one asset."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder)
        self.own = self.authority.issue("headend", host="127.0.0.1")
        self.allow = AllowList({NORTH: Grant(NORTH, "north", frozenset({A}))}, {})
        self.tls = ServerTls(self.own.certificate, self.own.key, self.authority.certificate)

    def client(self, pair: Pair | None) -> ClientTls:
        if pair is None:
            return ClientTls(self.authority.certificate)
        return ClientTls(self.authority.certificate, pair.certificate, pair.key)


def test_a_certificate_claims_its_own_assets_and_no_other(tmp_path: Path) -> None:
    realm = Realm(tmp_path)
    north = realm.authority.issue("north", uri=NORTH)

    async def story() -> None:
        async with (
            Headend(inventory()) as headend,
            HeadendServer(headend, "127.0.0.1:0", tls=realm.tls, allow=realm.allow) as server,
            Agent.dial(f"127.0.0.1:{server.port}", tls=realm.client(north)) as agent,
        ):
            await agent.say(register([A, B], gateway="north"))
            welcome = await agent.hear(Welcome)
            assert (welcome.accepted, welcome.refused) == ((A,), {B: "not_allowed"})
            assert await asyncio.to_thread(diagnose, f"127.0.0.1:{server.port}", realm.client(north)) is None

    run(story())


def test_a_certificate_that_is_not_listed_is_turned_away_and_the_operator_sees_it(tmp_path: Path) -> None:
    realm = Realm(tmp_path)
    south = realm.authority.issue("south", uri="urn:afterbay:gateway:south")

    async def story() -> None:
        async with (
            Headend(inventory()) as headend,
            HeadendServer(headend, "127.0.0.1:0", tls=realm.tls, allow=realm.allow) as server,
            Agent.dial(f"127.0.0.1:{server.port}", tls=realm.client(south)) as agent,
        ):
            told = await agent.ending(register([A], gateway="north"))
            assert told.code() is grpc.StatusCode.UNAUTHENTICATED
            assert "not on the allow-list" in (told.details() or "")
            (event,) = headend.events()
            assert event.event_type == "caller_refused"
            assert "urn:afterbay:gateway:south" in event.message

    run(story())


@pytest.mark.parametrize("kind", ["none", "foreign", "expired"])
def test_without_a_valid_certificate_nobody_gets_in_and_the_reason_is_found(tmp_path: Path, kind: str) -> None:
    realm = Realm(tmp_path)
    shown: Pair | None = None
    if kind == "foreign":
        shown = Authority(tmp_path, "another authority").issue("north", uri=NORTH)
    elif kind == "expired":
        shown = realm.authority.issue("north", uri=NORTH, expired=True)

    async def story() -> None:
        async with (
            Headend(inventory()) as headend,
            HeadendServer(headend, "127.0.0.1:0", tls=realm.tls, allow=realm.allow) as server,
            Agent.dial(f"127.0.0.1:{server.port}", tls=realm.client(shown)) as agent,
        ):
            told = await agent.ending(register([A], gateway="north"))
            assert told.code() is grpc.StatusCode.UNAVAILABLE
            assert headend.health().streams == 0
            reason = await asyncio.to_thread(diagnose, f"127.0.0.1:{server.port}", realm.client(shown))
            assert reason is not None
            assert "does not accept this agent's certificate" in reason
            assert ("none was given" if shown is None else "north.pem: not its authority's, or expired") in reason

    run(story())


def test_an_agent_refuses_a_headend_whose_certificate_has_expired_and_says_so(tmp_path: Path) -> None:
    realm = Realm(tmp_path)
    old = realm.authority.issue("headend", host="127.0.0.1", expired=True)

    async def story() -> None:
        async with (
            Headend(inventory()) as headend,
            HeadendServer(headend, "127.0.0.1:0", tls=ServerTls(old.certificate, old.key)) as server,
        ):
            reason = await asyncio.to_thread(diagnose, f"127.0.0.1:{server.port}", realm.client(None))
            assert reason is not None
            assert "certificate has expired" in reason

    run(story())


def test_a_renewed_certificate_is_taken_without_a_restart(tmp_path: Path) -> None:
    realm = Realm(tmp_path)
    old = realm.authority.issue("headend", host="127.0.0.1", expired=True)

    async def story() -> None:
        async with (
            Headend(inventory()) as headend,
            HeadendServer(headend, "127.0.0.1:0", tls=ServerTls(old.certificate, old.key)) as server,
        ):
            realm.authority.issue("headend", host="127.0.0.1")  # writes the same files
            async with Agent.dial(f"127.0.0.1:{server.port}", tls=realm.client(None)) as agent:
                await agent.say(register())
                await agent.hear(Welcome)

    run(story())


@pytest.mark.parametrize(("token", "gets_in"), [("t0ken", True), ("wrong", False), (None, False)])
def test_a_token_is_enough_where_no_certificate_is_asked_for(token: str | None, gets_in: bool) -> None:
    async def story() -> None:
        allow = AllowList.of_one_token("t0ken")
        async with (
            Headend(inventory()) as headend,
            HeadendServer(headend, "127.0.0.1:0", allow=allow) as server,
            Agent.dial(f"127.0.0.1:{server.port}", token=token) as agent,
        ):
            if gets_in:
                await agent.say(register())
                await agent.hear(Welcome)
                await until(lambda: headend.agent(A).connected)
            else:
                told = await agent.ending()
                assert told.code() is grpc.StatusCode.UNAUTHENTICATED

    run(story())


def test_a_headend_in_plain_text_off_loopback_does_not_start() -> None:
    async def story() -> None:
        async with Headend(inventory()) as headend:
            with pytest.raises(InvalidInputError, match="plain text"):
                async with HeadendServer(headend, "0.0.0.0:0"):
                    pass

    run(story())
