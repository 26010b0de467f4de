"""`size years`, `size optimum`, `size tornado`: one option over its years, beside the best, and shaken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from afterbay.cli import numbers, output
from afterbay.cli.options_table import label_of
from afterbay.cli.tables import table
from afterbay.core.units import percent_to_fraction

if TYPE_CHECKING:
    from pathlib import Path

    from afterbay.cli.runfolder import StoredRun
    from afterbay.sizing.finance import FinancialProjection
    from afterbay.sizing.projection import Projection

__all__ = ["YearsRequest", "show_optimum", "show_tornado", "show_years"]


@dataclass(frozen=True, slots=True, kw_only=True)
class YearsRequest:
    """What is asked of the years of an option; shares in percent."""

    option: str
    years: int
    loss_pct: float
    solar_loss_pct: float
    discount_pct: float
    energy_price_usd_per_mwh: float
    fuel_price_usd_per_l: float
    residual_pct: float
    as_json: bool


def show_years(run: StoredRun, request: YearsRequest) -> None:
    """Simulate the years of one option and print what they deliver and what they are worth."""
    from afterbay.sizing.cost import CapitalCosts
    from afterbay.sizing.finance import FinancialConfig, FinancialProjection, PlantSize
    from afterbay.sizing.projection import ProjectionConfig, project_years, year_energies

    # Refused before anything runs.
    money = FinancialConfig(
        project_life_years=request.years,
        discount_rate_fraction=percent_to_fraction(request.discount_pct),
        costs=CapitalCosts(**run.facts["recommendation"]["costs"]),
        energy_price_usd_per_mwh=request.energy_price_usd_per_mwh,
        fuel_price_usd_per_l=request.fuel_price_usd_per_l,
        residual_value_fraction=percent_to_fraction(request.residual_pct),
    )
    config = ProjectionConfig(
        years=request.years,
        fixed_loss_fraction_per_year=percent_to_fraction(request.loss_pct),
        solar_loss_fraction_per_year=percent_to_fraction(request.solar_loss_pct),
    )
    row = run.row_of(request.option)
    hourly = run.simulate(row)
    projection = project_years(hourly.params, hourly.template, config)
    params = hourly.params
    plant = PlantSize(bess_mwh=params.bess_capacity, bess_mw=params.bess_discharge_power, dg_mw=params.dg_rating_mw)
    finance = FinancialProjection(money, plant, year_energies(projection))
    if request.as_json:
        output.json_document(_document(run, row, projection, finance))
        return
    output.lines([f"Option {run.results['option'][row]}: {label_of(run.results, row)}", ""])
    output.lines(_table(projection, finance))
    output.lines(["", *_summary(finance), "", "Assumptions"])
    output.lines(f"  {one.name}: {one.value} {one.unit} ({one.source})" for one in money.assumptions())


def _table(projection: Projection, finance: FinancialProjection) -> list[str]:
    columns, net = projection.metrics, finance.net_cash_flow_usd
    head = ("YEAR", "BATTERY", "LEFT", "DELIVERY", "GEN HOURS", "FUEL", "CASH FLOW")
    rows = [("0", "", "", "", "", "", numbers.millions(float(net[0])))]
    rows += [
        (
            str(year + 1),
            numbers.energy(float(projection.states["start_mwh"][year])),
            numbers.percent(float(projection.retention_pct[year])),
            numbers.percent(float(columns["delivery_pct"][year])),
            numbers.hours(float(columns["dg_runtime_hours"][year])),
            f"{numbers.plain(float(columns['total_fuel_consumed'][year]) / 1e6, 2)} ML",
            numbers.millions(float(net[year + 1])),
        )
        for year in range(len(projection))
    ]
    return table(head, rows)


def _summary(finance: FinancialProjection) -> list[str]:
    payback = finance.payback_years
    lcos = finance.lcos_usd_per_mwh
    return [
        f"Net present value {numbers.millions(finance.npv_usd)}, capital {numbers.millions(finance.capital_usd)}.",
        f"Rate of return: {finance.irr.words}",
        f"Payback: {numbers.plain(payback, 1)} years." if payback is not None else "Payback: never within these years.",
        f"Cost of delivered energy, all years: {numbers.plain(lcos, 1)} USD/MWh."
        if lcos is not None
        else "Cost of delivered energy: nothing is delivered.",
    ]


def _document(run: StoredRun, row: int, projection: Projection, finance: FinancialProjection) -> dict[str, Any]:
    return {
        "option": run.results["option"][row],
        "label": label_of(run.results, row),
        "input_hash": run.facts["input_hash"],
        "years": {
            **{name: column.tolist() for name, column in projection.states.items()},
            "retention_pct": projection.retention_pct.tolist(),
            **{name: column.tolist() for name, column in projection.metrics.items()},
        },
        "finance": finance.to_dict(),
    }


def show_optimum(run: StoredRun, option: str, price_usd_per_mwh: float | None, as_json: bool) -> None:
    """Hold the rule of one option against perfect foresight and print the gap and the better rule."""
    from afterbay.sizing.optimum import better_template, gap

    row = run.row_of(option)
    hourly = run.simulate(row)
    left = gap(hourly.params, hourly.template, price_usd_per_mwh=price_usd_per_mwh)
    advice = better_template(hourly.params, hourly.template, known=left)
    if as_json:
        output.json_document(
            {
                "option": run.results["option"][row],
                "label": label_of(run.results, row),
                "input_hash": run.facts["input_hash"],
                "gap": left.to_dict(),
                "better_template": advice.to_dict(),
            }
        )
        return
    output.lines([f"Option {run.results['option'][row]}: {label_of(run.results, row)}", ""])
    output.lines([*left.lines(), "", *advice.lines()])


def show_tornado(run: StoredRun, option: str, measure: str, swing_pct: float, png: Path | None, as_json: bool) -> None:
    """Move every driver of one option by itself and print what that does to a metric."""
    from afterbay.sizing.cost import CapitalCosts
    from afterbay.sizing.finance import FinancialConfig
    from afterbay.sizing.uncertainty import drivers_of, tornado

    row = run.row_of(option)
    hourly = run.simulate(row)
    finance = None
    if measure == "npv_usd":
        costs = CapitalCosts(**run.facts["recommendation"]["costs"])
        finance = FinancialConfig(costs=costs, residual_value_fraction=0.0)
    drivers = drivers_of(hourly.params, finance=finance, swing_fraction=percent_to_fraction(swing_pct))
    found = tornado(hourly.params, hourly.template, drivers=drivers, measure=measure, finance=finance)
    if png is not None:
        from afterbay.sizing.charts import save_png, tornado_chart

        save_png(tornado_chart(found.bars(), found.base, quantity=measure, unit=found.unit), png)
        output.note(f"drawn: {png}")
    if as_json:
        label = {"option": run.results["option"][row], "label": label_of(run.results, row)}
        output.json_document({**label, "input_hash": run.facts["input_hash"], "tornado": found.to_dict()})
        return
    output.lines([f"Option {run.results['option'][row]}: {label_of(run.results, row)}", "", *found.lines()])
