"""What can be said of the containers without an engine: names that exist, variables that are read, no secret."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from afterbay.server.settings import Settings

ROOT = Path(__file__).parents[1]
ENVIRONMENTS = ("dev", "test", "int", "prod")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
OURS = {name: one for name, one in COMPOSE["services"].items() if "build" in one}


def _variables() -> set[str]:
    known = {"ASSETS_PATH", "GATEWAY_SITE_ID", "HEADEND_GRPC"}
    known |= {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"}  # of the object store's own library
    for field in Settings.model_fields.values():
        known |= {str(choice) for choice in getattr(field.validation_alias, "choices", [])}
    return known


def _environment(name: str) -> dict[str, str]:
    lines = (ROOT / f"deploy/{name}.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def test_the_platform_is_a_database_a_server_a_worker_a_headend_a_gateway_and_a_proxy() -> None:
    assert set(COMPOSE["services"]) == {"db", "server", "worker", "headend", "gateway", "proxy"}
    assert {name: one["command"][0] for name, one in OURS.items()} == {
        "server": "serve", "worker": "worker", "headend": "headend", "gateway": "agent",
    }  # fmt: skip


def test_every_command_of_a_service_is_one_of_the_program() -> None:
    import typer

    from afterbay.cli.app import app

    commands = typer.main.get_command(app).list_commands(None)  # type: ignore[attr-defined]
    assert {one["command"][0] for one in OURS.values()} <= set(commands)


def test_every_variable_that_a_service_is_given_is_read_by_it() -> None:
    for name, service in OURS.items():
        unknown = set(service["environment"]) - _variables()
        assert not unknown, f"{name}: {unknown}"


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_an_environment_file_sets_only_what_the_compose_file_or_compose_itself_reads(name: str) -> None:
    text = (ROOT / "compose.yaml").read_text()
    read = set(re.findall(r"\$\{([A-Z_]+)", text)) | {"COMPOSE_PROJECT_NAME", "COMPOSE_PROFILES"}

    assert set(_environment(name)) <= read
    assert set(filter(None, _environment(name)["COMPOSE_PROFILES"].split(","))) <= {"database", "gateway"}


def test_no_environment_file_holds_a_secret() -> None:
    for name in ENVIRONMENTS:
        held = {
            key for key, value in _environment(name).items() if re.search("SECRET|TOKEN|PASSWORD|KEY", key) and value
        }
        assert held <= {"POSTGRES_PASSWORD"}, name  # prod.env: there is no such database then
    assert _environment("prod")["POSTGRES_PASSWORD"] == "not-used-in-prod"
    assert "POSTGRES_PASSWORD" not in _environment("dev")


def test_only_the_proxy_and_the_link_open_ports_and_loopback_is_the_default() -> None:
    trial = yaml.safe_load((ROOT / "compose.timescale.yaml").read_text())["services"]
    opened = {name: one["ports"] for name, one in {**COMPOSE["services"], **trial}.items() if "ports" in one}

    assert set(opened) == {"proxy", "headend", "timescale"}
    ports = [port for one in opened.values() for port in one]
    assert all(port.startswith(("127.0.0.1:", "${AFTERBAY_PORTS_ON:-127.0.0.1}:")) for port in ports)


def test_the_proxy_that_the_server_trusts_has_the_address_that_it_is_given() -> None:
    address = COMPOSE["services"]["proxy"]["networks"]["default"]["ipv4_address"]

    assert OURS["server"]["environment"]["AFTERBAY_TRUSTED_PROXIES"] == address
    assert address.rpartition(".")[0] in COMPOSE["networks"]["default"]["ipam"]["config"][0]["subnet"]


def test_what_the_image_copies_exists_and_is_sent_to_the_engine() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    copied = re.findall(r"^COPY (?!--from)(?:--\S+ )?(.+) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)

    for name in (word for line in copied for word in line.split()):
        assert (ROOT / name).exists(), name
        assert any(re.fullmatch(rule[1:].replace("*", ".*"), name) for rule in ignored if rule.startswith("!")), name


def test_the_image_runs_as_nobody_special_and_has_a_health_check() -> None:
    text = (ROOT / "Dockerfile").read_text()
    last_stage = text[text.rindex("\nFROM ") :]

    assert re.search(r"^USER afterbay$", last_stage, re.MULTILINE)
    assert "HEALTHCHECK" in last_stage
    assert last_stage.index("USER afterbay") < last_stage.index("ENTRYPOINT")


@pytest.mark.parametrize("script", ["secrets.sh", "deploy.sh"])
def test_the_scripts_are_ones_that_a_shell_reads(script: str) -> None:
    subprocess.run(["sh", "-n", str(ROOT / "deploy" / script)], check=True)


def test_new_secrets_are_long_and_differ_each_time() -> None:
    def made() -> dict[str, str]:
        text = subprocess.run(
            ["sh", str(ROOT / "deploy/secrets.sh")], check=True, capture_output=True, text=True
        ).stdout
        return dict(line.split("=", 1) for line in text.splitlines())

    one, other = made(), made()

    assert set(one) == {"POSTGRES_PASSWORD", "AFTERBAY_SECRET_KEY", "AFTERBAY_FLEET_TOKENS"}
    # 32 bytes each, all of them, in signs that need no quotes anywhere.
    for name, value in one.items():
        assert re.fullmatch(r"(operator:)?[0-9a-f]{64}", value), name
        assert value != other[name]
    assert Settings.model_validate({"fleet_tokens": one["AFTERBAY_FLEET_TOKENS"]}).tokens()


def test_the_workflows_are_yaml_with_a_deploy_job_for_each_environment() -> None:
    image = yaml.safe_load((ROOT / ".github/workflows/image.yml").read_text())

    assert image["jobs"]["deploy"]["strategy"]["matrix"]["environment"] == ["dev", "int", "prod"]
    assert image["jobs"]["deploy"]["needs"] == "build"


def test_the_dependencies_are_audited_with_every_change_and_every_week() -> None:
    checks = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    steps = [step.get("run") for step in checks["jobs"]["audit"]["steps"]]
    assert "make audit" in steps
    # The key `on` is the truth value in YAML 1.1.
    assert {"push", "pull_request", "schedule"} <= set(checks[True])
    recipe = (ROOT / "Makefile").read_text().split("\naudit:")[1].split("\n\n")[0]
    assert "--strict" in recipe
    for lock in ROOT.glob("requirements-*.lock"):
        assert lock.name in recipe or lock.name == "requirements-run.lock", "what runs is part of what develops"
