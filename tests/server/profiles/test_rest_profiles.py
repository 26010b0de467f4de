"""Profiles through the API: brought or built, looked at, downloaded, renamed, removed; and files that mean harm."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pandas as pd
import pytest
from server_projects import ALICE, PROFILES, SIZING, As, Server
from sqlalchemy import text

from afterbay.core.errors import NotFoundError
from afterbay.profiles import build_load_profile, clear_sky_solar, read_profile
from afterbay.server.platform.storage.service import collect_orphans
from afterbay.server.principal import SYSTEM
from afterbay.server.profiles.service import open_profile


def _csv(values: Any, start: str = "2024-01-01 00:00", minutes: int = 60, name: str = "load_mw") -> bytes:
    times = pd.date_range(start, periods=len(values), freq=f"{minutes}min")
    return pd.DataFrame({"time": times, name: values}).to_csv(index=False).encode()


def _bring(who: As, content: bytes, expected: int = 201, file: str = "load.csv", **form: Any) -> Any:
    data = {"profile_type": "load", **form}
    return who.post(PROFILES, None, expected, files={"file": (file, io.BytesIO(content))}, data=data)


def _waves(count: int = 8760) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.random.default_rng(seed=5).uniform(1.0, 9.0, size=count)


def test_a_file_comes_back_to_the_bit_from_the_api_the_library_and_its_download(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "load.csv"
    file.write_bytes(_csv(_waves()))
    values = read_profile(file, quantity="load").values

    made = _bring(server.alice, file.read_bytes(), name="Mine load").json()

    with server.sessions.begin() as session:
        opened = open_profile(session, ALICE, server.storage, UUID(made["id"]))
    assert np.array_equal(opened.values, values)
    assert (opened.dt_h, str(opened.start)) == (1.0, "2024-01-01 00:00:00")
    assert opened.report.rows_found == 8760
    assert opened.report.path == "load.csv"
    download = server.alice.get(
        f"{PROFILES}/{made['id']}/download", headers={"Accept": "application/vnd.apache.parquet"}
    )
    path = tmp_path / f"{made['id']}.parquet"
    path.write_bytes(download.content)
    again = read_profile(path, quantity="load")
    assert np.array_equal(again.values, values)
    assert (again.dt_h, again.start, again.report.changed) == (1.0, opened.start, ())
    lines = server.alice.get(f"{PROFILES}/{made['id']}/download?format=csv").text.splitlines()
    assert lines[0] == "time,load_mw"
    assert [float(line.partition(",")[2]) for line in lines[1:]] == values.tolist()


@pytest.mark.parametrize(
    ("content", "options", "dt_h", "start"),
    [
        (_csv(_waves(96), minutes=15), {}, 0.25, "2024-01-01T00:00:00"),
        (_csv(_waves(48)).replace(b"00:00\n", b"00:00\n"), {"zone": "Europe/Berlin"}, 1.0, "2023-12-31T23:00:00+00:00"),
        (b"load_mw\n" + b"\n".join(b"%d" % number for number in range(48)), {}, None, None),
        (b"load_mw\n" + b"\n".join(b"%d" % number for number in range(48)), {"dt_h": "0.5"}, 0.5, None),
        (_csv(_waves(96), minutes=15), {"resample_h": "1"}, 1.0, "2024-01-01T00:00:00"),
    ],
)
def test_the_clock_of_a_file_is_kept(
    server: Server, tmp_path: Path, content: bytes, options: dict[str, str], dt_h: float | None, start: str | None
) -> None:
    made = _bring(server.alice, content, 201, "load.csv", **options).json()

    assert (made["dt_h"], made["starts_at"]) == (dt_h, start)
    path = tmp_path / "again.parquet"
    path.write_bytes(server.alice.get(f"{PROFILES}/{made['id']}/download?format=parquet").content)
    again = read_profile(path, quantity="load")
    assert again.dt_h == dt_h
    assert (None if again.start is None else again.start.isoformat()) == start


def test_built_profiles_are_those_of_the_library(server: Server) -> None:
    window = [{"start": 6, "end": 14, "mw": 25.0}]
    load = server.alice.post(f"{PROFILES}/build",
                             {"kind": "load", "name": "Shift", "mode": "custom", "windows": window}, 201)  # fmt: skip
    sky = server.alice.post(
        f"{PROFILES}/build",
        {"kind": "clear_sky", "name": "Sky", "latitude": 51.2, "longitude": 6.8, "capacity_mw": 10.0}, 201,
    ).json()  # fmt: skip
    house = server.alice.post(
        f"{PROFILES}/build",
        {"kind": "standard_load", "name": "Houses", "profile": "h0", "annual_mwh": 1000.0, "year": 2024,
         "holidays": ["2024-12-25"]}, 201,
    ).json()  # fmt: skip
    year = server.alice.post(
        f"{PROFILES}/build", {"kind": "typical_year", "name": "Year", "capacity_mw": 67.0}, 201
    ).json()  # fmt: skip

    with server.sessions.begin() as session:
        values = {
            name: open_profile(session, ALICE, server.storage, UUID(one))
            for name, one in (("load", load.json()["id"]), ("sky", sky["id"]), ("house", house["id"]))
        }
    assert np.array_equal(values["load"].values, build_load_profile("custom", {"windows": window}))
    expected = clear_sky_solar(51.2, 6.8, 10.0)
    assert np.array_equal(values["sky"].values, expected.values)
    assert values["sky"].start == expected.start
    assert values["house"].values.sum() * 0.25 == pytest.approx(1000.0)
    assert (house["steps"], house["dt_h"], sky["capacity_mw"], year["steps"]) == (35136, 0.25, 10.0, 8760)
    assert load.headers["Location"] == f"{PROFILES}/{load.json()['id']}"
    assert sky["assumptions"]["latitude"] == 51.2


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"kind": "load", "mode": "constant", "start": 3}, "/start"),
        ({"kind": "load", "mode": "custom", "windows": [{"start": 5, "end": 5, "mw": 1.0}]}, "/mode"),
        ({"kind": "load", "mode": "constant", "mw": -1.0}, "/load/mw"),
        ({"kind": "standard_load", "profile": "x9", "annual_mwh": 1.0, "year": 2024}, "/kind"),
        ({"kind": "standard_load", "profile": "h0", "annual_mwh": 1.0, "year": 2024, "dt_h": 0.3}, "/dt_h"),
        ({"kind": "typical_year", "capacity_mw": 1.0, "year": 2024}, "/year"),
        (
            {"kind": "standard_load", "profile": "h0", "annual_mwh": 1.0, "year": 2024, "holidays": ["2263-01-01"]},
            "/holidays",
        ),
        ({"kind": "wind"}, "/kind"),
    ],
)
def test_what_cannot_be_built_is_refused_with_its_pointer(server: Server, body: dict[str, Any], pointer: str) -> None:
    refused = server.alice.post(f"{PROFILES}/build", {"name": "x", **body}, 422).json()

    assert pointer in [one["pointer"] for one in refused["errors"]], refused


def test_the_library_is_everybodys_and_nobodys_to_change(server: Server) -> None:
    library = server.vera.get(f"{PROFILES}/library").json()
    load = next(one for one in library if one["key"] == "load/constant_25mw")

    found = server.vera.get(f"{PROFILES}/{load['id']}").json()
    figures = server.bob.get(f"{PROFILES}/{load['id']}/statistics").json()
    server.ada.delete(f"{PROFILES}/{load['id']}", 403)
    server.ada.ask("PATCH", f"{PROFILES}/{load['id']}", 403, json={"name": "mine"})

    assert {one["profile_type"] for one in library} == {"load", "solar"}
    assert (found["source"], found["steps"]) == ("system", 8760)
    assert (figures["total_energy_mwh"], figures["peak_mw"]) == (25.0 * 8760, 25.0)
    assert server.alice.get(PROFILES).json()["items"] == [], "the library is no profile of one's own"
    for one in library:
        if one["profile_type"] == "solar":
            with server.sessions.begin() as session:
                assert open_profile(session, SYSTEM, server.storage, UUID(one["id"])).values.max() > 10.0


def test_a_profile_of_somebody_else_does_not_exist(server: Server) -> None:
    profile = _bring(server.alice, _csv(_waves(48))).json()["id"]

    for path in ("", "/statistics", "/preview", "/download"):
        server.bob.get(f"{PROFILES}/{profile}{path}", 404)
        server.bob.get(f"{PROFILES}/{uuid4()}{path}", 404)
        server.stranger.get(f"{PROFILES}/{profile}{path}", 401)
        server.nobody.get(f"{PROFILES}/{profile}{path}", 403)
    server.bob.ask("PATCH", f"{PROFILES}/{profile}", 404, json={"name": "mine"})
    server.vera.get(f"{PROFILES}/{profile}/download", 403)
    server.alice.delete(f"{PROFILES}/{profile}", 403)
    server.bob.get(f"{PROFILES}?everybody=true", 403)
    assert len(server.ada.get(f"{PROFILES}?everybody=true").json()["items"]) == 1
    _bring(server.vera, _csv(_waves(48)), 403)


def test_statistics_and_previews_agree_with_the_values_at_any_step(server: Server) -> None:
    values = _waves(96 * 40)
    profile = _bring(server.alice, _csv(values, minutes=15)).json()["id"]

    figures = server.alice.get(f"{PROFILES}/{profile}/statistics").json()
    day, week, month, carpet = (
        server.alice.get(f"{PROFILES}/{profile}/preview?kind={kind}").json()
        for kind in ("day", "week", "month", "carpet")
    )  # fmt: skip

    assert figures["total_energy_mwh"] == pytest.approx(values.sum() / 4)
    assert figures["highest_mw"] == values.max()
    hourly = values.reshape(-1, 4).mean(axis=1)
    assert day["mean_mw"] == pytest.approx(hourly.reshape(-1, 24).mean(axis=0).tolist())
    assert np.allclose(carpet["rows_mw"], hourly.reshape(-1, 24))
    assert (len(week["labels"]), week["labels"][0]) == (168, "Mon 00:00")
    assert week["mean_mw"][0] == pytest.approx(hourly[:: 24 * 7].mean()), "1 January 2024 was a Monday"
    assert month["labels"] == ["2024-01", "2024-02"]
    assert month["energy_mwh"] == pytest.approx([hourly[: 31 * 24].sum(), hourly[31 * 24 :].sum()])
    server.alice.get(f"{PROFILES}/{profile}/preview?kind=hour", 422)


def test_a_profile_is_renamed_by_its_owner_from_the_version_they_saw(server: Server) -> None:
    profile = _bring(server.alice, _csv(_waves(48))).json()["id"]
    path = f"{PROFILES}/{profile}"

    changed = server.alice.ask("PATCH", path, json={"name": "Better", "description": "two days"},
                               headers={"If-Match": '"1"'})  # fmt: skip
    server.alice.ask("PATCH", path, 412, json={"name": "Worse"}, headers={"If-Match": '"1"'})

    assert (changed.json()["name"], changed.headers["ETag"]) == ("Better", '"2"')
    assert server.alice.get(path).json()["description"] == "two days"
    server.alice.get(path, 304, headers={"If-None-Match": '"2"'})


def test_a_profile_in_use_is_not_removed_and_who_uses_it_is_told_to_those_who_may_know(server: Server) -> None:
    profile = _bring(server.alice, _csv(_waves(48))).json()["id"]
    project = server.alice.project(name="Quarry", load_profile_id=profile)["id"]

    refused = server.ada.delete(f"{PROFILES}/{profile}", 409).json()
    server.alice.put(f"{SIZING}/projects/{project}", {"load_profile_id": None})
    server.ada.delete(f"{PROFILES}/{profile}", 204)

    assert "Quarry" in refused["detail"]
    server.alice.get(f"{PROFILES}/{profile}", 404)
    with server.sessions.begin() as session, pytest.raises(NotFoundError):
        open_profile(session, SYSTEM, server.storage, UUID(profile))
    with server.sessions.begin() as session:
        session.execute(text("UPDATE stored_objects SET released_at = released_at - interval '2 days'"))
        before = session.execute(text("SELECT now() - interval '1 day'")).scalar_one()
    assert collect_orphans(server.sessions, server.storage, before=before).objects == 1
    assert list(server.storage.list()) == []


def test_values_that_were_damaged_in_the_store_are_no_answer(server: Server, tmp_path: Path) -> None:
    profile = _bring(server.alice, _csv(_waves(48))).json()["id"]
    found = next(tmp_path.rglob(f"{profile}.parquet"))
    found.write_bytes(found.read_bytes()[:-20] + b"x" * 20)

    refused = server.alice.get(f"{PROFILES}/{profile}/preview", 503)

    assert "Retry-After" in refused.headers


def test_the_same_upload_twice_under_one_key_is_one_profile(server: Server) -> None:
    key = {"Idempotency-Key": "upload-0000-0001"}

    def bring(content: bytes, expected: int = 201) -> Any:
        return server.alice.post(PROFILES, None, expected, files={"file": ("load.csv", content)},
                                 data={"profile_type": "load"}, headers=key)  # fmt: skip

    first, second = bring(_csv([1.0] * 30)), bring(_csv([1.0] * 30))
    bring(_csv([2.0] * 30), 422)

    assert second.json() == first.json()
    assert len(server.alice.get(PROFILES).json()["items"]) == 1


def test_a_list_of_profiles_is_filtered_and_paged(server: Server) -> None:
    for number in range(5):
        server.alice.post(f"{PROFILES}/build", {"kind": "load", "name": f"L{number}", "mode": "constant", "mw": 1.0})
    _bring(server.alice, _csv(_waves(48), name="solar_mw"), profile_type="solar", name="Sun")

    def names(query: str) -> list[str]:
        return [one["name"] for one in server.alice.get(f"{PROFILES}?sort=name&{query}").json()["items"]]

    assert names("profile_type=solar") == ["Sun"]
    assert names("source=generated") == [f"L{number}" for number in range(5)]
    assert names("q=su") == ["Sun"]
    first = server.alice.get(f"{PROFILES}?sort=name&limit=4")
    rest = server.alice.get(first.links["next"]["url"]).json()["items"]
    assert [one["name"] for one in rest] == ["L4", "Sun"]
