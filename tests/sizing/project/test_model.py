from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from study_files import DAYS, SUN, problems_of, write

from afterbay.sizing.project import load_project
from afterbay.sizing.project.words import rules_in_words


def test_percent_becomes_the_exact_fraction_once(tmp_path: Path) -> None:
    setup = {"bess_efficiency": 87, "bess_min_soc": 7, "bess_max_soc": 93.3, "dg_min_load_pct": 29}
    rules = {"dg_trigger": "soc_based", "soc_on_threshold": 23.1}

    params = load_project(write(tmp_path, setup_config=setup, rules_config=rules)).params()

    assert (params.bess_efficiency, params.bess_min_soc, params.bess_max_soc) == (0.87, 0.07, 0.933)
    assert (params.dg_min_load, params.dg_soc_on_threshold, params.emergency_soc_threshold) == (0.29, 0.231, 0.15)


def test_the_defaults_are_those_of_the_plan_and_no_cycle_limit(tmp_path: Path) -> None:
    project = load_project(write(tmp_path))

    params = project.params()
    assert (params.bess_efficiency, params.bess_min_soc, params.bess_max_soc, params.bess_initial_soc) == (
        0.87, 0.05, 0.95, 0.5,
    )  # fmt: skip
    assert params.enforced_cycle_limit is None
    assert params.dg_takeover_mode
    assert project.template.number == 1
    assert project.grid.bess_mwh == (50.0, 75.0, 100.0, 125.0, 150.0, 175.0, 200.0)
    assert project.grid.durations_h == (2.0, 4.0)
    assert project.grid.dg_mw == (0.0, 5.0, 10.0, 15.0, 20.0)
    assert len(project.grid) == 70
    assert project.goal.delivery_mode == "maximize"
    assert project.costs.installation_fraction == 0.15
    assert any("bess_efficiency 87" in sentence for sentence in project.assumptions)


@pytest.mark.parametrize("name", ["project.yaml", "project.json"])
def test_the_configuration_of_the_plan_is_read_word_for_word(tmp_path: Path, name: str) -> None:
    setup = {
        "load_mode": "constant", "load_mw": 25.0, "load_day_start": 6, "load_day_end": 18, "solar_capacity_mw": 67.0,
        "bess_efficiency": 87.0, "bess_min_soc": 5.0, "bess_max_soc": 95.0, "bess_initial_soc": 50.0,
        "bess_daily_cycle_limit": 1.0, "dg_enabled": True,
    }  # fmt: skip
    rules = {
        "dg_timing": "anytime", "dg_trigger": "reactive", "dg_charges_bess": False, "dg_load_priority": "bess_first",
        "dg_takeover_mode": True, "soc_on_threshold": 20.0, "soc_off_threshold": 80.0, "inferred_template": 1,
    }  # fmt: skip
    sizing = {
        "capacity_min": 50.0, "capacity_max": 200.0, "capacity_step": 25.0, "durations": [2, 4], "dg_min": 0.0,
        "dg_max": 20.0, "dg_step": 5.0,
        "optimization_goal": {"delivery_mode": "maximize", "optimize_for": "min_bess_size"},
    }  # fmt: skip

    project = load_project(write(tmp_path, name, setup_config=setup, rules_config=rules, sizing_config=sizing))

    assert len(project.grid) == 70
    assert project.params().enforced_cycle_limit == 1.0
    assert "solar: file peak 30.0 MW, scaled to 67.0" in project.assumptions
    assert project.solar.values.max() == 67.0
    # Keys without effect are said, not silently swallowed.
    assert any("load_day_start, load_day_end" in sentence for sentence in project.assumptions)


@pytest.mark.parametrize(
    ("key", "value", "meant"),
    [("bess_efficiency", 0.87, "87 %"), ("bess_max_soc", 0.95, "95 %"), ("bess_efficiency", 1.5, "150 %")],
)
def test_a_fraction_where_percent_belongs_is_recognised(tmp_path: Path, key: str, value: float, meant: str) -> None:
    found = problems_of(write(tmp_path, setup_config={key: value}))

    assert any(f"{value:g} %" in problem and f"did you mean {meant}?" in problem for problem in found)


def test_a_minimum_of_zero_is_a_battery_that_may_be_emptied(tmp_path: Path) -> None:
    assert load_project(write(tmp_path, setup_config={"bess_min_soc": 0})).params().bess_min_soc == 0.0


def test_all_problems_come_at_once_each_with_its_key_and_line(tmp_path: Path) -> None:
    file = tmp_path / "project.yaml"
    write(tmp_path)
    file.write_text(
        "setup_config:\n"
        "  solar_file: sun.csv\n"
        "  solar_import: {dt_h: 1}\n"
        "  load_mw: ten\n"
        "  bess_eficiency: 87\n"
        "  bess_efficiency: 0.87\n"
        "rules_config:\n"
        "  dg_timing: weekends\n"
        "sizing_config:\n"
        "  durations: []\n"
        "  optimization_goal: {optimize_for: luck}\n"
    )

    found = "\n".join(problems_of(file))

    for sentence in (
        "setup_config.load_mw, line 4: got 'ten'",
        "setup_config.bess_eficiency, line 5: got an unknown key",
        "did you mean bess_efficiency?",
        "setup_config.bess_efficiency, line 6: got 0.87 %",
        "rules_config.dg_timing, line 8: got 'weekends'",
        "sizing_config.durations, line 10: got []",
        "sizing_config.optimization_goal.optimize_for, line 11: got luck",
    ):
        assert sentence in found


def test_a_stated_template_must_be_the_one_that_follows(tmp_path: Path) -> None:
    found = problems_of(write(tmp_path, rules_config={"inferred_template": 4}))

    assert len(found) == 1
    assert "4 (T4 DG emergency only)" in found[0]
    assert "1 (T1 Green priority)" in found[0]


def test_a_sun_of_zeros_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path)
    (tmp_path / "sun.csv").write_text("solar_mw\n" + "0\n" * 48)

    assert "zeros only" in problems_of(file)[0]


def test_profiles_of_different_length_are_refused_with_the_choices(tmp_path: Path) -> None:
    file = write(tmp_path, setup_config={"load_mode": "csv", "load_file": "load.csv", "load_import": {"dt_h": 1}})
    (tmp_path / "load.csv").write_text("load_mw\n" + "10\n" * 72)

    found = problems_of(file)

    assert "72 steps, but the solar profile has 48" in found[0]
    assert "cut or extend" in found[0]


def test_profiles_of_different_steps_are_refused_and_resampled_on_request(tmp_path: Path) -> None:
    setup = {"load_mode": "csv", "load_file": "load.csv", "load_import": {"dt_h": 0.5}}
    file = write(tmp_path, setup_config=setup)
    (tmp_path / "load.csv").write_text("load_mw\n" + "8\n12\n" * 48)

    assert "resample_h: 1" in problems_of(file)[0]

    project = load_project(file, {"setup_config.load_import.resample_h": 1})
    assert project.load.values.tolist() == [10.0] * 48
    assert any("mean of 2 rows" in sentence for sentence in project.assumptions)


def test_a_leap_year_beside_a_common_one_names_the_leap_day(tmp_path: Path) -> None:
    file = write(tmp_path, setup_config={"load_mode": "csv", "load_file": "load.csv", "load_import": {"dt_h": 1}})
    (tmp_path / "sun.csv").write_text("solar_mw\n" + "1\n" * 8760)
    (tmp_path / "load.csv").write_text("load_mw\n" + "1\n" * 8784)

    assert "load_import: {leap_day: drop}" in problems_of(file)[0]


def test_a_broken_profile_is_named_in_the_words_of_the_project_file(tmp_path: Path) -> None:
    file = write(tmp_path)
    (tmp_path / "sun.csv").write_text("solar_mw\n" + "1\n-2\n" * 24)

    found = problems_of(file)

    assert "negative" in found[0]
    assert "negatives: zero" in found[0]
    assert "setup_config.solar_import" in found[0]


@pytest.mark.parametrize(
    ("mode", "keys", "day"),
    [
        ("constant", {}, [10.0] * 24),
        ("day_only", {"load_day_start": 8, "load_day_end": 10}, [0.0] * 8 + [10.0] * 2 + [0.0] * 14),
        ("night_only", {"load_night_start": 22, "load_night_end": 2}, [10.0] * 2 + [0.0] * 20 + [10.0] * 2),
        ("custom", {"load_windows": [{"start": 0, "end": 24, "mw": 1}, {"start": 6, "end": 8, "mw": 3}]},
         [1.0] * 6 + [3.0] * 2 + [1.0] * 16),
        ("seasonal", {"load_season_start_month": 12, "load_season_end_month": 1, "load_season_day_start": 12},
         [0.0] * 12 + [10.0] * 12),
    ],
)  # fmt: skip
def test_a_built_load_takes_length_and_step_of_the_sun(
    tmp_path: Path, mode: str, keys: dict[str, Any], day: list[float]
) -> None:
    file = write(tmp_path, setup_config={"load_mode": mode, **keys})

    assert load_project(file).load.values.tolist() == day * DAYS


def test_a_load_of_hours_is_held_over_the_quarters_of_the_sun(tmp_path: Path) -> None:
    setup = {"load_mode": "night_only", "load_night_start": 11, "load_night_end": 2, "solar_import": {"dt_h": 0.25}}

    project = load_project(write(tmp_path, setup_config=setup))

    assert project.load.values.tolist() == [10.0] * 8 + [0.0] * 36 + [10.0] * 4
    assert project.params().dt_h == 0.25


def test_a_mistake_in_a_window_names_the_window(tmp_path: Path) -> None:
    found = problems_of(
        write(tmp_path, setup_config={"load_mode": "custom", "load_windows": [{"start": 0, "end": 30, "mw": 1}]})
    )

    assert found[0].startswith("setup_config.load_windows[0].end")


@pytest.mark.parametrize(
    ("sizing", "named"),
    [
        ({"capacity_step": 0.001}, "50,000"),
        ({"capacity_min": 300}, "300 with capacity_max = 200"),
        ({"solar_min": 10}, "without solar_max, solar_step"),
        ({"capacity_values": [10, 10]}, "each size once"),
        ({"durations": [0]}, "above 0"),
    ],
)
def test_sizes_that_cannot_be_run_are_refused(tmp_path: Path, sizing: dict[str, Any], named: str) -> None:
    assert any(named in problem for problem in problems_of(write(tmp_path, sizing_config=sizing)))


def test_many_sizes_are_only_a_warning(tmp_path: Path) -> None:
    project = load_project(write(tmp_path, sizing_config={"capacity_step": 0.1}))

    assert len(project.grid) > 10_000
    assert any("cases are many" in warning for warning in project.warnings)


def test_a_solar_axis_scales_from_what_the_profile_stands_for(tmp_path: Path) -> None:
    sizing = {"solar_min": 30, "solar_max": 60, "solar_step": 30}

    project = load_project(write(tmp_path, setup_config={"solar_capacity_mw": 67}, sizing_config=sizing))

    assert project.grid.solar_mw == (30.0, 60.0)
    assert project.grid.solar_base_mw == 67.0


def test_without_a_generator_its_rules_and_sizes_do_not_matter(tmp_path: Path) -> None:
    project = load_project(
        write(
            tmp_path,
            setup_config={"dg_enabled": False},
            rules_config={"dg_timing": "day_only", "soc_on_threshold": 90, "cycle_charging_enabled": True},
            sizing_config={"dg_step": 0},
        )
    )

    assert project.template.number == 0
    assert project.grid.dg_mw == (0.0,)
    assert any("there is no generator" in sentence for sentence in project.assumptions)


def test_cycle_charging_needs_a_generator_that_varies_and_may_charge(tmp_path: Path) -> None:
    found = problems_of(write(tmp_path, rules_config={"cycle_charging_enabled": True}))

    assert [problem.split(":")[0].split(",")[0] for problem in found] == [
        "setup_config.dg_operating_mode",
        "rules_config.dg_charges_bess",
    ]


def test_a_window_run_needs_a_template_with_a_window(tmp_path: Path) -> None:
    assert "window_end" in problems_of(write(tmp_path, rules_config={"dg_off_trigger": "window_end"}))[0]
    night = {"dg_off_trigger": "window_end", "dg_timing": "night_only", "dg_trigger": "proactive"}
    assert load_project(write(tmp_path, rules_config=night)).params().dg_off_trigger == "window_end"


def test_paths_start_from_the_project_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path / "inside")
    monkeypatch.chdir(tmp_path)

    assert load_project("inside/project.yaml").solar.file == Path("inside/sun.csv")
    assert load_project(file).name == "project"


def test_the_hash_is_that_of_the_inputs_and_of_nothing_else(tmp_path: Path) -> None:
    file = write(tmp_path / "one")
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    same = load_project(write(tmp_path / "two", name="other.yaml", description="elsewhere"))

    first = load_project(file)
    assert first.input_hash == same.input_hash
    assert load_project(file, {"setup_config.load_mw": 11}).input_hash != first.input_hash
    assert (
        load_project(file, {"setup_config.load_mw": 11}).input_hash
        == load_project(file, {"setup_config.load_mw": 11.0}).input_hash
    ), "one number, however it is written"
    (tmp_path / "one" / "sun.csv").write_text("solar_mw\n" + "".join(f"{value + 1}\n" for value in SUN * DAYS))
    assert load_project(file).input_hash != first.input_hash


def test_overrides_replace_values_and_are_named_when_wrong(tmp_path: Path) -> None:
    file = write(tmp_path)

    assert load_project(file, {"sizing_config.optimization_goal.optimize_for": "min_cost"}).goal.optimize_for
    assert "set by you" in problems_of(file, **{"setup_config.load_mw": -1})[0]


def test_rules_are_said_in_words(tmp_path: Path) -> None:
    rules = {"dg_timing": "night_only", "dg_trigger": "soc_based", "soc_on_threshold": 30, "dg_takeover_mode": False}

    words = " ".join(rules_in_words(load_project(write(tmp_path, rules_config=rules))))

    assert "T6 DG night SoC trigger" in words
    assert "18:00 to 6:00" in words
    assert "falls to 30 % and stops at 80 %" in words
    assert "Takeover" not in words


@pytest.mark.parametrize("enabled", [True, False])
def test_cycle_charging_is_said_in_words_with_its_two_numbers(tmp_path: Path, enabled: bool) -> None:
    rules: dict[str, Any] = {"cycle_charging_enabled": enabled, "dg_charges_bess": True}
    if enabled:
        rules |= {"cycle_charging_min_load_pct": 65, "cycle_charging_off_soc": 85}
    file = write(tmp_path, setup_config={"dg_operating_mode": "variable"}, rules_config=rules)

    said = [line for line in rules_in_words(load_project(file)) if line.startswith("Cycle charging")]

    assert len(said) == enabled
    assert all("below 85 %" in line and "at least 65 % of its rating" in line for line in said)
