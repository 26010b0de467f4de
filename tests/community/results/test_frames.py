from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from community_results import elm_week, two_house_library, two_house_run

from afterbay.community.results import (
    community_kpis,
    compare_runs,
    export_run,
    houses_frame,
    kpi_names,
    kpis_frame,
    nodes_frame,
    series_frame,
    write_frame,
)
from afterbay.community.simulation import DAILY_COLUMNS, NODE_COLUMNS, horizon, run_community
from afterbay.community.topology import two_houses
from afterbay.core.errors import InvalidInputError, MissingExtraError, NotFoundError

STATE = "stored_kwh"


def test_months_and_days_add_up_to_the_year() -> None:
    run = two_house_run(days=60)

    day, month, year = (houses_frame(run, every) for every in ("day", "month", "year"))

    assert [len(frame) for frame in (day, month, year)] == [120, 4, 2]
    for name in DAILY_COLUMNS:
        if name != STATE:
            assert month[name].sum() == pytest.approx(year[name].sum()), name
            assert day[name].sum() == pytest.approx(year[name].sum()), name
    assert month.loc[month["house"] == "H-1.1.1", "solar_kwh"].tolist() == pytest.approx([30 * 72.0, 30 * 72.0])


def test_a_month_keeps_the_stored_energy_of_its_last_day() -> None:
    run = elm_week()

    day, month = houses_frame(run, "day"), houses_frame(run, "month")

    last = day[day["date"] == day["date"].max()]
    assert month[STATE].tolist() == last[STATE].tolist()
    assert month[STATE].max() > 0.0


def test_every_energy_and_power_has_its_unit_in_name_and_attributes() -> None:
    for frame in (houses_frame(elm_week()), nodes_frame(elm_week()), series_frame(elm_week())):
        numbers = frame.select_dtypes("number").columns
        assert len(numbers) > 5
        assert set(frame.attrs["units"]) == set(numbers)
        assert all(frame.attrs["units"][name] == "kWh" for name in numbers if name.endswith("_kwh"))


def test_days_are_local_and_steps_are_local_or_utc() -> None:
    run = elm_week()

    days, local, utc = houses_frame(run), nodes_frame(run), nodes_frame(run, clock="utc")

    assert str(days["date"].dtype) == "datetime64[s, Europe/Berlin]"
    assert days["date"].iloc[0].isoformat() == "2023-03-22T00:00:00+01:00"
    assert days["date"].iloc[-1].isoformat() == "2023-03-29T00:00:00+02:00"
    assert str(utc["time"].dtype) == "datetime64[s, UTC]"
    assert (local["time"] == utc["time"]).all()
    # The day on which clocks go forward has 92 quarter hours.
    assert (local[local["node"] == "S-1"]["time"].dt.date == pd.Timestamp("2023-03-26").date()).sum() == 92


def test_nodes_by_day_are_their_steps_added_up() -> None:
    steps, days = nodes_frame(elm_week()), nodes_frame(elm_week(), "day")

    summed = steps.groupby([steps["time"].dt.date, "node"], observed=True)[list(NODE_COLUMNS)].sum()

    assert days[list(NODE_COLUMNS)].to_numpy() == pytest.approx(summed.to_numpy())
    assert len(days) == 8 * 3


def test_the_net_power_of_the_two_houses_is_half_a_kilowatt_upwards() -> None:
    frame = nodes_frame(two_house_run())

    assert frame["net_kw"].to_numpy() == pytest.approx(np.full(192, 0.5))
    assert frame[frame["node"] == "T-1.1"]["loading_fraction"].to_numpy() == pytest.approx(np.full(96, 0.01))
    assert frame[frame["node"] == "S-1"]["loading_fraction"].isna().all()


def test_series_of_chosen_houses_add_up_to_their_days() -> None:
    run = elm_week()

    steps, days = series_frame(run), houses_frame(run)

    for house in run.chosen:
        for name in ("load_kwh", "solar_kwh", "import_kwh", "bought_kwh"):
            ours, theirs = (frame.loc[frame["house"] == house, name].sum() for frame in (steps, days))
            assert ours == pytest.approx(theirs), name
    assert steps["net_kw"].to_numpy() * 0.25 == pytest.approx((steps["export_kwh"] - steps["import_kwh"]).to_numpy())


def test_a_house_whose_series_was_not_kept_is_named() -> None:
    with pytest.raises(NotFoundError, match=r"H-1\.1\.2.*not kept"):
        series_frame(elm_week(), ["H-1.1.2"])


def test_columns_can_be_chosen_and_unknown_ones_are_refused() -> None:
    assert houses_frame(elm_week(), columns=["load_kwh"]).columns.tolist() == ["date", "house", "load_kwh"]
    with pytest.raises(InvalidInputError, match=r"'load_mwh'.*allowed: some of load_kwh"):
        houses_frame(elm_week(), columns=["load_mwh"])
    with pytest.raises(InvalidInputError, match="day, month or year"):
        houses_frame(elm_week(), "week")  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="local or utc"):
        nodes_frame(elm_week(), clock="mine")  # type: ignore[arg-type]


def test_the_table_of_figures_has_a_row_for_each_part_and_figure() -> None:
    run = elm_week()

    frame = kpis_frame(run)

    expected = len(kpi_names("community")) + 2 * len(kpi_names("transformer")) + 10 * (len(kpi_names("house")) - 2)
    assert len(frame) == expected
    assert not frame.duplicated(["of", "name", "kpi"]).any()
    found = frame[(frame["of"] == "community") & (frame["kpi"] == "shared_kwh")]["value"].item()
    assert found == community_kpis(run)["shared_kwh"]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_an_exported_table_comes_back_with_every_digit(tmp_path: Path, kind: str) -> None:
    run = elm_week()

    files = export_run(run, tmp_path, kind=kind)  # type: ignore[arg-type]

    assert {path.stem for path in files} == {
        "kpis", "houses_by_day", "houses_by_month", "houses_by_year", "nodes_by_step", "nodes_by_day",
        "chosen_houses_by_step",
    }  # fmt: skip
    path = tmp_path / f"nodes_by_step.{kind}"
    back = pd.read_csv(path, float_precision="round_trip") if kind == "csv" else pd.read_parquet(path)
    frame = nodes_frame(run)
    assert back["up_kwh"].tolist() == frame["up_kwh"].tolist()
    assert pd.to_datetime(back["time"], utc=True).tolist() == frame["time"].tolist()
    assert [path.name for path in tmp_path.iterdir() if "part" in path.name] == []


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_the_same_run_gives_the_same_bytes(tmp_path: Path, ending: str) -> None:
    again = run_community(two_houses(), two_house_library(), "proportional", horizon("2023-06-01", 1), series="all")

    first = write_frame(houses_frame(two_house_run()), tmp_path / f"a.{ending}")
    second = write_frame(houses_frame(again), tmp_path / f"b.{ending}")

    assert first.read_bytes() == second.read_bytes()


def test_a_comparison_keeps_the_names_of_its_figures_in_a_file(tmp_path: Path) -> None:
    frame = compare_runs({"shared": two_house_run(), "alone": two_house_run("none")})

    back = pd.read_csv(write_frame(frame, tmp_path / "compare.csv"))

    assert back.columns.tolist() == ["kpi", "unit", "shared", "alone"]
    assert back["kpi"].tolist() == list(kpi_names("community"))


def test_nothing_is_written_where_nothing_can_be(tmp_path: Path) -> None:
    frame = kpis_frame(two_house_run())

    with pytest.raises(InvalidInputError, match=r"\.csv or \.parquet"):
        write_frame(frame, tmp_path / "kpis.xlsx")
    with pytest.raises(InvalidInputError, match="make the folder"):
        write_frame(frame, tmp_path / "nowhere" / "kpis.csv")
    with pytest.raises(InvalidInputError, match="make the folder"):
        export_run(two_house_run(), tmp_path / "nowhere")
    with pytest.raises(InvalidInputError, match="csv or parquet"):
        export_run(two_house_run(), tmp_path, kind="xlsx")  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_without_pyarrow_the_extra_is_named_and_csv_still_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = kpis_frame(two_house_run())
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    with pytest.raises(MissingExtraError, match=r"afterbay\[parquet\]"):
        write_frame(frame, tmp_path / "kpis.parquet")
    assert write_frame(frame, tmp_path / "kpis.csv").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["kpis.csv"]
