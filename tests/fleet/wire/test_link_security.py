"""Plain text on loopback only, files that can be used, and who may claim what."""

from __future__ import annotations

import asyncio
import socket
from hashlib import sha256
from pathlib import Path

import grpc.aio
import pytest
from fleet_certificates import Authority
from fleet_link import ASSETS, OTHER_SITE, SITE

from afterbay.core.errors import InvalidInputError, UnavailableError
from afterbay.fleet.wire.identity import OPEN, AllowList, Grant, read_allow_list
from afterbay.fleet.wire.tls import (
    ClientTls,
    ServerTls,
    diagnose,
    is_loopback,
    open_channel,
    open_port,
    peer_names,
    token_metadata,
    token_of,
)


@pytest.mark.parametrize("address", ["127.0.0.1:1", "127.9.9.9:1", "localhost:1", "[::1]:1", "unix:/tmp/x"])
def test_loopback_is_recognised(address: str) -> None:
    assert is_loopback(address)


@pytest.mark.parametrize("address", ["0.0.0.0:1", "[::]:1", "10.0.0.1:1", "headend.example:1", "127.0.0.1.example:1"])
def test_other_addresses_are_not_loopback(address: str) -> None:
    assert not is_loopback(address)


@pytest.mark.parametrize("address", ["50051", "host", "host:x", "::1:50051", ":5", "h:70000"])
def test_an_address_that_is_none_is_refused_with_an_example(address: str) -> None:
    with pytest.raises(InvalidInputError, match="host:port, such as"):
        is_loopback(address)


def test_a_channel_in_plain_text_elsewhere_is_refused_with_what_to_do() -> None:
    with pytest.raises(InvalidInputError, match=r"10\.0\.0\.1:50051: got plain text.*loopback.*give a certificate"):
        open_channel("10.0.0.1:50051", None)


def listen(address: str, tls: ServerTls | None, proxy: str = "") -> int:
    async def there() -> int:
        return open_port(grpc.aio.server(), address, tls, proxy=proxy)

    return asyncio.run(there())


def test_a_port_in_plain_text_elsewhere_needs_a_named_proxy() -> None:
    with pytest.raises(InvalidInputError, match="plain text"):
        listen("0.0.0.0:0", None)

    assert listen("0.0.0.0:0", None, proxy="nginx") > 0


def test_a_port_that_is_taken_is_said_in_words() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(UnavailableError, match="cannot listen there"):
            listen(f"127.0.0.1:{taken.getsockname()[1]}", None)


def test_a_key_that_does_not_fit_is_refused_before_anybody_connects(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    one, other = authority.issue("one", host="127.0.0.1"), authority.issue("other")

    with pytest.raises(InvalidInputError, match=r"one\.pem: got .*mismatch"):
        listen("127.0.0.1:0", ServerTls(one.certificate, other.key))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"none\.pem: got No such file"):
        open_channel("127.0.0.1:1", ClientTls(ca=tmp_path / "none.pem"))


def test_a_certificate_without_its_key_is_refused(tmp_path: Path) -> None:
    pair = Authority(tmp_path).issue("one")

    with pytest.raises(InvalidInputError, match="certificate and key together"):
        open_channel("127.0.0.1:1", ClientTls(certificate=pair.certificate))


def test_the_name_of_a_peer_is_its_uri_before_its_common_name_and_never_a_host_name() -> None:
    context = {
        "x509_common_name": [b"north"],
        "x509_subject_alternative_name": [b"host.example", b"urn:afterbay:gateway:north"],
    }

    assert peer_names(context) == ("urn:afterbay:gateway:north", "north")
    assert peer_names({}) == ()


def test_a_token_comes_out_as_it_went_in() -> None:
    assert token_of(token_metadata("s3cret")) == "s3cret"
    assert token_of(token_metadata(None)) is None
    assert token_of((("authorization", "Basic abc"),)) is None


def test_a_closed_port_is_said_in_words(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        told = diagnose(f"127.0.0.1:{taken.getsockname()[1]}", ClientTls(ca=Authority(tmp_path).certificate))

    assert told is not None
    assert "cannot connect: Connection refused" in told


def test_a_grant_gives_assets_and_the_assets_of_sites() -> None:
    grant = Grant("n", None, frozenset({ASSETS[0]}), frozenset({OTHER_SITE}))

    assert grant.allows(ASSETS[0], SITE)
    assert grant.allows(ASSETS[3], OTHER_SITE)
    assert not grant.allows(ASSETS[1], SITE)
    assert OPEN.allows("anything", "anywhere")


def test_an_allow_list_is_read_by_name_and_token(tmp_path: Path) -> None:
    path = tmp_path / "allow.yaml"
    path.write_text(
        f"""
gateways:
  - name: urn:afterbay:gateway:north
    gateway_id: north
    sites: [{SITE}]
  - token_sha256: {sha256(b"t0ken").hexdigest()}
    assets: [{ASSETS[3]}]
"""
    )

    allow = read_allow_list(path)

    by_name, by_token = allow.of_names(["nobody", "urn:afterbay:gateway:north"]), allow.of_token("t0ken")
    assert by_name is not None
    assert by_token is not None
    assert (by_name.gateway_id, by_name.asset_ids, by_name.site_ids) == ("north", frozenset(), frozenset({SITE}))
    assert by_token.asset_ids == frozenset({ASSETS[3]})
    assert allow.of_token("other") is None
    assert allow.of_names([]) is None


def test_one_token_for_all_lets_in_who_knows_it() -> None:
    allow = AllowList.of_one_token("t0ken")

    grant = allow.of_token("t0ken")
    assert grant is not None
    assert grant.allows(ASSETS[0], SITE)
    assert allow.of_token("t0ken ") is None


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ("gateways: {}", "a key `gateways` with a list"),
        ("", "a key `gateways` with a list"),
        ("gateways: [north]", r"gateways\[0\]: got north"),
        ("gateways: [{assets: []}]", "neither name nor token_sha256"),
        ("gateways: [{name: n, asset: []}]", "an unknown key"),
        ("gateways: [{name: n, assets: [1]}]", "a list of ids"),
        ("gateways: [{name: n}, {name: n}]", "stands once"),
        ("gateways: [{token_sha256: abc}]", "64 hexadecimal digits"),
        ("gateways: [", "a readable YAML file"),
    ],
)
def test_a_broken_allow_list_is_refused_and_never_taken_for_an_empty_one(
    tmp_path: Path, document: str, told: str
) -> None:
    path = tmp_path / "allow.yaml"
    path.write_text(document)

    with pytest.raises(InvalidInputError, match=told):
        read_allow_list(path)


def test_a_missing_allow_list_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="No such file"):
        read_allow_list(tmp_path / "none.yaml")
