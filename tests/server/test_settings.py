from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from afterbay.cli.app import app
from afterbay.core.errors import InvalidInputError
from afterbay.server.settings import Settings, read_settings, stated

SECRETS = {
    "DATABASE_URL": ("postgres://bess:besspassword@db:5432/bess?sslmode=require&password=besspassword", "besspassword"),
    "AFTERBAY_SECRET_KEY": ("k" * 40 + "-signs", "signs"),
    "AFTERBAY_OIDC_CLIENT_SECRET": ("oidc-hidden-value", "hidden"),
    "AFTERBAY_SMTP_URL": ("smtps://mailer:mailpassword@mail.example:465", "mailpassword"),
    "AFTERBAY_METRICS_TOKEN": ("metrics-hidden-token", "hidden"),
    "AFTERBAY_FLEET_TOKENS": ("ann:fleet-hidden-token-1", "hidden"),
    "AFTERBAY_GRPC_TOKEN": ("grpc-hidden-token", "hidden"),
}


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("AFTERBAY_", "HEADEND_", "RUST_")) or name in ("DATABASE_URL", "RESET_DB"):
            monkeypatch.delenv(name)


def test_the_platform_and_the_headend_listen_on_ports_of_their_own() -> None:
    settings = read_settings()

    assert (str(settings.listen), str(settings.http)) == ("127.0.0.1:8000", "127.0.0.1:3001")
    assert settings.storage == str(settings.data_dir / "storage")
    assert not settings.secure


@pytest.mark.parametrize("variable", SECRETS)
def test_no_secret_is_shown_by_any_way_of_showing_settings(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    text, hidden = SECRETS[variable]
    monkeypatch.setenv(variable, text)

    settings = read_settings()

    shown = [one for one in stated(settings) if one.origin == variable]
    assert len(shown) == 1
    assert "***" in shown[0].value
    for told in (shown[0].value, repr(settings), str(settings)):
        assert hidden not in told


def test_every_setting_says_where_it_comes_from(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RUST_LOG", "debug")
    monkeypatch.setenv("AFTERBAY_RATE_LIMIT", "5/second")
    monkeypatch.setenv("AFTERBAY_OIDC_NAME", "")

    found = {one.name: one for one in stated(read_settings(data_dir=tmp_path), given=("data_dir",))}

    assert set(found) == set(Settings.model_fields)
    assert (found["log_level"].value, found["log_level"].origin) == ("debug", "RUST_LOG")
    assert (found["rate_limit"].value, found["rate_limit"].origin) == ("5/second", "AFTERBAY_RATE_LIMIT")
    assert (found["data_dir"].value, found["data_dir"].origin) == (str(tmp_path), "command line")
    assert (found["oidc_name"].value, found["oidc_name"].origin) == ("single sign-on", "default")
    assert all(one.variable.startswith("AFTERBAY_") for one in found.values())


def test_all_problems_of_the_environment_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AFTERBAY_LISTEN", "nowhere")
    monkeypatch.setenv("AFTERBAY_COMPUTE_PROCESSES", "0")
    monkeypatch.setenv("AFTERBAY_LOG_FORMAT", "xml")
    monkeypatch.setenv("AFTERBAY_WORKER", "maybe")

    with pytest.raises(InvalidInputError) as refused:
        read_settings()

    assert {problem.where for problem in refused.value.problems} == {
        "AFTERBAY_LISTEN", "AFTERBAY_COMPUTE_PROCESSES", "AFTERBAY_LOG_FORMAT", "AFTERBAY_WORKER"
    }  # fmt: skip


@pytest.mark.parametrize("embedded", ["embedded", "Embedded:"])
def test_the_embedded_database_is_named_by_its_folder(
    monkeypatch: pytest.MonkeyPatch, embedded: str, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATABASE_URL", embedded)
    monkeypatch.setenv("AFTERBAY_DATA_DIR", str(tmp_path))

    shown = next(one.value for one in stated(read_settings()) if one.name == "database_url")
    assert shown == f"embedded in {tmp_path / 'postgres'}"


def test_the_command_shows_values_and_origins_and_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, (value, _) in SECRETS.items():
        monkeypatch.setenv(name, value)

    everything = CliRunner().invoke(app, ["config"])
    changed = CliRunner().invoke(app, ["config", "--changed", "--json"])

    assert (everything.exit_code, changed.exit_code) == (0, 0)
    assert {one["origin"] for one in json.loads(changed.stdout)} == set(SECRETS)
    assert len(everything.stdout.splitlines()) == len(Settings.model_fields)
    for _, hidden in SECRETS.values():
        assert hidden not in everything.stdout + changed.stdout
