from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from afterbay.cli.doctor import Finding, examine
from afterbay.core.errors import InvalidInputError, Problem
from afterbay.server.settings import Settings, read_address, read_settings


def found(**given: Any) -> dict[str, Finding]:
    given.setdefault("listen", read_address("127.0.0.1:0"))
    return {one.check: one for one in examine(lambda: read_settings(**given))}


def test_a_fresh_machine_is_ready(tmp_path: Path) -> None:
    findings = found(data_dir=tmp_path)

    assert {one.state for one in findings.values()} == {"ok"}
    assert "afterbay serve" in findings["database"].found
    assert not (tmp_path / "postgres").exists(), "looking changes nothing"


def test_a_database_that_is_up_to_date_is_well_but_for_the_worker(database_url: str, tmp_path: Path) -> None:
    findings = found(database_url=database_url, data_dir=tmp_path)

    assert [findings[name].state for name in ("database", "clock", "tables")] == ["ok", "ok", "ok"]
    assert (findings["worker"].state, findings["worker"].next_move) == (
        "warn",
        "`afterbay worker`, or `afterbay serve`",
    )


def test_tables_that_are_behind_are_a_warning_with_the_command(empty_url: str, tmp_path: Path) -> None:
    assert found(database_url=empty_url, data_dir=tmp_path)["tables"].next_move.startswith("`afterbay db upgrade`")

    with psycopg.connect(empty_url) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num varchar(32))")
        connection.execute("INSERT INTO alembic_version VALUES ('fleet_0001')")

    assert "fleet_0001" in found(database_url=empty_url, data_dir=tmp_path)["tables"].found


def test_a_worker_that_fell_silent_is_told(database_url: str, tmp_path: Path) -> None:
    def seen(ago: str) -> Finding:
        with psycopg.connect(database_url) as connection:
            connection.execute("DELETE FROM procrastinate_workers")
            query = f"INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '{ago}')"
            connection.execute(query.encode())
        return found(database_url=database_url, data_dir=tmp_path)["worker"]

    assert seen("5 s").state == "ok"
    assert seen("5 min").state == "warn"


@pytest.mark.parametrize(
    ("given", "check", "told"),
    [
        ({"database_url": "postgres://ann:hunter2@127.0.0.1:1/x"}, "database", "does not answer"),
        ({"database_url": "mysql://db/x"}, "database", "PostgreSQL"),
        ({"listen": read_address("0.0.0.0:0")}, "settings", "TLS or a named proxy"),
        ({"tls_cert": Path("/no/cert.pem"), "tls_key": Path("/no/key.pem")}, "settings", "/no/cert.pem"),
        ({"storage_url": "ftp://files"}, "storage", "s3://"),
    ],
)  # fmt: skip
def test_what_does_not_work_fails_with_a_next_move_and_without_a_password(
    tmp_path: Path, given: dict[str, Any], check: str, told: str
) -> None:
    finding = found(**{"data_dir": tmp_path, **given})[check]

    assert finding.state == "fail"
    assert told in finding.found
    assert finding.next_move
    assert "hunter2" not in repr(finding)


def test_a_port_that_somebody_else_has_fails(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        listen = read_address(f"127.0.0.1:{taken.getsockname()[1]}")
        taken.settimeout(0.1)

        finding = found(data_dir=tmp_path, listen=listen)["port"]

    assert finding.state == "fail"
    assert "--port" in finding.next_move


def test_a_disk_that_is_nearly_full_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def free(size: float) -> Callable[[object], Any]:
        return lambda path: type("Usage", (), {"free": size})()

    monkeypatch.setattr("afterbay.cli.doctor.shutil.disk_usage", free(1e9))
    assert found(data_dir=tmp_path)["disk"].state == "warn"
    monkeypatch.setattr("afterbay.cli.doctor.shutil.disk_usage", free(1e8))
    assert found(data_dir=tmp_path)["disk"].state == "fail"


def test_settings_that_cannot_be_read_are_told_and_nothing_else_is_guessed() -> None:
    def broken() -> Settings:
        raise InvalidInputError(Problem("AFTERBAY_LISTEN", "'x'", "host:port", "correct it"))

    findings = list(examine(broken))

    assert findings[-1].check == "settings"
    assert "AFTERBAY_LISTEN" in findings[-1].found
    assert findings[-1].state == "fail"
