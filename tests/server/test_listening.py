"""Certificates are tried before anything is started, and what is wrong with them is said."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest
from fleet_certificates import Authority

from afterbay.core.errors import InvalidInputError, Problem
from afterbay.server.listening import check_certificate, listening_on
from afterbay.server.settings import Address, read_settings


def check(certificate: Path | None, key: Path | None, folder: Path) -> None:
    check_certificate(read_settings(data_dir=folder, tls_cert=certificate, tls_key=key))


def problems_of(certificate: Path, key: Path, folder: Path) -> tuple[Problem, ...]:
    with pytest.raises(InvalidInputError) as refused:
        check(certificate, key, folder)
    return refused.value.problems


def test_a_pair_is_fine_and_so_is_none(tmp_path: Path) -> None:
    pair = Authority(tmp_path).issue("server", host="127.0.0.1")

    check(pair.certificate, pair.key, tmp_path)
    check(None, None, tmp_path)


def test_every_file_that_is_missing_is_named_with_its_variable(tmp_path: Path) -> None:
    found = problems_of(tmp_path / "a.pem", tmp_path / "b.key", tmp_path)

    assert [one.where for one in found] == ["AFTERBAY_TLS_CERT", "AFTERBAY_TLS_KEY"]
    assert [one.got for one in found] == [
        f"{tmp_path / name} (No such file or directory)" for name in ("a.pem", "b.key")
    ]


def test_a_key_of_another_certificate_is_said_to_be_one(tmp_path: Path) -> None:
    authority = Authority(tmp_path)

    (problem,) = problems_of(authority.issue("one").certificate, authority.issue("two").key, tmp_path)

    assert "no pair" in problem.got
    assert "made for" in problem.next_move


@pytest.mark.parametrize("content", ["", "nonsense\n", "-----BEGIN CERTIFICATE-----\nxx\n-----END CERTIFICATE-----\n"])
def test_a_file_that_is_no_certificate_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "c.pem").write_text(content)

    (problem,) = problems_of(tmp_path / "c.pem", tmp_path / "c.pem", tmp_path)

    assert str(tmp_path / "c.pem") in problem.got
    assert "PEM" in problem.allowed
    assert "_ssl.c" not in str(problem)


def test_a_folder_is_no_certificate(tmp_path: Path) -> None:
    found: Any = problems_of(tmp_path, tmp_path, tmp_path)

    assert {one.got for one in found} == {f"{tmp_path} (Is a directory)"}


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_an_answer_is_sent_at_once_and_waits_for_no_acknowledgement(host: str) -> None:
    if host == "::1" and not _has_ipv6():
        pytest.skip("this machine has no IPv6")

    async def option() -> int:
        found: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        async def met(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            accepted = writer.get_extra_info("socket")
            found.set_result(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        with listening_on(Address(host, 0), "the server", "") as listener:
            server = await asyncio.start_server(met, sock=listener)
            _reader, writer = await asyncio.open_connection(host, listener.getsockname()[1])
            try:
                return await asyncio.wait_for(found, 20)
            finally:
                writer.close()
                server.close()

    assert asyncio.run(option())


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True
