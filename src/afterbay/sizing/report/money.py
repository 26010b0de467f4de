"""Money in a report: what the plant costs to build, and the yearly statement if there is one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from afterbay.core.errors import Problems
from afterbay.sizing.report.parts import Assumption, Column, Figure, Table

if TYPE_CHECKING:
    from afterbay.sizing.cost import CapitalCosts
    from afterbay.sizing.finance import FinancialProjection

__all__ = ["Money", "capital_table", "money_of", "statement_table"]

_ON_PAGE: Final = 7
_MAIN_LINES: Final = (
    "revenue_usd", "opex_usd", "ebitda_usd", "investment_usd", "tax_usd", "net_cash_flow_usd", "cumulative_usd",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Money:
    """The years of a plant in money, as plain columns.

    Raises:
        InvalidInputError: If a line has not one amount a year, or there are no years.
    """

    currency: str
    years: Sequence[int]
    """Usually from 0, which is today."""
    lines: Mapping[str, Sequence[float]]
    """Amounts of each year [currency], by the name that heads the column."""
    figures: tuple[Figure, ...] = ()
    """Net present value, rate of return, ..."""
    assumptions: tuple[Assumption, ...] = ()
    on_page: tuple[str, ...] = ()
    """Lines shown in the PDF; empty: the first seven."""

    def __post_init__(self) -> None:
        problems = Problems()
        if not len(self.years):
            problems.add("money.years", "none", "at least one year", "leave money out where there is no statement")
        for name, amounts in self.lines.items():
            if len(amounts) != len(self.years):
                problems.add(f"money.lines[{name!r}]", f"{len(amounts)} amounts", f"{len(self.years)}, one a year")
        for name in self.on_page:
            if name not in self.lines:
                problems.add("money.on_page", name, f"one of {', '.join(self.lines)}")
        problems.raise_if_any()


def money_of(projection: FinancialProjection) -> Money:
    """Return the statement, the figures of merit and the assumptions of a financial projection."""
    currency = projection.config.currency
    millions = f"M {currency}"
    rate, payback = projection.irr_fraction, projection.payback_years
    figures = (
        Figure("Net present value", projection.npv_usd / 1e6, millions, 2),
        Figure("Internal rate of return", None if rate is None else 100.0 * rate, "%", 1, projection.irr.words),
        Figure("Payback", payback, "years", 1, "" if payback is not None else "The flows never pay the capital back."),
        Figure("Levelised cost of energy", projection.lcoe_usd_per_mwh, f"{currency}/MWh", 1),
        Figure("Levelised cost, all paid", projection.lcos_usd_per_mwh, f"{currency}/MWh", 1),
    )
    names = {key: _in_words(key.removesuffix("_usd")) for key in projection.lines}
    return Money(
        currency=currency,
        years=range(len(projection.years) + 1),
        lines={names[key]: column.tolist() for key, column in projection.lines.items()},
        figures=figures,
        assumptions=tuple(
            Assumption(_in_words(one.name), one.value, one.unit, one.source)
            for one in projection.config.assumptions()
            # The prices of building stand among the assumptions of the project; no value means that nothing acts.
            if not one.name.startswith("costs.") and one.value is not None
        ),
        on_page=tuple(names[key] for key in _MAIN_LINES),
    )


def _in_words(name: str) -> str:
    shown = re.sub(r"_usd_per_\w+$|_fraction$|_years$", "", name).replace("_", " ")
    return re.sub(r"\bom$", "maintenance", shown).capitalize().replace("Ebitda", "EBITDA")


def statement_table(money: Money) -> Table:
    """Return one row a year and one column a line."""
    shown = money.on_page or tuple(money.lines)[:_ON_PAGE]
    columns = [Column("Year", "", list(money.years))]
    for name, amounts in money.lines.items():
        columns.append(Column(name, money.currency, [float(amount) for amount in amounts], on_page=name in shown))
    return Table("Statement", tuple(columns))


def capital_table(
    capacity_mwh: float, power_mw: float, dg_mw: float, solar_mw: float, costs: CapitalCosts, total_usd: float
) -> Table:
    """Return what the parts cost to build; the sum is `total_usd`.

    Args:
        capacity_mwh: Battery energy [MWh].
        power_mw: Battery power [MW].
        dg_mw: Generator [MW].
        solar_mw: Solar plant [MW].
        costs: Unit prices.
        total_usd: Capital cost of the case [USD].
    """
    parts = [
        ("Battery energy", capacity_mwh, "MWh", costs.bess_usd_per_mwh),
        ("Battery power", power_mw, "MW", costs.bess_usd_per_mw),
        ("Generator", dg_mw, "MW", costs.dg_usd_per_mw),
        ("Solar plant", solar_mw, "MW", costs.solar_usd_per_mw),
    ]
    parts = [part for part in parts if part[3] > 0.0 or part[0] != "Solar plant"]
    amounts = [size * price for _, size, _, price in parts]
    installation = sum(amounts) * costs.installation_fraction
    return Table(
        "Capital cost",
        (
            Column("Part", "", [*(name for name, *_ in parts), "Installation"]),
            Column("Size", "", [*(f"{size:g} {unit}" for _, size, unit, _ in parts), ""]),
            Column(
                "Price",
                "",
                [
                    *(f"{price:,.0f} USD/{unit}" for _, _, unit, price in parts),
                    f"{100.0 * costs.installation_fraction:g} % of the above",
                ],
            ),
            Column("Amount", "USD", [*amounts, installation], 0, total_usd, summed=True),
        ),
        total_name="Sum",
    )
