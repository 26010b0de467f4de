from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from community_grids import grids
from hypothesis import given, settings

from afterbay.community.topology import (
    ElectricVehicle,
    Flag,
    Grid,
    HomeBattery,
    House,
    LoadSeries,
    SolarArray,
    Tariff,
    TariffPeriod,
    Transformer,
    WindTurbine,
    check_grid,
    elm_street,
    find_node,
    require_ready,
    set_fields,
    two_houses,
)
from afterbay.community.topology.bounds import BOUNDS
from afterbay.community.topology.shapes import fields_of
from afterbay.core.errors import InvalidInputError

_RECORDS = (
    Grid, Transformer, House, LoadSeries, SolarArray, WindTurbine, HomeBattery, ElectricVehicle, Tariff, TariffPeriod,
)  # fmt: skip
_BATTERY = HomeBattery(10.0, 5.0, 5.0)


def _house(**fields: Any) -> Grid:
    """Two houses, the first with other fields."""
    grid = two_houses()
    (transformer,) = grid.transformers
    first, second = transformer.houses
    houses = (replace(first, **fields), second)
    return replace(grid, transformers=(replace(transformer, houses=houses),))


def _transformer(**fields: Any) -> Grid:
    grid = two_houses()
    return replace(grid, transformers=(replace(grid.transformers[0], **fields),))


def _grid(**fields: Any) -> Grid:
    return replace(two_houses(), **fields)


def _battery(**fields: Any) -> Grid:
    return _house(batteries=(replace(_BATTERY, **fields),))


def _tariff(**fields: Any) -> Grid:
    return _grid(tariffs={"household": replace(Tariff(0.3, 0.08), **fields)})


def test_the_examples_are_ready() -> None:
    assert elm_street().check() == ()
    assert two_houses().check() == ()


@given(grid=grids())
@settings(max_examples=60, deadline=None)
def test_a_random_sound_grid_has_no_error(grid: Grid) -> None:
    assert [str(finding) for finding in grid.check() if finding.severity == "error"] == []


_T = "T-1.1"
_A, _B = "H-1.1.1", "H-1.1.2"
_ERRORS = [
    # Names and tree
    (_grid(houses=(House(_A, loads=(LoadSeries("p"),)),)), _A, "name", "every name once -> rename one of them"),
    (_grid(houses=(House("", loads=(LoadSeries("p"),)),)), "", "name", "1..60 printable characters"),
    (_house(display_name="x" * 41), _A, "display_name", "at most 40 printable characters"),
    (_grid(transformers=()), "S-1", "houses", "got none, allowed: at least one house"),
    # Houses
    (_house(loads=(), solar=()), _A, "loads", "got no load and no device"),
    (_house(import_kw=-1.0), _A, "import_kw", "got -1.0, allowed: a finite number >= 0 [kW]"),
    (_house(export_kw=math.nan), _A, "export_kw", "got nan, allowed: a finite number >= 0 [kW]"),
    (_house(loads=(LoadSeries("p", -1.0),)), _A, "loads[0].scale", "got -1.0"),
    (_house(loads=(LoadSeries(" "),)), _A, "loads[0].profile", "a name of a profile"),
    (_house(solar=(SolarArray("s", 0.0),)), _A, "solar[0].kw", "a finite number above 0 [kW]"),
    (_house(solar=(SolarArray("s", 3.0, tilt_deg=120.0),)), _A, "solar[0].tilt_deg", "0..90 [degrees]"),
    (_house(wind=(WindTurbine("w", math.inf),)), _A, "wind[0].kw", "got inf"),
    (_house(cars=(ElectricVehicle("e", 0.0),)), _A, "cars[0].charger_kw", "above 0 [kW]"),
    (_house(tariff="houshold"), _A, "tariff", "got houshold, allowed: a tariff of the grid -> did you mean household?"),
    (_house(flags=(Flag("Priority", ""),)), _A, "flags[0]", "a type and a value"),
    (_house(flags=(Flag("a", "b"), Flag("a", "b"))), _A, "flags[1]", "got a=b again"),
    (_house(key=0.4), "S-1", "houses.key", "got 0.4 from 1 of 2 houses, allowed: shares that add up to 1"),
    (_house(key=60.0), _A, "key", "did you mean 0.6?"),
    # Batteries
    (_battery(min_soc=0.9, max_soc=0.2), _A, "batteries[0].min_soc", "got 0.9 with max_soc 0.2"),
    (_battery(initial_soc=0.05), _A, "batteries[0].initial_soc", "got 0.05, allowed: 0.1..1, the window"),
    (_battery(max_soc=95.0), _A, "batteries[0].max_soc", "did you mean 0.95?"),
    (_battery(max_soc=0.8, reserve_soc=0.9), _A, "batteries[0].reserve_soc", "up to max_soc (0.8)"),
    (_battery(charge_efficiency=0.0), _A, "batteries[0].charge_efficiency", "a fraction above 0, up to 1"),
    (_battery(discharge_efficiency=1.01), _A, "batteries[0].discharge_efficiency", "got 1.01"),
    (_battery(charge_kw=0.0), _A, "batteries[0].charge_kw", "above 0 [kW]"),
    (_battery(discharge_kw=-5.0), _A, "batteries[0].discharge_kw", "above 0 [kW]"),
    (_battery(capacity_kwh=0.0), _A, "batteries[0].capacity_kwh", "above 0 [kWh]"),
    (_battery(mode="self_consumtion"), _A, "batteries[0].mode", "did you mean self_consumption?"),
    (_battery(mode="community"), _A, "batteries[0].voluntary_storage", "got false with mode community"),
    (_battery(charge_from_h=25.0), _A, "batteries[0].charge_from_h", "0..24 [h local]"),
    (_battery(base_share=30.0), _A, "batteries[0].base_share", "did you mean 0.3?"),
    # Transformers
    (_transformer(forward_efficiency=97.0), _T, "forward_efficiency", "did you mean 0.97?"),
    (_transformer(backward_efficiency=0.0), _T, "backward_efficiency", "a fraction above 0, up to 1"),
    (_transformer(rated_kw=0.0), _T, "rated_kw", "above 0 [kW]"),
    (_transformer(no_load_loss_kw=-0.1), _T, "no_load_loss_kw", ">= 0 [kW]"),
    (_transformer(load_loss_kw=1.0, rated_kw=None), _T, "load_loss_kw", "got 1 kW without a rating"),
    (_transformer(load_loss_kw=1000.0), _T, "load_loss_kw", "give kW, neither W nor percent"),
    (_transformer(fee_fraction=5.0), _T, "fee_fraction", "did you mean 0.05?"),
    (_transformer(import_limit_kw="50"), _T, "import_limit_kw", "give a number, without quotes or a unit"),
    # Grid
    (_grid(currency="euro"), "S-1", "currency", "three capital letters"),
    (_grid(time_zone="Europe/Berlln"), "S-1", "time_zone", "did you mean Europe/Berlin?"),
    (_grid(time_zone=""), "S-1", "time_zone", "an IANA time zone"),
    (_grid(time_zone="../etc"), "S-1", "time_zone", "an IANA time zone"),
    (_grid(latitude=91.0, longitude=0.0), "S-1", "latitude", "-90..90 [degrees]"),
    (_grid(latitude=50.0), "S-1", "longitude", "both latitude and longitude, or neither"),
    (_grid(emission_kg_per_kwh=-0.1), "S-1", "emission_kg_per_kwh", ">= 0 [kg/kWh]"),
    (_grid(priority=(("Priority", "Hospital"),)), "S-1", "priority[0]", "got Priority=Hospital"),
    (_grid(priority=(("Priority",),)), "S-1", "priority[0]", "a flag as (type, value)"),
    # Tariffs
    (_tariff(retail_per_kwh=math.nan), "S-1", "tariffs.household.retail_per_kwh", "a finite number"),
    (_tariff(tax_fraction=19.0), "S-1", "tariffs.household.tax_fraction", "did you mean 0.19?"),
    (_tariff(monthly_fee=-1.0), "S-1", "tariffs.household.monthly_fee", ">= 0"),
    (_tariff(periods=(TariffPeriod(6.0, 6.0, 0.4),)), "S-1", "tariffs.household.periods[0].from_h", "never"),
    (_tariff(periods=(TariffPeriod(6.0, 30.0, 0.4),)), "S-1", "tariffs.household.periods[0].to_h", "0..24"),
    (_tariff(periods=(TariffPeriod(6.0, 8.0, 0.4, weekdays=(7,)),)), "S-1", "tariffs.household.periods[0].weekdays",
     "got 7, allowed: whole numbers 0..6"),
    (_tariff(periods=(TariffPeriod(6.0, 8.0, 0.4, months=()),)), "S-1", "tariffs.household.periods[0].months", "none"),
    (_grid(tariffs={"": Tariff(0.3)}), "S-1", "tariffs", "name the tariff"),
]  # fmt: skip


@pytest.mark.parametrize(("grid", "node", "field", "told"), _ERRORS, ids=[f"{row[2]}-{row[3]}" for row in _ERRORS])
def test_each_error_is_one_clear_message_at_its_place(grid: Grid, node: str, field: str, told: str) -> None:
    found = [finding for finding in grid.check() if finding.problem.where == f"{node}.{field}"]

    assert [(finding.node, finding.severity) for finding in found] == [(node, "error")]
    assert told in str(found[0])
    assert found[0].problem.next_move


_WARNINGS = [
    (_transformer(rated_kw=None), _T, "rated_kw", "the loading is unknown"),
    (_transformer(allow_export=False, export_limit_kw=9.0), _T, "export_limit_kw", "got 9 kW with allow_export false"),
    (_grid(transformers=(*two_houses().transformers, Transformer("T-1.2", rated_kw=1.0))), "T-1.2", "houses",
     "got nothing below it"),
    (_house(display_name="B"), _B, "display_name", "got 'B', as H-1.1.1"),
    (_grid(tariffs={}), "S-1", "tariffs", "to settle a run"),
    (_tariff(feed_in_per_kwh=0.5), "S-1", "tariffs.household.feed_in_per_kwh", "markets trade between the two"),
    (_tariff(periods=(TariffPeriod(6.0, 8.0),)), "S-1", "tariffs.household.periods[0]", "no price of its own"),
    (_battery(mode="time_of_use", discharge_to_h=0.0), _A, "batteries[0].discharge_from_h", "never"),
    (_battery(mode="time_of_use", grid_charge=True), _A, "batteries[0].charge_from_h", "never, with grid_charge"),
]  # fmt: skip


@pytest.mark.parametrize(("grid", "node", "field", "told"), _WARNINGS, ids=[row[3] for row in _WARNINGS])
def test_each_doubt_is_one_warning_that_does_not_stop_a_run(grid: Grid, node: str, field: str, told: str) -> None:
    (finding,) = grid.check()

    assert (finding.node, finding.severity, finding.problem.where) == (node, "warning", f"{node}.{field}")
    assert told in str(finding)
    require_ready(grid)


@pytest.mark.parametrize(
    "fields",
    [
        {"loads": ()},
        {"loads": (), "solar": (), "wind": (WindTurbine("w", 5.0),)},
        {"loads": (), "solar": (), "batteries": (_BATTERY,)},
        {"loads": (), "solar": (), "cars": (ElectricVehicle("e"),)},
        {"batteries": (replace(_BATTERY, voluntary_storage=True),)},
    ],
)
def test_a_house_that_only_makes_stores_or_drives_is_legal(fields: dict[str, Any]) -> None:
    assert _house(**fields).check() == ()


def test_all_errors_come_at_once_and_before_the_warnings() -> None:
    grid = replace(_transformer(rated_kw=None, forward_efficiency=97.0), currency="euro", tariffs={})

    found = grid.check()

    assert [finding.severity for finding in found] == ["error", "error", "warning", "warning"]
    with pytest.raises(InvalidInputError) as refused:
        require_ready(grid)
    assert len(refused.value.problems) == 2


def test_a_profile_that_does_not_exist_is_named_only_when_profiles_are_known() -> None:
    grid = two_houses()

    (finding,) = check_grid(grid, ["load-H-1.1.1", "load-H-1.1.2", "solar-2"])

    assert str(finding) == (
        "error: H-1.1.1.solar[0].profile: got solar-1, allowed: a profile that exists -> did you mean solar-2?"
    )
    assert grid.check() == ()
    assert grid.check(["load-H-1.1.1", "load-H-1.1.2", "solar-1"]) == ()


def test_an_inactive_flag_serves_no_priority_list() -> None:
    worn = set_fields(_grid(), _A, flags=[{"type": "Priority", "value": "Hospital"}])
    listed = replace(worn, priority=(("Priority", "Hospital"),))
    off = set_fields(listed, _A, flags=[{"type": "Priority", "value": "Hospital", "active": False}])

    assert listed.check() == ()
    assert [finding.problem.where for finding in off.check()] == ["S-1.priority[0]"]


def test_a_flag_twice_in_a_priority_list_is_refused() -> None:
    worn = set_fields(_grid(), _A, flags=[{"type": "Priority", "value": "Hospital"}])

    (finding,) = replace(worn, priority=(("Priority", "Hospital"),) * 2).check()

    assert "got Priority=Hospital again" in str(finding)


def test_keys_that_add_up_to_one_are_fine_and_a_hundred_is_asked_about() -> None:
    thirds = set_fields(set_fields(two_houses(), _A, key=1 / 3), _B, key=2 / 3)
    percent = set_fields(set_fields(two_houses(), _A, key=33.0), _B, key=67.0)

    assert thirds.check() == ()
    assert any("did you mean percent?" in str(finding) for finding in percent.check())


def test_a_tree_deeper_than_a_document_is_told_once() -> None:
    tree = Transformer("T-60", rated_kw=9.0, houses=(House("H-1", loads=(LoadSeries("p"),)),))
    for level in range(59, 0, -1):
        tree = Transformer(f"T-{level}", rated_kw=9.0, transformers=(tree,))

    (finding,) = Grid(transformers=(tree,), tariffs={"a": Tariff(0.3)}).check()

    assert str(finding).startswith("error: T-51: got level 51, allowed: at most 50 levels of transformers")


def test_findings_are_machine_readable() -> None:
    (finding,) = _transformer(rated_kw=None).check()

    assert finding.to_dict() == {
        "node": "T-1.1", "severity": "warning", "where": "T-1.1.rated_kw", "got": "nothing",
        "allowed": "a rating above 0 [kW]", "next_move": "without it the loading is unknown: give it",
    }  # fmt: skip


@pytest.mark.parametrize("record", _RECORDS)
def test_every_number_of_every_record_has_a_bound_and_may_be_open_only_where_the_record_says(record: type) -> None:
    numbers = {name: shape.or_none for name, (shape, _, _) in fields_of(record).items() if shape.kind == "number"}

    assert {name: bound.or_none for name, bound in BOUNDS[record.__name__].items()} == numbers


def test_the_check_reads_the_grid_that_it_is_given() -> None:
    grid = _transformer(rated_kw=None)

    assert find_node(grid, "T-1.1") == grid.transformers[0]
    assert check_grid(grid) == grid.check()
