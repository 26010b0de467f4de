"""The command on a server: signing in, projects, and `size run --remote` with the numbers of a run at home."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from server_running import PASSWORD, RunningServer, write_block_sun_files
from typer.testing import CliRunner

from afterbay.cli import login, project, size
from afterbay.client import BESSAPIClient
from afterbay.core.errors import InvalidInputError, NotAllowedError, NotFoundError, UnavailableError

DOCUMENT: dict[str, Any] = {
    "name": "Block by command",
    "description": "Follows by hand",
    "setup_config": {
        "load_mode": "csv", "load_file": "load.csv", "solar_source": "csv", "solar_file": "solar.csv",
        "solar_import": {"unit": "MW"}, "bess_efficiency": 100, "bess_min_soc": 0, "bess_max_soc": 100,
        "bess_initial_soc": 50, "dg_enabled": False,
    },
    "rules_config": {},
    "sizing_config": {
        "capacity_min": 40, "capacity_max": 160, "capacity_step": 40, "durations": [4],
        "optimization_goal": {"delivery_mode": "at_least", "delivery_target_pct": 99},
    },
    "costs": {"installation_pct": 0},
}  # fmt: skip


@pytest.fixture(scope="module")
def home(server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder to work in, signed in as the engineer."""
    folder = tmp_path_factory.mktemp("desk")
    write_block_sun_files(folder)
    (folder / "block.yaml").write_text(yaml.safe_dump(DOCUMENT))
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AFTERBAY_URL", "AFTERBAY_TOKEN"):
            patch.delenv(name, raising=False)
        patch.setenv("AFTERBAY_CONFIG_DIR", str(folder / "config"))
        patch.chdir(folder)
        signed = sign_in(server, PASSWORD)
        assert signed.exit_code == 0, signed.output
        yield folder


def sign_in(server: RunningServer, password: str) -> Any:
    words = ["--url", server.url, "--email", server.engineer.email, "--days", "2"]
    return CliRunner().invoke(login.app, words, input=password + "\n")


def call(app: typer.Typer, *words: object) -> Any:
    """Call a command; what it raises comes out, as the whole command turns it into a sentence."""
    result = CliRunner().invoke(app, [str(word) for word in words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def facts_of(folder: Path) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((folder / "run.json").read_text())
    return {name: value for name, value in facts.items() if name not in ("created", "seconds", "remote")}


def test_a_login_keeps_a_token_with_an_end_and_never_the_password(server: RunningServer, home: Path) -> None:
    file = home / "config" / "login.json"
    kept = json.loads(file.read_text())

    shown = call(login.app, "--status", "--json")

    assert kept["token"].startswith("aft_")
    assert PASSWORD not in file.read_text()
    assert os.name != "posix" or stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(shown.output)["permissions"] == {"bess-sizing": ["create", "export", "read", "update"]}
    assert kept["token"] not in shown.output


def test_a_wrong_password_changes_nothing(server: RunningServer, home: Path) -> None:
    before = (home / "config" / "login.json").read_bytes()

    refused = sign_in(server, "another password entirely")

    assert isinstance(refused.exception, NotAllowedError)
    assert (home / "config" / "login.json").read_bytes() == before


def test_signing_in_again_ends_the_token_before_and_signing_out_the_last(
    server: RunningServer, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AFTERBAY_CONFIG_DIR", str(tmp_path / "config"))
    tokens = []
    for _ in range(2):
        assert sign_in(server, PASSWORD).exit_code == 0
        tokens.append(json.loads((tmp_path / "config" / "login.json").read_text())["token"])

    out = call(login.logout_app)

    assert "signed out" in out.output
    assert not (tmp_path / "config" / "login.json").exists()
    for token in tokens:
        with BESSAPIClient(server.url, token) as client, pytest.raises(NotAllowedError):
            client.me()
    with pytest.raises(NotAllowedError, match="afterbay login"):
        call(login.app, "--status")
    assert "nobody was signed in" in call(login.logout_app).output


def test_a_remote_run_of_a_file_writes_what_a_run_at_home_writes_to_the_bit(home: Path) -> None:
    remote = call(size.app, "run", "block.yaml", "--remote", "--out", "there")
    local = call(size.app, "run", "block.yaml", "--out", "here")

    assert (remote.exit_code, local.exit_code) == (0, 0)
    assert facts_of(home / "there") == facts_of(home / "here")
    for name in ("hourly.csv", "cases.csv"):
        assert (home / "there" / name).read_bytes() == (home / "here" / name).read_bytes()
    assert remote.stdout.replace("there", "here") == local.stdout
    assert call(size.app, "show", "there", "--day", "worst").stdout == call(
        size.app, "show", "here", "--day", "worst"
    ).stdout  # fmt: skip


def test_bringing_a_file_again_sends_no_profile_and_changes_nothing(server: RunningServer, home: Path) -> None:
    first = json.loads(call(project.app, "import", "block.yaml", "--json").stdout)
    again = json.loads(call(project.app, "import", "block.yaml", "--json").stdout)

    assert first["project"]["id"] == again["project"]["id"]
    assert first["project"]["version"] == again["project"]["version"]
    assert [sentence.split("(")[0].rpartition(" is ")[2].strip() for sentence in again["told"]] == [
        "there already", "there already", "unchanged",
    ]  # fmt: skip


def test_a_changed_file_changes_the_project_and_its_versions_keep_the_answers_before(
    server: RunningServer, home: Path
) -> None:
    document = {**DOCUMENT, "name": "Changed by command"}
    (home / "changed.yaml").write_text(yaml.safe_dump(document))
    call(project.app, "import", "changed.yaml")
    costs = {"installation_pct": 15, "bess_usd_per_mw": 60_000}
    (home / "changed.yaml").write_text(yaml.safe_dump({**document, "costs": costs}))

    call(project.app, "import", "changed.yaml")

    with BESSAPIClient() as client:
        found = client.find_project("Changed by command")
        versions = client.versions.all(found["id"])
        latest = versions[0]["number"]
        differences = client.versions.compare(found["id"], latest - 1, latest)
    assert found["financial_config"]["costs"] == costs
    assert {one["pointer"].rpartition("/")[2] for one in differences} == {"installation_pct", "bess_usd_per_mw"}


def test_a_project_of_the_server_runs_by_its_name_and_no_solution_is_exit_code_8(home: Path) -> None:
    call(project.app, "import", "block.yaml")

    run = call(size.app, "run", "block by", "--remote", "--grid", "bess=40:120:40", "--out", "small")

    assert run.exit_code == 8
    assert "No size in this range reaches the goal. The nearest is 120 MWh" in run.stdout
    assert facts_of(home / "small")["results"]["capacity"] == [40.0, 80.0, 120.0]
    shown = call(size.app, "show", "small", "--day", "2", "--json")
    assert shown.exit_code == 0


def test_json_of_a_remote_run_is_one_document(home: Path) -> None:
    run = call(size.app, "run", "block.yaml", "--remote", "--out", "asked", "--json")

    document = json.loads(run.stdout)
    assert (document["folder"], document["complete"], document["hourly_option"]) == ("asked", True, 4)
    assert document["remote"]["simulation_id"]


def test_problems_name_the_place_in_the_users_own_words(home: Path) -> None:
    with pytest.raises(InvalidInputError) as caught:
        call(size.app, "run", "block by", "--remote", "--set", "setup_config.bess_efficiency=0.9", "--out", "no")

    (problem,) = caught.value.problems
    assert problem.where.endswith("setup_config.bess_efficiency")
    assert problem.next_move == "did you mean 90 %?"
    assert not (home / "no" / "run.json").exists()


def test_what_is_not_there_is_said_so(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for word in ("nothing of this name", "nothing.yaml"):
        with pytest.raises(NotFoundError):
            call(size.app, "run", word, "--remote")
    monkeypatch.setenv("AFTERBAY_URL", "http://127.0.0.1:9")
    with pytest.raises(UnavailableError, match="nobody answers"):
        call(project.app, "list")


def test_a_run_is_left_going_by_ctrl_c_and_its_results_are_fetched_later(server: RunningServer, home: Path) -> None:
    call(project.app, "import", "block.yaml")
    words = ["size", "run", "Block by command", "--remote", "--grid", "bess=40:6000:2,hours=4", "--out", "long"]
    process = subprocess.Popen(
        [sys.executable, "-m", "afterbay", *words], cwd=home, text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ),
    )  # fmt: skip
    try:
        assert process.stderr is not None
        simulation = process.stderr.readline().split()[1]
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=120)
    finally:
        process.kill()
        process.wait()

    assert process.returncode == 130, said
    assert f"afterbay project results {simulation}" in said
    with BESSAPIClient() as client:
        assert client.run(simulation).status in ("pending", "running", "completed")
    told = call(project.app, "results", simulation, "--out", "fetched", "--json")
    assert told.exit_code == 0
    assert json.loads(told.stdout)["cases"] == 2981
    assert len(facts_of(home / "fetched")["results"]["capacity"]) == 2981


def test_a_project_goes_out_as_files_that_run_to_the_same_numbers(home: Path) -> None:
    call(project.app, "import", "block.yaml")

    call(project.app, "export", "block by", "--out", "taken")
    run = call(size.app, "run", "taken/project.json", "--out", "taken-run")

    assert run.exit_code == 0
    assert facts_of(home / "taken-run")["results"] == facts_of_local(home)["results"]
    with pytest.raises(InvalidInputError, match="choose another --out"):
        call(project.app, "export", "block by", "--out", "taken")


def facts_of_local(home: Path) -> dict[str, Any]:
    assert call(size.app, "run", "block.yaml", "--out", "local").exit_code == 0
    return facts_of(home / "local")


def test_projects_are_listed_shown_checked_shared_and_their_runs_listed(server: RunningServer, home: Path) -> None:
    call(size.app, "run", "block.yaml", "--remote", "--out", "listed")

    assert "Block by command" in call(project.app, "list", "command").stdout
    shown = call(project.app, "show", "block by").stdout
    assert "Follows by hand" in shown
    assert "T0 Solar + BESS only" in shown
    assert call(project.app, "validate", "block by").stdout.startswith("ready: 4 sizes over 8,760 steps of 1 h")
    share = call(project.app, "share", "block by", server.viewer.email, "--edit").stdout
    assert share.split() == [server.viewer.email, "edit"]
    assert "nobody" in call(project.app, "share", "block by", server.viewer.email, "--revoke").stdout
    runs = json.loads(call(project.app, "runs", "block by", "--json").stdout)["runs"]
    assert runs[0]["status"] == "completed"
    with pytest.raises(NotAllowedError, match="delete"):
        call(project.app, "delete", "block by", "--yes")


def test_who_may_delete_deletes_and_takes_it_back(
    server: RunningServer, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AFTERBAY_URL", server.url)
    monkeypatch.setenv("AFTERBAY_TOKEN", server.admin.token)
    made = json.loads(call(project.app, "create", "Short lived", "--tag", "mine", "--json").stdout)

    call(project.app, "delete", "Short lived", "--yes")

    assert "Short lived" in call(project.app, "list", "--deleted").stdout
    with pytest.raises(NotFoundError):
        call(project.app, "show", made["id"])
    assert made["id"] in call(project.app, "restore", "short").stdout
    assert call(project.app, "validate", made["id"]).exit_code == 3


def test_who_may_look_and_not_export_gets_the_table_and_no_folder(
    server: RunningServer, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = call(size.app, "run", "block.yaml", "--remote", "--out", "shown", "--json")
    simulation = json.loads(run.stdout)["remote"]["simulation_id"]
    call(project.app, "share", "block by", server.viewer.email)
    monkeypatch.setenv("AFTERBAY_URL", server.url)
    monkeypatch.setenv("AFTERBAY_TOKEN", server.viewer.token)

    told = call(project.app, "results", simulation, "--out", "not-made")

    assert "▸  4  160 MWh / 40 MW" in told.stdout
    assert "no run folder" in told.stderr
    assert not (home / "not-made").exists()


def test_words_that_do_not_fit_together_are_refused_before_anything_is_sent(home: Path) -> None:
    result = CliRunner().invoke(size.app, ["run", "block.yaml", "--remote", "--jobs", "2"])

    assert result.exit_code == 2
