"""What a project says about money and years, on the wire: shares in percent, amounts in the project's currency."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from afterbay.server.sizing.schemas.configs_kinds import (
    CHECKED,
    Percent,
    Plain,
    UsdPerMw,
    UsdPerMwh,
    measured,
    refuse_first,
)
from afterbay.server.sizing.service.projects_money import finance_problems
from afterbay.server.units import Line

__all__ = ["CostsConfig", "DegradationConfigIn", "FinancialConfigIn", "ProjectionConfigIn"]

_Years = Annotated[int, Field(strict=True, ge=1, le=100, json_schema_extra={"unit": "a"})]
_UsdPerMwYear = Annotated[float, measured("USD/MW/a")]
_UsdPerMwhYear = Annotated[float, measured("USD/MWh/a")]
_UsdPerL = Annotated[float, measured("USD/L")]


class _Checked(BaseModel):
    """Asks the library about each value on its own; what must fit together is asked when a project is checked."""

    model_config = CHECKED
    inside: ClassVar[str] = ""
    """Part of `financial_config` that this is."""

    @field_validator("*", mode="after")
    @classmethod
    def _as_the_library_says(cls, value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, BaseModel):
            return value
        name = str(info.field_name)
        given: Mapping[str, Any] = {cls.inside: {name: value}} if cls.inside else {name: value}
        where = "/".join(part for part in ("/financial", cls.inside, name) if part)
        refuse_first(tuple(one for one in finance_problems(given) if one.where.startswith(where)))
        return value


class CostsConfig(_Checked):
    """Unit prices of building the plant."""

    inside: ClassVar[str] = "costs"

    bess_usd_per_mwh: UsdPerMwh = 300_000.0
    bess_usd_per_mw: UsdPerMw = 50_000.0
    dg_usd_per_mw: UsdPerMw = 200_000.0
    solar_usd_per_mw: UsdPerMw = 0.0
    """0: the solar plant is taken as already there."""
    installation_pct: Percent = 15.0
    """Share of the price of everything above."""


class DegradationConfigIn(_Checked):
    """Ageing by time and cycles, and what is done about it."""

    inside: ClassVar[str] = "degradation"

    calendar_pct_per_year: Percent = 2.0
    """At 50 % state of charge and the reference temperature."""
    include_calendar: bool = True
    cycle_pct_per_cycle: Percent = 0.15
    stress_by_depth_pct: dict[Annotated[str, Field(pattern=r"^\d{1,3}(\.\d{1,6})?$")], Plain] = Field(
        default_factory=lambda: {"10": 0.3, "20": 0.5, "40": 0.7, "60": 0.85, "80": 1.0, "100": 1.2},
        min_length=1,
        max_length=16,
    )
    """Depth of a cycle in percent of the capacity -> equivalent cycles that it counts for."""
    use_rainflow: bool = True
    half_cycles_above_pct: Percent = 0.5
    combine: Literal["sum", "max"] = "sum"
    reference_temperature_c: Annotated[float, measured("°C")] = 25.0
    activation_energy_kj_per_mol: Annotated[float, measured("kJ/mol")] = 43.3
    strategy: Literal["standard", "overbuild", "augmentation"] = "standard"
    overbuild_pct: Percent = 20.0
    augmentation_year: _Years = 8


class ProjectionConfigIn(_Checked):
    """How the plant changes from year to year."""

    inside: ClassVar[str] = "projection"

    fixed_loss_pct_per_year: Percent | None = 2.0
    """Battery energy, compound; nothing: the ageing model of `degradation`."""
    temperature_c: Annotated[float, measured("°C")] = 25.0
    solar_loss_pct_per_year: Percent = 0.5
    efficiency_loss_pct_per_year: Percent = 0.0
    power_fades: bool = True


class FinancialConfigIn(_Checked):
    """`financial_config` of the sizing plan: everything that the library assumes about money and years."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"discount_rate_pct": 8.0, "costs": {"bess_usd_per_mwh": 280000.0}}]}
    )

    project_life_years: _Years = 20
    discount_rate_pct: Percent = 8.0
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "USD"
    """Label of all amounts; nothing is converted."""
    costs: CostsConfig = Field(default_factory=CostsConfig)
    energy_price_usd_per_mwh: UsdPerMwh = 100.0
    energy_price_escalation_pct: Percent = 0.0
    capacity_payment_usd_per_mw_year: _UsdPerMwYear = 0.0
    penalty_usd_per_unserved_mwh: UsdPerMwh = 0.0
    penalty_usd_per_unserved_hour: Annotated[float, measured("USD/h")] = 500.0
    battery_om_usd_per_mwh_year: _UsdPerMwhYear = 5_000.0
    generator_om_usd_per_mw_year: _UsdPerMwYear = 10_000.0
    generator_variable_usd_per_mwh: UsdPerMwh = 5.0
    solar_om_usd_per_mw_year: _UsdPerMwYear = 0.0
    fuel_price_usd_per_l: _UsdPerL = 1.5
    fuel_escalation_pct: Percent = 2.5
    inflation_pct: Percent = 0.0
    augmentation_usd_per_mwh: UsdPerMwh = 250_000.0
    battery_replacement_usd_per_mwh: UsdPerMwh = 250_000.0
    battery_life_years: _Years | None = None
    inverter_replacement_usd_per_mw: UsdPerMw = 50_000.0
    inverter_life_years: _Years | None = None
    generator_replacement_usd_per_mw: UsdPerMw = 200_000.0
    generator_life_years: _Years | None = None
    generator_life_hours: Annotated[float, measured("h")] | None = None
    residual_value_pct: Percent = 0.0
    tax_pct: Percent = 25.0
    depreciation_years: _Years = 10
    loss_carry_forward: bool = True
    renewals_capitalised: bool = False
    sources: dict[Annotated[str, Field(max_length=100)], Line] = Field(default_factory=dict, max_length=100)
    """Where values come from, by name of the assumption."""
    projection: ProjectionConfigIn = Field(default_factory=ProjectionConfigIn)
    degradation: DegradationConfigIn = Field(default_factory=DegradationConfigIn)
