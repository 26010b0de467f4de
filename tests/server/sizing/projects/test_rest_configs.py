"""The answers of the wizard through the API: saved step by step, checked as a whole, out and in as a file."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pandas as pd
import pytest
import yaml
from server_projects import PLAN, PROFILES, SIZING, Server

from afterbay.sizing.project import load_project

PROJECTS = f"{SIZING}/projects"
EXAMPLES = Path(__file__).parents[4] / "examples"


def _profile(server: Server, kind: str, values: Any) -> str:
    times = pd.date_range("2019-01-01", periods=len(values), freq="1h")
    content = pd.DataFrame({"time": times, f"{kind}_mw": values}).to_csv(index=False).encode()
    answer = server.alice.post(PROFILES, None, 201, files={"file": (f"{kind}.csv", io.BytesIO(content))},
                               data={"profile_type": kind})  # fmt: skip
    return str(answer.json()["id"])


def _sun(days: int = 20) -> Any:
    day = np.clip(np.sin((np.arange(24) - 6) / 12 * np.pi), 0.0, None) * 40.0
    return np.tile(day, days) * np.repeat(np.linspace(0.3, 1.0, days), 24)


def test_the_steps_of_the_plan_are_saved_one_by_one_and_the_project_is_ready(server: Server) -> None:
    path = f"{PROJECTS}/{server.alice.project()['id']}"

    steps = [
        server.alice.put(f"{path}/{name}", PLAN[f"{name}_config"]).json() for name in ("setup", "rules", "sizing")
    ]  # fmt: skip
    found = server.alice.get(f"{path}/validate").json()

    assert [one["completed_step"] for one in steps] == [1, 2, 3]
    assert [one["config_version"] for one in steps] == [2, 3, 4]
    for name in PLAN:
        assert steps[-1][name] == PLAN[name], name
    assert (steps[1]["inferred_template"], steps[1]["template"]) == (1, "T1 Green priority")
    assert steps[1]["strategy"][1] == "The generator may run at any hour."
    assert (found["valid"], found["problems"], found["cases"], found["steps"]) == (True, [], 70, 8760)
    assert len(found["input_hash"]) == 64
    assert found["assumptions"]


def test_the_template_follows_every_change_of_the_answers_whatever_is_sent(server: Server) -> None:
    path = f"{PROJECTS}/{server.alice.project()['id']}"

    night = server.alice.put(
        f"{path}/rules", {"dg_timing": "night_only", "dg_trigger": "proactive", "inferred_template": 5}
    ).json()  # fmt: skip
    without = server.alice.put(f"{path}/setup", {"dg_enabled": False}).json()

    assert (night["inferred_template"], night["rules_config"]["inferred_template"]) == (2, 2)
    assert (without["inferred_template"], without["rules_config"]["inferred_template"]) == (0, 0)


def test_a_draft_is_saved_and_its_check_names_every_problem_with_pointer_hint_and_value(server: Server) -> None:
    path = f"{PROJECTS}/{server.alice.project()['id']}"

    new = server.alice.get(f"{path}/validate").json()
    server.alice.put(f"{path}/setup", {"bess_min_soc": 96.0, "load_mode": "constant"})
    server.alice.put(f"{path}/rules", {"dg_timing": "custom_blackout"})
    server.alice.put(f"{path}/sizing", {"optimization_goal": {"delivery_mode": "at_least"}, "capacity_min": 300.0})
    server.alice.put(f"{path}/financial", {"project_life_years": 10, "costs": {"installation_pct": 12.5}})
    found = server.alice.get(f"{path}/validate").json()

    assert [one["pointer"] for one in new["problems"]] == ["/setup", "/rules", "/sizing"]
    pointers = [one["pointer"] for one in found["problems"]]
    assert pointers == [
        "/setup/bess_min_soc", "/rules/blackout_start_hour", "/rules/blackout_end_hour",
        "/sizing/optimization_goal/delivery_target_pct", "/sizing/capacity_min",
    ]  # fmt: skip
    first = found["problems"][0]
    assert (first["value"], first["hint"]) == ("96 % with bess_max_soc = 95 %", "lower it or raise bess_max_soc")
    assert (found["valid"], found["cases"], found["input_hash"]) == (False, None, None)
    server.bob.get(f"{path}/validate", 404)


def test_wrong_types_and_units_are_refused_with_pointers_and_nothing_is_saved(server: Server) -> None:
    path = f"{PROJECTS}/{server.alice.project(setup_config={'load_mw': 3.0})['id']}"

    refused = server.alice.put(
        f"{path}/setup", {"load_mw": "3", "bess_efficiency": 0.87, "solar_file": "/etc/passwd"}, 422
    )
    nested = server.alice.put(path, {"setup_config": {"bess_max_soc": 0.95}}, 422).json()
    server.alice.ask("PUT", f"{path}/setup", 400, content=b"{", headers={"Content-Type": "application/json"})

    assert {one["pointer"] for one in refused.json()["errors"]} == {"/load_mw", "/bess_efficiency", "/solar_file"}
    assert nested["errors"][0]["pointer"] == "/setup_config/bess_max_soc"
    assert server.alice.get(path).json()["setup_config"] == {"load_mw": 3.0}


def test_a_profile_must_be_there_for_the_one_who_names_it_and_of_the_right_kind(server: Server) -> None:
    load, sun = _profile(server, "load", _sun() + 1.0), _profile(server, "solar", _sun())
    path = f"{PROJECTS}/{server.alice.project()['id']}"
    other = f"{PROJECTS}/{server.bob.project()['id']}"

    kind = server.alice.put(f"{path}/setup", {"load_profile_id": sun}, 422).json()
    strange = server.bob.put(f"{other}/setup", {"load_profile_id": load}, 422).json()
    absent = server.bob.put(other, {"solar_profile_id": str(uuid4())}, 422).json()
    saved = server.alice.put(f"{path}/setup", {"load_mode": "csv", "load_profile_id": load, "solar_profile_id": sun})

    assert "a solar profile" in kind["errors"][0]["detail"]
    assert strange["errors"][0]["pointer"] == "/load_profile_id"
    assert strange["errors"][0]["hint"] == absent["errors"][0]["hint"], "no oracle on what others have"
    assert (saved.json()["load_profile_id"], saved.json()["setup_config"]) == (load, {"load_mode": "csv"})
    kept = server.alice.put(f"{path}/setup", {"load_mode": "csv"}).json()
    assert kept["solar_profile_id"] == sun, "a profile that is not named stays"


def test_an_exported_project_with_its_profiles_runs_from_files_with_the_same_hash(
    server: Server, tmp_path: Path
) -> None:
    rng = np.random.default_rng(seed=3)
    load, sun = _profile(server, "load", rng.uniform(5.0, 15.0, 480)), _profile(server, "solar", _sun())
    setup = {"load_mode": "csv", "solar_capacity_mw": 67.0, "bess_daily_cycle_limit": 1.5}
    goal = {"delivery_mode": "at_least", "delivery_target_pct": 90.0}
    project = server.alice.project(
        description="two weeks", customer_reference="RRQ-7", setup_config=setup, load_profile_id=load,
        solar_profile_id=sun, rules_config={"dg_trigger": "soc_based"},
        sizing_config={"capacity_max": 100.0, "optimization_goal": goal},
        financial_config={"costs": {"installation_pct": 7.0}, "tax_pct": 30.0},
    )  # fmt: skip
    path = f"{PROJECTS}/{project['id']}"

    checked = server.alice.get(f"{path}/validate").json()
    config = server.alice.get(f"{path}/config").json()
    (tmp_path / "project.json").write_text(json.dumps(config))
    for profile in (load, sun):
        content = server.alice.get(f"{PROFILES}/{profile}/download?format=parquet").content
        (tmp_path / f"{profile}.parquet").write_bytes(content)
    local = load_project(tmp_path / "project.json")

    assert checked["valid"], checked
    assert local.input_hash == checked["input_hash"]
    assert (len(local.grid), local.template.number) == (checked["cases"], 4)
    assert local.costs.installation_fraction == 0.07
    assert local.solar.values.max() == pytest.approx(67.0)
    server.vera.get(f"{path}/config", 403)


def test_a_project_file_comes_in_and_goes_out_as_it_is(server: Server) -> None:
    given = yaml.safe_load((EXAMPLES / "red_rock_quarry.yaml").read_text())

    made = server.alice.post(f"{PROJECTS}/import", given, 201).json()
    path = f"{PROJECTS}/{made['project']['id']}"
    out = server.alice.get(f"{path}/config").json()
    whole = server.alice.get(f"{path}/config?everything=true").json()
    again = server.alice.post(f"{PROJECTS}/import", whole, 201).json()["project"]

    assert out == given
    assert made["notes"] == []
    for name in ("setup_config", "rules_config", "sizing_config", "financial_config"):
        assert again[name] == made["project"][name], name
    assert server.alice.get(f"{path}/validate").json()["cases"] == len(
        load_project(EXAMPLES / "red_rock_quarry.yaml").grid
    )


def test_files_that_a_project_file_names_are_asked_for_and_never_opened(server: Server) -> None:
    sun = _profile(server, "solar", _sun())
    known = {"name": "known", "setup_config": {"solar_file": f"{sun}.parquet"}, "rules_config": {}, "sizing_config": {}}
    unknown = {"name": "unknown", "rules_config": {}, "sizing_config": {},
               "setup_config": {"load_mode": "csv", "load_file": "/etc/passwd", "solar_file": "sun.csv",
                                "load_import": {"zone": "UTC"}}}  # fmt: skip

    taken = server.alice.post(f"{PROJECTS}/import", known, 201).json()
    stranger = server.bob.post(f"{PROJECTS}/import", known, 201).json()
    waiting = server.alice.post(f"{PROJECTS}/import", unknown, 201).json()
    weather = server.alice.post(f"{PROJECTS}/import", {"setup_config": {"weather_file": "/etc/x.epw"}}, 422).json()
    checked = server.alice.get(f"{PROJECTS}/{waiting['project']['id']}/validate").json()

    assert (taken["project"]["solar_profile_id"], taken["notes"]) == (sun, [])
    assert stranger["project"]["solar_profile_id"] is None
    assert len(waiting["notes"]) == 3
    assert waiting["project"]["setup_config"] == {"load_mode": "csv", "solar_source": "csv"}
    assert [one["pointer"] for one in checked["problems"]] == ["/setup/solar_profile_id"], "no other sun stands in"
    assert weather["errors"][0]["pointer"] == "/setup_config/weather_file"
    server.alice.post(f"{PROJECTS}/import", {"setup": {}}, 422)


def test_a_clone_keeps_working_when_the_source_and_its_profile_are_gone(server: Server) -> None:
    sun = _profile(server, "solar", _sun())
    source = server.alice.project(solar_profile_id=sun, setup_config={}, rules_config={}, sizing_config={})["id"]
    server.alice.post(f"{PROJECTS}/{source}/shares", {"email": "bob@example.org"})
    before = server.bob.get(f"{PROJECTS}/{source}/validate").json()

    clone = server.bob.post(f"{PROJECTS}/{source}/clone", None, 201).json()
    mine = server.alice.post(f"{PROJECTS}/{source}/clone", None, 201).json()
    server.alice.delete(f"{PROJECTS}/{source}/shares/bob@example.org", 204)
    after = server.bob.get(f"{PROJECTS}/{clone['id']}/validate").json()

    assert clone["solar_profile_id"] != sun
    assert mine["solar_profile_id"] == sun, "one's own profile needs no copy"
    assert before["valid"], before
    assert after["valid"], after
    assert server.bob.get(f"{PROFILES}/{clone['solar_profile_id']}").json()["name"] == "solar.csv"


def test_whoever_may_open_a_project_sees_its_profiles_through_it(server: Server) -> None:
    sun = _profile(server, "solar", _sun())
    path = f"{PROJECTS}/{server.alice.project(solar_profile_id=sun)['id']}"
    server.vera.get(f"{path}/profiles/solar", 404)

    server.alice.post(f"{path}/shares", {"email": "vera@example.org"})

    assert server.vera.get(f"{path}/profiles/solar").json()["id"] == sun
    assert server.vera.get(f"{path}/profiles/solar/statistics").json()["max_mw"] == 40.0
    assert len(server.vera.get(f"{path}/profiles/solar/preview?kind=carpet").json()["rows_mw"]) == 20
    server.vera.get(f"{path}/profiles/load", 404)
    server.vera.get(f"{PROFILES}/{sun}", 404)


def test_whoever_may_open_a_project_and_export_downloads_its_profiles(server: Server) -> None:
    sun = _profile(server, "solar", _sun())
    place = f"{PROFILES}/{sun}/download?format=parquet"
    path = f"{PROJECTS}/{server.alice.project(solar_profile_id=sun)['id']}"
    server.bob.get(place, 404)
    for email in ("bob@example.org", "vera@example.org"):
        server.alice.post(f"{path}/shares", {"email": email})

    shared = server.bob.get(place)

    assert shared.content == server.alice.get(place).content
    server.vera.get(place, 403)
    server.bob.get(f"{PROFILES}/{sun}", 404)
    server.alice.put(path, {"solar_profile_id": None})
    server.bob.get(place, 404)
