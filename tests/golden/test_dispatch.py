"""The reference dispatch of the original application, hour by hour, under decision 31.

An output is compared unless its vector marks it affected or our decisions change it. What we change has a
test of its own in tests/sizing/test_corrected_rules.py, with the reason.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from afterbay.core.errors import InvalidInputError, UnknownTemplateError
from afterbay.core.units import percent_to_fraction
from afterbay.sizing import SimulationParams, calculate_metrics, run_simulation
from afterbay.sizing.simulation import HourlyResults
from shared_data import shared_folder, shared_path

_FOLDER = "golden/sizing/dispatch"
_PERCENT = (
    "bess_efficiency", "bess_min_soc", "bess_max_soc", "bess_initial_soc", "dg_soc_on_threshold",
    "dg_soc_off_threshold", "emergency_soc_threshold",
)  # fmt: skip
_REFUSED = {
    "t1_init_above_max": InvalidInputError,  # an initial SOC outside its band is an error
    "t1_enforced_limit_zero": InvalidInputError,  # a limit of 0 is refused
    "t9_unknown_template": UnknownTemplateError,  # nothing runs as T0 by accident
}
# The assist flag is set only when the battery delivers; fuel is on gross output (own test below).
_OURS = {"bess_assisted", "dg_fuel_consumed", "total_fuel_consumed", "avg_fuel_rate_lph", "specific_fuel_consumption"}
_FLOWS = (
    "load", "solar", "solar_to_load", "solar_to_bess", "solar_curtailed", "bess_to_load", "dg_to_load",
    "dg_to_bess", "dg_curtailed", "unserved", "soc", "soc_pct", "daily_cycles", "bess_power", "dg_output_mw",
)  # fmt: skip
_FLAGS = ("dg_running", "bess_disabled", "cycle_charging", "is_night", "is_day", "is_blackout")


def _names() -> list[str]:
    folder = shared_folder() / _FOLDER
    return sorted(path.stem for path in folder.glob("*.json")) or ["shared folder absent"]


@cache
def _vector(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(shared_path(f"{_FOLDER}/{name}.json").read_text())
    return content


@cache
def _profiles() -> dict[str, NDArray[np.float64]]:
    with np.load(shared_path("golden/sizing/profiles.npz")) as stored:
        return {key: stored[key] for key in stored.files}


def _params(vector: dict[str, Any], **changes: Any) -> SimulationParams:
    given = dict(vector["params"])
    for name in _PERCENT:
        given[name] = percent_to_fraction(given[name])
    # Percent names of the original; both are off in every vector.
    given["cycle_charging_min_load"] = percent_to_fraction(given.pop("cycle_charging_min_load_pct"))
    given["cycle_charging_off_soc"] = percent_to_fraction(given.pop("cycle_charging_off_soc"))
    hours = np.arange(vector["num_hours"])
    for ours, theirs in (("load_profile", "load"), ("solar_profile", "solar")):
        stored = _profiles()[vector[theirs]]
        given[ours] = stored[hours % stored.size]
    return SimulationParams(**{**given, **changes})


@cache
def _run(name: str) -> HourlyResults:
    vector = _vector(name)
    return run_simulation(_params(vector), vector["template"])


def _affected(vector: dict[str, Any]) -> set[str]:
    return {word for text in vector["affected_outputs"] for word in text.split(" (")[0].split(", ")}


def _flows_hold(vector: dict[str, Any]) -> bool:
    return not any("all flows" in text for text in vector["affected_outputs"])


def _bits(values: NDArray[Any]) -> str:
    return hashlib.sha256((values.astype("<f8") + 0.0).tobytes()).hexdigest()


@pytest.mark.parametrize("name", _names())
def test_every_unaffected_flow_equals_the_reference_to_the_bit(name: str) -> None:
    vector = _vector(name)
    if name in _REFUSED:
        with pytest.raises(_REFUSED[name]):
            run_simulation(_params(vector), vector["template"])
        return
    results = _run(name)
    if not _flows_hold(vector):
        _compare_until_the_rules_part(results, vector)
        return

    compared = [column for column in _FLOWS if column not in _affected(vector) | _OURS]

    assert len(compared) >= len(_FLOWS) - 2
    for column in compared:
        stored = vector["hourly_aggregates"][column]["sha256_f64"]
        assert _bits(getattr(results, column)) == stored, column
    for flag in _FLAGS:
        stored = vector["hourly_aggregates"][flag]["sha256_u8"]
        found = hashlib.sha256(getattr(results, flag).astype(np.uint8).tobytes()).hexdigest()
        assert found == stored, flag


def _compare_until_the_rules_part(results: HourlyResults, vector: dict[str, Any]) -> None:
    """Cycle limit and takeover differ by decision; up to the first such hour the runs are one."""
    if vector["full_hourly_file"] is None:
        assert results.physics.passed
        return
    with np.load(shared_path(f"golden/sizing/{vector['full_hourly_file']}")) as stored:
        limit = results.params.enforced_cycle_limit
        parted = stored["dg_mode"] == 3 if limit is None else stored["daily_cycles"] > limit
        until = int(np.argmax(parted)) if parted.any() else len(results)
        assert until > 0
        for column in ("solar_to_load", "solar_to_bess", "bess_to_load", "dg_to_load", "soc"):
            assert getattr(results, column)[:until].tolist() == stored[column][:until].tolist()


@pytest.mark.parametrize("name", [name for name in _names() if name not in _REFUSED])
def test_every_unaffected_metric_equals_the_reference(name: str) -> None:
    vector = _vector(name)
    results = _run(name)
    found = calculate_metrics(results, results.params).to_dict()
    flows_hold = _flows_hold(vector)
    always = {"total_load", "total_solar_generation", "hours_with_load"}

    compared = 0
    for metric, expected in vector["metrics"].items():
        if metric in _affected(vector) | _OURS or (not flows_hold and metric not in always):
            continue
        if metric == "total_unserved" or metric == "pct_unserved":
            # The residual below the tolerance is booked as unserved by decision 13.
            assert found[metric] == pytest.approx(expected, rel=1e-9, abs=0.01), metric
        elif isinstance(expected, int) and isinstance(found[metric], int):
            assert found[metric] == expected, metric
        else:
            assert found[metric] == pytest.approx(expected, rel=1e-9, abs=1e-6), metric
        compared += 1

    assert compared >= (30 if flows_hold else 3)


def _with_flows_that_hold() -> list[str]:
    """Fuel follows from the flows: where those are of another rule, there is nothing to compare it with."""
    if not (shared_folder() / _FOLDER).exists():
        return _names()
    return [name for name in _names() if name not in _REFUSED and _flows_hold(_vector(name))]


@pytest.mark.parametrize("name", _with_flows_that_hold())
def test_fuel_is_that_of_the_gross_output(name: str) -> None:
    vector = _vector(name)
    results = _run(name)
    curve = vector["params"]["dg_fuel_curve_enabled"]
    expected = vector["fuel_alternatives"]["willans_on_gross_output_l" if curve else "flat_on_gross_output_l"]

    metrics = calculate_metrics(results, results.params)

    assert metrics.total_fuel_consumed == pytest.approx(expected, rel=1e-9, abs=1e-6)


def test_the_reference_holds_what_its_page_says() -> None:
    folder = shared_path(_FOLDER)

    names = [path.stem for path in Path(folder).glob("*.json")]

    assert len(names) == 99
    assert sum(_flows_hold(_vector(name)) for name in names if name not in _REFUSED) >= 78
