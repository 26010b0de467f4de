"""The assumptions about money: each an input with a default, a unit and a source."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, Final, NamedTuple

from afterbay.core.checks import is_number
from afterbay.core.errors import InvalidInputError, Problems
from afterbay.sizing.checks import Checker
from afterbay.sizing.cost import DEFAULT_COSTS, CapitalCosts
from afterbay.sizing.finance.cashflow import MOST_USD, check_rate

__all__ = ["Assumption", "FinancialConfig"]

_ORIGINAL: Final = "sizing application, defaults of its financial model"
_OURS: Final = "not part of the study unless given"
_SOLAR: Final = "the solar plant is taken as already there"
_YOURS: Final = "given with this study"
_CURRENCY = re.compile(r"[A-Z]{3}\Z")
_MOST_YEARS: Final = 100


class Assumption(NamedTuple):
    """One assumption as it is printed beside a result."""

    name: str
    value: float | int | str | bool | None
    unit: str
    source: str


def _a(default: object, unit: str, source: str) -> Any:
    return field(default=default, metadata={"unit": unit, "source": source})


@dataclass(frozen=True, slots=True, kw_only=True)
class FinancialConfig:
    """What money is assumed to do. Names say USD; `currency` is the label under which amounts are shown.

    Prices are those of year 1; year y pays price × (1 + escalation)^(y - 1). A life of None ends nothing:
    then the part is renewed only where the yearly results say so.

    Raises:
        InvalidInputError: With every problem found, when the object is made.

    Source: sizing.md section 9; decision 18.
    """

    project_life_years: int = _a(20, "a", _ORIGINAL)
    """Years of operation, usually 20 or 25 [a]."""
    discount_rate_fraction: float = _a(0.08, "1/a", _ORIGINAL)
    """Discount rate a year [-]; with an inflation, the nominal one."""
    currency: str = _a("USD", "ISO 4217", _ORIGINAL)
    """Three capital letters. Nothing is converted: every amount is in this currency."""
    costs: CapitalCosts = field(default=DEFAULT_COSTS, metadata={"unit": "", "source": _ORIGINAL})
    """Unit prices of building the plant, installation included."""

    energy_price_usd_per_mwh: float = _a(100.0, "USD/MWh delivered", _ORIGINAL)
    """Revenue per delivered energy [USD/MWh]."""
    energy_price_escalation_fraction: float = _a(0.0, "1/a", _OURS)
    """Yearly rise of the energy price [-]."""
    capacity_payment_usd_per_mw_year: float = _a(0.0, "USD/MW battery/a", _ORIGINAL)
    """Yearly revenue per battery power [USD/MW/a]."""
    penalty_usd_per_unserved_mwh: float = _a(0.0, "USD/MWh unserved", _OURS)
    """Paid for energy not served [USD/MWh]; adds to the penalty per hour."""
    penalty_usd_per_unserved_hour: float = _a(500.0, "USD/h not served whole", _ORIGINAL)
    """Paid for each load hour that is not served whole [USD/h]; adds to the penalty per energy."""

    battery_om_usd_per_mwh_year: float = _a(5_000.0, "USD/MWh effective/a", _ORIGINAL)
    """Operation and maintenance of the battery per effective capacity [USD/MWh/a]."""
    generator_om_usd_per_mw_year: float = _a(10_000.0, "USD/MW/a", _ORIGINAL)
    """Fixed operation and maintenance of the generator [USD/MW/a]."""
    generator_variable_usd_per_mwh: float = _a(5.0, "USD/MWh generated", _ORIGINAL)
    """Variable cost of generator output, fuel not included [USD/MWh]."""
    solar_om_usd_per_mw_year: float = _a(0.0, "USD/MW/a", _SOLAR)
    """Operation and maintenance of the solar plant [USD/MW/a]."""
    fuel_price_usd_per_l: float = _a(1.50, "USD/L", _ORIGINAL)
    """Price of fuel [USD/L]."""
    fuel_escalation_fraction: float = _a(0.025, "1/a", _ORIGINAL)
    """Yearly rise of the fuel price [-]."""
    inflation_fraction: float = _a(0.0, "1/a", _OURS)
    """Yearly rise of every other price but fuel and energy [-]."""

    augmentation_usd_per_mwh: float = _a(250_000.0, "USD/MWh added", _ORIGINAL)
    """Price of added battery modules, installation included [USD/MWh]."""
    battery_replacement_usd_per_mwh: float = _a(250_000.0, "USD/MWh renewed", "as augmentation")
    """Price of renewed battery modules, installation included [USD/MWh]."""
    battery_life_years: int | None = _a(None, "a", _OURS)
    """Years after which the whole nameplate is renewed [a]."""
    inverter_replacement_usd_per_mw: float = _a(50_000.0, "USD/MW renewed", "as the power conversion when built")
    """Price of a renewed inverter [USD/MW]."""
    inverter_life_years: int | None = _a(None, "a", _OURS)
    """Years after which the inverter is renewed [a]."""
    generator_replacement_usd_per_mw: float = _a(200_000.0, "USD/MW renewed", "as the generator when built")
    """Price of a renewed generator [USD/MW]."""
    generator_life_years: int | None = _a(None, "a", _OURS)
    """Years after which the generator is renewed [a]; years or hours, whichever come first."""
    generator_life_hours: float | None = _a(None, "running h", _OURS)
    """Running hours after which the generator is renewed [h]."""
    residual_value_fraction: float | None = _a(None, "of the capital", "nothing is left over unless stated")
    """Share of the capital received for the plant at the end of the last year [-]. It must be stated, be it 0,
    when a life or the depreciation is longer than the project."""

    tax_fraction: float = _a(0.25, "of taxable income", _ORIGINAL)
    """Tax on income [-]."""
    depreciation_years: int = _a(10, "a", _ORIGINAL)
    """Years of straight-line depreciation [a]; what is left at the end of the project is written off then."""
    loss_carry_forward: bool = _a(True, "", "common tax law; the sizing application forgot losses")
    """A loss reduces the taxable income of later years, without limit of time or height."""
    renewals_capitalised: bool = _a(False, "", "the sizing application expenses augmentation")
    """Augmentation and replacements are depreciated instead of expensed in their year."""

    sources: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Where values of yours come from, by name of the assumption: shown in place of "given with this study"."""

    def __post_init__(self) -> None:
        problems = Problems()
        check = Checker(self, problems)
        _check_years(self, problems)
        for name in _names("_escalation_fraction", "inflation_fraction", "discount_rate_fraction"):
            check_rate(problems, name, getattr(self, name))
        for name in [one.name for one in fields(self) if "_usd_per_" in one.name]:
            check.number(name, least=0.0, most=MOST_USD)
        check.fraction("tax_fraction")
        if self.residual_value_fraction is not None:
            check.fraction("residual_value_fraction")
        if self.generator_life_hours is not None:
            check.number("generator_life_hours", above=0.0, or_none=True)
        check.flag("loss_carry_forward")
        check.flag("renewals_capitalised")
        if not (isinstance(self.currency, str) and _CURRENCY.match(self.currency)):
            problems.add("currency", self.currency, "three capital letters", "use an ISO 4217 code such as USD")
        costs: object = self.costs
        if not isinstance(costs, CapitalCosts):
            problems.add("costs", type(costs).__name__, "CapitalCosts", "give CapitalCosts(...)")
        self._check_sources(problems)
        if not problems:
            self._check_horizon(problems)
        problems.raise_if_any()

    def _check_sources(self, problems: Problems) -> None:
        given: object = self.sources
        if not isinstance(given, Mapping):
            problems.add("sources", given, "texts by name of the assumption", "leave it empty")
            return
        known = _known()
        for name, text in given.items():
            if name not in known:
                problems.add(f"sources.{name}", "an unknown name", "a name of an assumption", "see assumptions()")
            elif not (isinstance(text, str) and text.strip()):
                problems.add(f"sources.{name}", text, "a text", "say where the value comes from")
        object.__setattr__(self, "sources", dict(given))

    def _check_horizon(self, problems: Problems) -> None:
        if self.residual_value_fraction is not None:
            return
        for name in _LIVES:
            years = getattr(self, name)
            if years is not None and years > self.project_life_years:
                problems.add(
                    name,
                    f"{years} years in a project of {self.project_life_years}",
                    "at most the project's life, unless residual_value_fraction is stated",
                    "say what the plant is worth at the end: residual_value_fraction=0.0 for nothing",
                )

    def assumptions(self) -> list[Assumption]:
        """Return every assumption with value, unit and source, in order, to be printed beside a result."""
        found = []
        for one in fields(self):
            if one.name == "costs":
                found += [
                    self._assumption(
                        f"costs.{price.name}", getattr(self.costs, price.name), price, _cost_unit(price.name)
                    )
                    for price in fields(CapitalCosts)
                ]
            elif one.name != "sources":
                found.append(self._assumption(one.name, getattr(self, one.name), one, one.metadata["unit"]))
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return every assumption by name, capital costs as a dict of their own: `from_dict` reads it."""
        plain = {one.name: getattr(self, one.name) for one in fields(self)}
        return {**plain, "costs": self.costs.to_dict(), "sources": dict(self.sources)}

    @classmethod
    def from_dict(cls, given: object) -> FinancialConfig:
        """Read assumptions from stored or sent JSON; what is missing takes its default.

        Raises:
            InvalidInputError: With every unknown key, or every value that cannot be used.
        """
        problems = Problems()
        values = dict(_read_object("financial_config", given, [one.name for one in fields(cls)], problems))
        prices = [one.name for one in fields(CapitalCosts)]
        costs = _read_object("financial_config.costs", values.pop("costs", {}), prices, problems)
        problems.raise_if_any()
        priced = DEFAULT_COSTS
        try:
            priced = CapitalCosts(**costs)
        except InvalidInputError as error:
            problems.extend(error.problems)
        try:
            config = cls(**values, costs=priced)
        except InvalidInputError as error:
            raise InvalidInputError([*problems.found, *error.problems]) from None
        problems.raise_if_any()
        return config

    def _assumption(self, name: str, value: Any, one: Field[Any], unit: str) -> Assumption:
        default = one.default
        stated = _SOLAR if name == "costs.solar_usd_per_mw" else one.metadata.get("source", _ORIGINAL)
        source = stated if default is not MISSING and value == default else _YOURS
        return Assumption(name, value, unit.replace("USD", self.currency), self.sources.get(name, source))


_LIVES: Final = ("battery_life_years", "inverter_life_years", "generator_life_years", "depreciation_years")


def _names(*endings: str) -> list[str]:
    return [one.name for one in fields(FinancialConfig) if one.name.endswith(endings)]


def _known() -> set[str]:
    own = {one.name for one in fields(FinancialConfig)} - {"costs", "sources"}
    return own | {f"costs.{one.name}" for one in fields(CapitalCosts)}


def _cost_unit(name: str) -> str:
    return {"bess_usd_per_mwh": "USD/MWh"}.get(name, "USD/MW" if name.endswith("_usd_per_mw") else "of the equipment")


def _check_years(config: FinancialConfig, problems: Problems) -> None:
    for name in ("project_life_years", *_LIVES):
        years = getattr(config, name)
        optional = name.endswith("_life_years") and name != "project_life_years"
        if years is None and optional:
            continue
        if not (is_number(years) and math.floor(years) == years and 1 <= years <= _MOST_YEARS):
            allowed = f"a whole number of years 1..{_MOST_YEARS}" + (" or None" if optional else "")
            problems.add(name, years, allowed, "give years")
        else:
            object.__setattr__(config, name, int(years))


def _read_object(where: str, given: object, known: list[str], problems: Problems) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        problems.add(where, given, "an object of named values", "leave it empty for the defaults")
        return {}
    for key in given:
        if key not in known:
            problems.add(f"{where}.{key}", "an unknown key", ", ".join(known), "correct or remove the key")
    return given
