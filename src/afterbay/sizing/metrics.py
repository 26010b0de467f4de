"""From totals to the numbers that a person reads: hours, energies, shares."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from afterbay.core.errors import InvalidInputError, Problem
from afterbay.sizing import kernels
from afterbay.sizing import layout as at

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from afterbay.sizing.params import SimulationParams
    from afterbay.sizing.simulation import HourlyResults

__all__ = ["SummaryMetrics", "calculate_metrics", "metric_columns"]


def _m(unit: str, text: str) -> Any:
    return field(metadata={"unit": unit, "text": text})


@dataclass(frozen=True, slots=True)
class SummaryMetrics:
    """A run in numbers. Two families: *hours* (a load hour served whole counts) and *energy*.

    Names that say `pct` are 0..100. Hours of a run with steps of an hour are whole numbers.
    """

    delivery_pct: float = _m("%", "Load hours served whole, share of load hours (= pct_full_delivery)")
    green_hours: float = _m("h", "Load hours served whole with the generator off (= hours_green_delivery)")
    dg_runtime_hours: float = _m("h", "Hours with the generator running")
    pct_green_energy_of_demand: float = _m("%", "Solar energy served, also through the battery, share of the load")
    pct_green_energy_by_origin: float = _m(
        "%", "Solar energy served, also through the battery, share of what is served"
    )
    load_served_pct: float = _m("%", "Energy served, share of the load")

    total_load: float = _m("MWh", "Load")
    total_solar_generation: float = _m("MWh", "Solar available")
    total_solar_to_load: float = _m("MWh", "Solar used directly")
    total_solar_to_bess: float = _m("MWh", "Solar into the battery, before its losses")
    total_solar_curtailed: float = _m("MWh", "Solar neither used nor stored")
    total_bess_to_load: float = _m("MWh", "Battery to load, after its losses")
    total_dg_to_load: float = _m("MWh", "Generator to load")
    total_dg_to_bess: float = _m("MWh", "Generator into the battery")
    total_dg_curtailed: float = _m("MWh", "Generator output that nobody took")
    total_dg_generation: float = _m("MWh", "Gross output of the generator")
    total_unserved: float = _m("MWh", "Load not served")
    total_bess_losses: float = _m("MWh", "Lost in the battery: charging, discharging, standing")
    total_bess_standing_loss: float = _m("MWh", "Leaked from the cells while standing")
    total_bess_to_load_from_dg: float = _m("MWh", "Battery to load that a generator once made")

    hours_with_load: float = _m("h", "Hours with load")
    hours_full_delivery: float = _m("h", "Load hours served whole")
    hours_any_delivery: float = _m("h", "Load hours in which anything was served")
    hours_green_delivery: float = _m("h", "Load hours served whole with the generator off")
    hours_with_dg: float = _m("h", "Hours with the generator running (= dg_runtime_hours)")
    pct_full_delivery: float = _m("%", "Load hours served whole, share of load hours; 100 without load")
    pct_green_delivery: float = _m("%", "Green hours, share of load hours; 100 without load")
    pct_unserved: float = _m("%", "Load not served, share of load")
    pct_solar_curtailed: float = _m("%", "Solar curtailed, share of solar")
    solar_during_load_hours: float = _m("MWh", "Solar in hours with load")
    solar_curtailed_during_load_hours: float = _m("MWh", "Solar curtailed in hours with load")
    pct_solar_curtailed_load_hours: float = _m("%", "The same, share of solar in hours with load")

    dg_starts: int = _m("", "Starts of the generator")
    dg_capacity_factor_pct: float = _m("%", "Generator output, share of its rating over the whole run")
    hours_emergency: float = _m("h", "Hours in which the generator ran as an emergency")
    hours_takeover: float = _m("h", "Hours in which the generator took the whole load")
    cycle_charging_hours: float = _m("h", "Hours in which the generator ran on to charge the battery")
    hours_bess_assisted: float = _m("h", "Hours in which the battery helped a running generator")
    total_fuel_consumed: float = _m("L", "Fuel")
    avg_fuel_rate_lph: float = _m("L/h", "Fuel per running hour")
    specific_fuel_consumption: float = _m("L/MWh", "Fuel per energy that was used")

    bess_throughput: float = _m("MWh", "Energy that the battery delivered")
    bess_equivalent_cycles: float = _m("", "Throughput over usable energy")
    max_daily_cycles: float = _m("", "Most cycles in one calendar day")
    avg_daily_cycles: float = _m("", "Mean cycles per calendar day")
    days_at_cycle_limit: int = _m("d", "Days on which the cycle allowance was used up")
    final_soc: float = _m("MWh", "Energy in the cells at the end")
    mean_soc_pct: float = _m("%", "Mean state of charge at the ends of the steps, share of capacity")

    total_green_energy_delivered: float = _m("MWh", "Solar and battery to load, whatever filled the battery")
    total_energy_delivered: float = _m("MWh", "Energy served")
    pct_green_energy: float = _m("%", "Solar and battery, share of what is served, whatever filled the battery")
    hours_full_delivery_mar_oct: float = _m("h", "Load hours served whole, March to October")
    hours_green_delivery_mar_oct: float = _m("h", "Green hours, March to October")
    pct_green_delivery_mar_oct: float = _m("%", "Green hours, share of hours served whole, March to October")
    blackout_delivery_pct: float = _m("%", "Load hours served whole inside the blackout hours")
    night_silent_pct: float = _m("%", "Night hours without the generator, share of night hours")
    day_green_pct: float = _m("%", "Day load hours served whole without the generator")

    def to_dict(self) -> dict[str, Any]:
        """Return every metric by name."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def _share(part: Any, whole: Any, empty: float = 0.0) -> Any:
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.where(whole > 0.0, 100.0 * part / whole, empty)


def _ratio(part: Any, whole: Any) -> Any:
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.where(whole > 0.0, part / whole, 0.0)


def metric_columns(cases: NDArray[np.float64], totals: NDArray[np.float64]) -> Mapping[str, NDArray[np.float64]]:
    """Return every metric of many cases at once, each of shape (m,).

    Args:
        cases: `layout.CASE`, shape (m, 36).
        totals: `layout.TOTALS`, shape (m, 53).
    """
    dt_h = cases[:, at.DT_H]

    def energy(place: int) -> NDArray[np.float64]:
        return totals[:, place] * dt_h

    hours = energy
    usable = cases[:, at.CAPACITY] * (cases[:, at.MAX_SOC_PCT] - cases[:, at.MIN_SOC_PCT]) / 100.0
    load, solar = energy(at.T_LOAD), energy(at.T_SOLAR)
    curtailed, unserved = energy(at.T_SOLAR_CURTAILED), energy(at.T_UNSERVED)
    to_load, from_bess = energy(at.T_SOLAR_TO_LOAD), energy(at.T_BESS_TO_LOAD)
    from_dg, dg_to_bess = energy(at.T_DG_TO_LOAD), energy(at.T_DG_TO_BESS)
    bess_from_dg, standing = energy(at.T_BESS_FROM_DG), totals[:, at.T_STANDING_LOSS]
    green = to_load + from_bess
    served = green + from_dg
    honest = green - bess_from_dg
    load_hours, full, green_hours = hours(at.T_LOAD_STEPS), hours(at.T_FULL), hours(at.T_GREEN)
    dg_hours, fuel = hours(at.T_DG_STEPS), totals[:, at.T_FUEL]
    eta = np.sqrt(cases[:, at.EFFICIENCY_PCT] / 100.0)
    losses = (energy(at.T_SOLAR_TO_BESS) + dg_to_bess) * (1.0 - eta) + from_bess * (1.0 / eta - 1.0) + standing
    solar_in_load, curtailed_in_load = energy(at.T_SOLAR_IN_LOAD), energy(at.T_CURTAILED_IN_LOAD)
    output = energy(at.T_DG_OUTPUT)
    delivery = _share(full, load_hours, 100.0)
    return {
        "delivery_pct": delivery,
        "green_hours": green_hours,
        "dg_runtime_hours": dg_hours,
        "pct_green_energy_of_demand": _share(honest, load, 100.0),
        "pct_green_energy_by_origin": _share(honest, served),
        "load_served_pct": _share(served, load, 100.0),
        "total_load": load,
        "total_solar_generation": solar,
        "total_solar_to_load": to_load,
        "total_solar_to_bess": energy(at.T_SOLAR_TO_BESS),
        "total_solar_curtailed": curtailed,
        "total_bess_to_load": from_bess,
        "total_dg_to_load": from_dg,
        "total_dg_to_bess": dg_to_bess,
        "total_dg_curtailed": energy(at.T_DG_CURTAILED),
        "total_dg_generation": output,
        "total_unserved": unserved,
        "total_bess_losses": losses,
        "total_bess_standing_loss": standing,
        "total_bess_to_load_from_dg": bess_from_dg,
        "hours_with_load": load_hours,
        "hours_full_delivery": full,
        "hours_any_delivery": hours(at.T_ANY),
        "hours_green_delivery": green_hours,
        "hours_with_dg": dg_hours,
        "pct_full_delivery": delivery,
        "pct_green_delivery": _share(green_hours, load_hours, 100.0),
        "pct_unserved": _share(unserved, load),
        "pct_solar_curtailed": _share(curtailed, solar),
        "solar_during_load_hours": solar_in_load,
        "solar_curtailed_during_load_hours": curtailed_in_load,
        "pct_solar_curtailed_load_hours": _share(curtailed_in_load, solar_in_load),
        "dg_starts": totals[:, at.T_DG_STARTS],
        "dg_capacity_factor_pct": _share(output, cases[:, at.DG_RATING] * hours(at.T_STEPS)),
        "hours_emergency": hours(at.T_EMERGENCY),
        "hours_takeover": hours(at.T_TAKEOVER),
        "cycle_charging_hours": hours(at.T_CYCLE),
        "hours_bess_assisted": hours(at.T_ASSISTED),
        "total_fuel_consumed": fuel,
        "avg_fuel_rate_lph": _ratio(fuel, dg_hours),
        "specific_fuel_consumption": _ratio(fuel, from_dg + dg_to_bess),
        "bess_throughput": from_bess,
        "bess_equivalent_cycles": _ratio(from_bess, usable),
        "max_daily_cycles": totals[:, at.T_MAX_CYCLES],
        "avg_daily_cycles": _ratio(totals[:, at.T_SUM_CYCLES], totals[:, at.T_DAYS]),
        "days_at_cycle_limit": totals[:, at.T_DAYS_AT_LIMIT],
        "final_soc": totals[:, at.T_FINAL_SOC],
        "mean_soc_pct": _share(_ratio(totals[:, at.T_SUM_SOC], totals[:, at.T_STEPS]), cases[:, at.CAPACITY]),
        "total_green_energy_delivered": green,
        "total_energy_delivered": served,
        "pct_green_energy": _share(green, served),
        "hours_full_delivery_mar_oct": hours(at.T_FULL_MAR_OCT),
        "hours_green_delivery_mar_oct": hours(at.T_GREEN_MAR_OCT),
        "pct_green_delivery_mar_oct": _share(hours(at.T_GREEN_MAR_OCT), hours(at.T_FULL_MAR_OCT)),
        "blackout_delivery_pct": _share(hours(at.T_BLACKOUT_FULL), hours(at.T_BLACKOUT_LOAD), 100.0),
        "night_silent_pct": _share(hours(at.T_NIGHT_SILENT), hours(at.T_NIGHT), 100.0),
        "day_green_pct": _share(hours(at.T_DAY_GREEN), hours(at.T_DAY_LOAD), 100.0),
    }


_COUNTS = ("dg_starts", "days_at_cycle_limit")
_HOURS = tuple(name for name, item in SummaryMetrics.__dataclass_fields__.items() if item.metadata.get("unit") == "h")


def metrics_at(columns: Mapping[str, NDArray[np.float64]], index: int) -> SummaryMetrics:
    """Return the metrics of one of many cases."""
    values: dict[str, Any] = {name: float(column[index]) for name, column in columns.items()}
    for name in (*_COUNTS, *_HOURS):
        if values[name].is_integer():
            values[name] = int(values[name])
    return SummaryMetrics(**values)


def calculate_metrics(results: HourlyResults, params: SimulationParams) -> SummaryMetrics:
    """Sum up a run.

    Args:
        results: What `run_simulation` returned.
        params: The params of that run; they name the plant that hours and energies refer to.

    Returns:
        The metrics, summed from the steps in their order: a sweep gives the same bits.

    Raises:
        InvalidInputError: If the params are not those of the run.

    Source: specification of sizing, section 1.3; decisions 11 and 16.
    """
    from afterbay.sizing.case import case_row, hours_of_day

    case = case_row(params, results.template)
    same_profiles = np.array_equal(params.load_mw, results.load) and np.array_equal(params.solar_mw, results.solar)
    if not (same_profiles and np.array_equal(case, results.case)):
        raise InvalidInputError(
            Problem(
                "params",
                "params of another run",
                "the params that these results were made with",
                "pass results.params, or run the simulation again with these params",
            )
        )
    totals = np.zeros(len(at.TOTALS))
    kernels.total_up(case, *results.steps_as_arrays(), hours_of_day(params.dt_h).shape[0], totals)
    return metrics_at(metric_columns(case[np.newaxis], totals[np.newaxis]), 0)
