"""The Python client against a server process: what it reads, what it does not overwrite, how it tells what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from server_running import RunningServer, write_block_sun_files

from afterbay.client import BESSAPIClient
from afterbay.core.errors import (
    CancelledError,
    ConflictError,
    InvalidInputError,
    NotAllowedError,
    NotFoundError,
    UnavailableError,
)
from afterbay.sizing import SimulationParams, run_simulation

SETUP: dict[str, Any] = {"load_mode": "constant", "load_mw": 10.0, "solar_source": "clear_sky", "latitude": 36.0,
                         "longitude": -80.0, "utc_offset_h": -5.0, "solar_capacity_mw": 67.0}  # fmt: skip
SIZES: dict[str, Any] = {"capacity_values": [50.0, 100.0], "durations": [4.0], "dg_values": [0.0, 10.0]}


@pytest.fixture(scope="module")
def client(server: RunningServer) -> Iterator[BESSAPIClient]:
    with BESSAPIClient(server.url, server.engineer.token) as found:
        yield found


def make(client: BESSAPIClient, name: str, **sections: Any) -> str:
    sections = {"setup_config": SETUP, "rules_config": {}, "sizing_config": SIZES, **sections}
    return str(client.create_project(name, **sections)["id"])


def test_who_is_signed_in_and_who_is_not(server: RunningServer, client: BESSAPIClient) -> None:
    assert client.me()["email"] == server.engineer.email
    with BESSAPIClient(server.url, "aft_nobody") as nobody, pytest.raises(NotAllowedError, match="afterbay login"):
        nobody.list_projects()


def test_projects_are_found_by_name_or_its_beginning_and_listed_beyond_one_page(client: BESSAPIClient) -> None:
    ids = [client.create_project(f"Paged {number}", tags=["paged"])["id"] for number in range(4)]

    found = client.list_projects(tag="paged", limit=2)

    assert {one["id"] for one in found} == set(ids)
    assert client.find_project("paged 2")["id"] == client.find_project(ids[2])["id"] == ids[2]
    with pytest.raises(InvalidInputError, match="say more of its name"):
        client.find_project("paged")
    with pytest.raises(NotFoundError, match="did you mean Paged 1"):
        client.find_project("Pagd 1")


def test_what_somebody_else_changed_since_it_was_read_is_not_overwritten(
    server: RunningServer, client: BESSAPIClient
) -> None:
    project = make(client, "Two at once")
    with BESSAPIClient(server.url, server.engineer.token) as other:
        other.update_project_setup(project, {**SETUP, "load_mw": 12.0})

    with pytest.raises(ConflictError):
        client.update_project(project, description="mine")

    assert client.get_project(project)["setup_config"]["load_mw"] == 12.0
    assert client.update_project(project, description="mine")["description"] == "mine"


def test_every_problem_of_a_section_comes_back_with_its_place(client: BESSAPIClient) -> None:
    project = make(client, "Wrong")

    with pytest.raises(InvalidInputError) as caught:
        client.update_project_setup(project, {"bess_efficiency": 0.87, "bess_min_soc": -4.0})

    found = {problem.where: problem for problem in caught.value.problems}
    assert set(found) == {"bess_efficiency", "bess_min_soc"}
    assert found["bess_efficiency"].next_move == "did you mean 87 %?"
    with pytest.raises(InvalidInputError, match="setup, rules, sizing, financial"):
        client.update_section(project, "money", {})


def test_answers_go_back_to_an_earlier_version_and_a_copy_is_ones_own(client: BESSAPIClient) -> None:
    project = make(client, "Versions")
    client.update_project_rules(project, {"dg_timing": "night_only"})
    first, last = client.versions.all(project)[-1]["number"], client.versions.all(project)[0]["number"]

    (difference,) = [one for one in client.versions.compare(project, first, last) if "dg_timing" in one["pointer"]]
    restored = client.versions.restore(project, first)

    assert (difference["change"], difference["after"]) == ("added", "night_only")
    assert "dg_timing" not in restored["rules_config"]
    assert client.versions.get(project, last)["snapshot"]["rules_config"]["dg_timing"] == "night_only"
    copy = client.clone_project(project, "A copy")
    assert (copy["name"], copy["setup_config"]) == ("A copy", SETUP)
    assert client.set_tags(copy["id"], ["one", "two"])["tags"] == ["one", "two"]
    assert client.set_status(copy["id"], "in_progress")["status"] == "in_progress"


def test_people_share_a_project_and_talk_about_it(server: RunningServer, client: BESSAPIClient) -> None:
    project = make(client, "Talked about")
    client.shares.give(project, server.viewer.email)
    said = client.comments.add(project, "look at the nights")

    with BESSAPIClient(server.url, server.viewer.token) as viewer:
        assert [one["body"] for one in viewer.comments.all(project)] == ["look at the nights"]
    client.comments.change(project, said["id"], "look at December")

    assert client.comments.all(project)[0]["body"] == "look at December"
    assert [one["permission"] for one in client.shares.all(project)] == ["view"]
    assert {"project.shared", "project.created"} & {one["action"] for one in client.comments.activity(project)}
    client.comments.delete(project, said["id"])
    client.shares.take(project, server.viewer.email)
    assert (client.comments.all(project), client.shares.all(project)) == ([], [])


def test_profiles_are_brought_built_looked_at_and_taken_home(client: BESSAPIClient, tmp_path: Path) -> None:
    load, _ = write_block_sun_files(tmp_path)
    brought = client.upload_profile(load, "load", name="Ten", zone="UTC")
    built = client.build_profile(name="Twelve", kind="load", mode="constant", mw=12.0)

    home = client.profiles.download(brought["id"], tmp_path / "home.csv")

    assert (brought["name"], brought["starts_at"][:10], brought["import_report"]["rows_found"]) == (
        "Ten", "2023-01-01", 8760,
    )  # fmt: skip
    assert home.read_text().splitlines()[1].endswith(",10.0")
    assert client.profiles.download(brought["id"], tmp_path / "home.parquet").read_bytes()[:4] == b"PAR1"
    assert client.profiles.statistics(built["id"])
    assert len(client.profiles.preview(built["id"])["mean_mw"]) == 24
    assert client.profiles.rename(built["id"], "Dozen")["name"] == "Dozen"
    assert {brought["id"], built["id"]} <= {one["id"] for one in client.list_profiles(profile_type="load")}
    assert any(one["profile_type"] == "solar" for one in client.profiles.library())
    with pytest.raises(NotAllowedError):
        client.profiles.delete(built["id"])
    with pytest.raises(InvalidInputError, match="check the path"):
        client.upload_profile(tmp_path / "nothing.csv", "load")
    (tmp_path / "bad.csv").write_text("time,load_mw\n2023-01-01T00:00,1\n2023-01-01T00:00,2\n")
    with pytest.raises(InvalidInputError) as caught:
        client.upload_profile(tmp_path / "bad.csv", "load")
    assert "duplicate" in str(caught.value) or "reject" in str(caught.value)


def test_one_size_at_once_has_the_librarys_bits(client: BESSAPIClient) -> None:
    project = make(client, "Quick", setup_config={**SETUP, "dg_enabled": False})

    found = client.quick_analysis(project, capacity=80, duration=4)

    hours = client.simulate(project, "single", capacity=80, duration=4).wait(120.0).hourly()
    plant = SimulationParams(
        load_profile=hours["load_mw"].to_numpy(), solar_profile=hours["solar_mw"].to_numpy(), bess_capacity=80.0,
        bess_charge_power=20.0, bess_discharge_power=20.0, dg_enabled=False,
    )  # fmt: skip
    ours = run_simulation(plant, 0)
    assert found["label"] == "80 MWh / 20 MW"
    assert hours["soc_mwh"].tolist() == ours.soc.tolist()
    assert found["metrics"]["total_unserved"] == pytest.approx(ours.unserved.sum())
    assert str(hours.index[0]) == "2019-01-01 05:00:00+00:00"


def test_a_key_makes_one_run_of_two_requests_and_jobs_and_messages_tell_of_it(client: BESSAPIClient) -> None:
    project = make(client, "Once")

    first, second = (client.simulate(project, key="the same key") for _ in range(2))
    first.wait(120.0)

    assert first.id == second.id
    assert [one["id"] for one in client.list_runs(project)] == [first.id]
    job = client.account.job(first.document["job_id"])
    assert (job["state"], job["progress"]) == ("succeeded", 1.0)
    assert job["id"] in {one["id"] for one in client.account.jobs(resource_id=first.id)}
    assert isinstance(client.account.notifications(), list)
    assert client.account.mark_read() == 0
    with pytest.raises(InvalidInputError, match="capacity, duration"):
        client.simulate(project, size=80)


def test_why_is_answered_for_a_step_a_day_and_an_option(client: BESSAPIClient, tmp_path: Path) -> None:
    run = client.simulate(make(client, "Why")).wait(120.0)

    step, day, option = run.explain(at="3"), run.explain(day="worst"), run.explain(1)

    assert "00" in step["sentences"][0] or "02" in step["sentences"][0]
    assert len(day["sentences"]) >= 1
    assert option["index"] == 1
    assert client.run(run.id).rows() == run.rows()
    assert run.export("json", tmp_path / "project.json").read_text().startswith("{")
    with pytest.raises(InvalidInputError, match="csv, excel, pdf, json"):
        run.download("docx")


def test_a_wait_that_is_too_short_leaves_the_run_going_and_a_cancelled_one_says_so(client: BESSAPIClient) -> None:
    sizes = {**SIZES, "capacity_values": None, "capacity_min": 1.0, "capacity_max": 9_000.0, "capacity_step": 1.0}
    run = client.simulate(make(client, "Long", sizing_config=sizes))

    with pytest.raises(UnavailableError, match="it goes on"):
        run.wait(0.0)
    run.cancel()

    with pytest.raises(CancelledError):
        run.wait(120.0)
    with pytest.raises(ConflictError, match="cancelled"):
        run.results()


def test_a_run_of_a_project_that_is_not_ready_names_every_place(client: BESSAPIClient) -> None:
    project = client.create_project("Empty")["id"]

    with pytest.raises(InvalidInputError) as caught:
        client.simulate(project)

    checked = client.validate_project(project)
    assert not checked["valid"]
    assert len(caught.value.problems) == len(checked["problems"]) >= 3
