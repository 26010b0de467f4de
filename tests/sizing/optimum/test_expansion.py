"""Least-cost sizes: checked by hand, by laws, and as a start for a sweep."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from afterbay.core.errors import InvalidInputError, OutOfRangeError
from afterbay.sizing import SimulationParams, optimum, sweep
from afterbay.sizing.optimum.expansion_costs import ExpansionCosts, annuity

pytest.importorskip("highspy", reason="the sizes need the solver of the extra 'optimum'")

_HOURS = np.arange(240)
# Ten days, two of them dark, so that solar, battery and generator all have a place.
_SUN = np.clip(np.sin((_HOURS % 24 - 6) / 12 * np.pi), 0.0, None) * np.where(_HOURS // 24 % 5 == 3, 0.1, 1.0)
_LOAD = np.full(240, 10.0)


def test_an_annuity_repays_with_interest() -> None:
    # Ten payments at 8 % are worth 6.7101 of one.
    assert 1.0 / annuity(0.08, 10.0) == pytest.approx(sum(1.08**-year for year in range(1, 11)))
    assert annuity(0.0, 20.0) == 0.05
    assert annuity(1e-9, 20.0) == pytest.approx(0.05, rel=1e-6)


def test_without_sun_the_generator_is_as_large_as_the_peak_and_the_cost_is_arithmetic() -> None:
    costs = ExpansionCosts(discount_rate=0.0, dg_usd_per_mw=200_000.0, dg_years=20.0, bess_usd_per_mwh=1e9)
    load = np.array([10.0] * 12 + [5.0] * 12)

    found = optimum.expand(load, np.zeros(24), costs)

    assert found.dg_mw == pytest.approx(10.0)
    assert [found.solar_mw, found.bess_mw] == pytest.approx([0.0, 0.0])
    assert found.load_mwh_per_year == pytest.approx(7.5 * 8760)
    # 10 MW at 10,000 of capital and 10,000 fixed, and 65,700 MWh at 250.
    assert found.annual_cost_usd == pytest.approx(10 * 20_000 + 65_700 * 250)
    assert found.usd_per_mwh == pytest.approx(found.annual_cost_usd / 65_700)


def test_energy_balances_over_the_year() -> None:
    found = optimum.expand(_LOAD, _SUN, efficiency=1.0)

    assert found.dg_mwh_per_year + found.solar_mwh_per_year == pytest.approx(found.load_mwh_per_year)
    made = found.solar_mw * float(_SUN.sum()) * 8760 / 240
    assert found.solar_mwh_per_year + found.solar_curtailed_mwh_per_year == pytest.approx(made)
    assert found.bess_mwh == pytest.approx(4.0 * found.bess_mw)


@pytest.mark.parametrize(
    "dearer", ["solar_usd_per_mw", "dg_usd_per_mwh", "bess_usd_per_mwh", "bess_usd_per_mw_year", "discount_rate"]
)
def test_no_higher_price_makes_a_plant_cheaper(dearer: str) -> None:
    base = ExpansionCosts()
    raised = replace(base, **{dearer: getattr(base, dearer) * 1.5})

    cheap, dear = optimum.expand(_LOAD, _SUN, base), optimum.expand(_LOAD, _SUN, raised)

    assert dear.annual_cost_usd >= cheap.annual_cost_usd * (1.0 - 1e-6)


def test_a_limit_is_kept_and_costs() -> None:
    free, limited = optimum.expand(_LOAD, _SUN), optimum.expand(_LOAD, _SUN, max_solar_mw=20.0, max_dg_mw=9.0)

    assert free.solar_mw > 20.0
    assert limited.solar_mw <= 20.0 + 1e-6
    assert limited.dg_mw <= 9.0 + 1e-6
    assert limited.annual_cost_usd > free.annual_cost_usd


def test_a_load_that_nothing_can_serve_is_named() -> None:
    with pytest.raises(InvalidInputError, match="contradict each other") as caught:
        optimum.expand(_LOAD, np.zeros(240), max_dg_mw=0.0)

    assert caught.value.problems[0].where == "optimum.expand"


def test_without_load_nothing_is_built() -> None:
    found = optimum.expand(np.zeros(24), _SUN[:24])

    assert (found.solar_mw, found.dg_mw, found.bess_mw) == (0.0, 0.0, 0.0)
    assert (found.annual_cost_usd, found.usd_per_mwh) == (0.0, 0.0)
    assert len(optimum.as_grid(found)) == 1


def test_the_grid_around_the_sizes_can_be_swept() -> None:
    found = optimum.expand(_LOAD, _SUN)
    grid = optimum.as_grid(found, spread=(0.5, 1.0, 2.0))
    params = SimulationParams(load_profile=_LOAD, solar_profile=_SUN)

    result = sweep(params, 1, grid)

    assert result.complete
    assert len(result) == 27
    assert grid.durations_h == (4.0,)
    assert grid.bess_mwh[1] == pytest.approx(found.bess_mwh, rel=0.005)
    assert grid.solar_mw is not None
    assert grid.solar_mw[1] == pytest.approx(found.solar_mw, rel=0.005)
    # The largest of everything serves the whole load also without foresight.
    assert result.metrics["delivery_pct"].max() == 100.0


def test_sizes_read_as_sentences_and_as_plain_values() -> None:
    found = optimum.expand(_LOAD, _SUN)

    assert found.lines()[0].startswith("Least cost with perfect foresight: solar ")
    shown = found.to_dict()
    assert shown["costs"]["discount_rate"] == 0.08
    assert shown["usd_per_mwh"] == found.usd_per_mwh


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"load_mw": [1.0, -1.0]}, {"load_mw"}),
        ({"load_mw": "much", "solar_per_mw": [[0.0]]}, {"load_mw", "solar_per_mw"}),
        ({"load_mw": [], "solar_per_mw": [float("nan"), 0.0]}, {"load_mw", "solar_per_mw"}),
        ({"load_mw": [1.0, 1.0, 1.0]}, {"load_mw"}),
        ({"duration_h": 0.0, "efficiency": 87.0, "max_dg_mw": -1.0, "time_limit_s": float("inf")},
         {"duration_h", "efficiency", "max_dg_mw", "time_limit_s"}),
        ({"costs": 5.0}, {"costs"}),
    ],
)  # fmt: skip
def test_every_wrong_argument_is_named(arguments: dict[str, Any], named: set[str]) -> None:
    with pytest.raises(InvalidInputError) as caught:
        optimum.expand(**{"load_mw": [1.0, 1.0], "solar_per_mw": [0.0, 0.5], **arguments})

    assert {problem.where for problem in caught.value.problems} == named


def test_a_step_that_does_not_divide_a_day_is_refused() -> None:
    with pytest.raises(OutOfRangeError, match="dt_h"):
        optimum.expand([1.0], [0.0], dt_h=0.7)


@pytest.mark.parametrize("spread", [(), (1.0, 0.0), (float("nan"),)])
def test_a_spread_of_no_sizes_is_refused(spread: tuple[float, ...]) -> None:
    found = optimum.expand(_LOAD[:24], _SUN[:24])

    with pytest.raises(InvalidInputError, match="spread"):
        optimum.as_grid(found, spread=spread)


@pytest.mark.parametrize(
    ("field", "value"),
    [("solar_usd_per_mw", -1.0), ("dg_years", 0.0), ("discount_rate", 8.0), ("bess_usd_per_mwh", True)],
)
def test_a_price_that_cannot_be_is_named(field: str, value: Any) -> None:
    with pytest.raises(InvalidInputError, match=f"costs.{field}"):
        ExpansionCosts(**{field: value})
