"""Two grids to learn and to test with: a street of ten houses, and the smallest community there is."""

from __future__ import annotations

from typing import Final

from afterbay.community.topology.draft import GridDraft
from afterbay.community.topology.records import (
    ElectricVehicle,
    Flag,
    Grid,
    HomeBattery,
    LoadSeries,
    SolarArray,
)
from afterbay.community.topology.tariff import Tariff, TariffPeriod

__all__ = ["elm_street", "two_houses"]

_UPPER: Final = ("Ash", "Birch", "Cedar", "Elm Clinic", "Fir", "Hazel")
_LOWER: Final = ("Juniper", "Larch", "Maple", "Oak")
_SOLAR: Final = {"Ash": 6.0, "Birch": 4.5, "Elm Clinic": 9.0, "Fir": 5.0, "Larch": 8.0, "Oak": 3.5}
"""Installed power by house [kW]."""
_BATTERIES: Final = {
    "Ash": HomeBattery(10.0, 5.0, 5.0),
    "Elm Clinic": HomeBattery(12.0, 6.0, 6.0, mode="reserve", reserve_soc=0.4),
    "Larch": HomeBattery(
        13.5, 5.0, 5.0, mode="community", base_share=0.3, dynamic_share=0.4, voluntary_storage=True
    ),
}  # fmt: skip
_CARS: Final = {"Hazel": 7.4}
"""Charger by house [kW]."""


def elm_street() -> Grid:
    """Return Elm Street: a substation, a transformer with six houses, below it a smaller one with four.

    Six houses have solar, three a battery, one a car. The profiles that it names are `load-<house>` (kW),
    `solar-1` to `solar-6` (kW per kW installed) and `ev-<house>` (sessions), each house by its fixed name.
    """
    draft = GridDraft(
        Grid(
            "S-1", "Elm Street substation", currency="EUR", time_zone="Europe/Berlin", latitude=50.1, longitude=8.7,
            emission_kg_per_kwh=0.36, local_fee_per_kwh=0.01, priority=(("Priority", "Medical"), ("Priority", "Child")),
            tariffs={
                "household": Tariff(0.32, 0.08, tax_fraction=0.19, monthly_fee=9.5, network_share=0.3,
                                    local_network_reduction=0.5),
                "night": Tariff(0.34, 0.08, tax_fraction=0.19, monthly_fee=11.0, network_share=0.3,
                                local_network_reduction=0.5, periods=(TariffPeriod(22.0, 6.0, retail_per_kwh=0.24),)),
            },
        )
    )  # fmt: skip
    upper = draft.add_transformer(
        "S-1", display_name="T-1", rated_kw=100.0, forward_efficiency=0.985, backward_efficiency=0.985,
        primary_ampacity_a=2.89, secondary_ampacity_a=144.0, years_of_service=12.0, fee_per_kwh=0.02,
    )  # fmt: skip
    lower = draft.add_transformer(
        upper, display_name="T-1.1", rated_kw=50.0, forward_efficiency=0.98, backward_efficiency=0.98,
        primary_ampacity_a=72.2, secondary_ampacity_a=72.2, years_of_service=4.0, fee_per_kwh=0.01,
    )  # fmt: skip
    for parent, names in ((upper, _UPPER), (lower, _LOWER)):
        for shown in names:
            house = draft.add_house(parent, display_name=shown, import_kw=14.5, export_kw=14.5)
            draft.set_fields(house, loads=(LoadSeries(f"load-{house}"),))
            if shown in _SOLAR:
                number = list(_SOLAR).index(shown) + 1
                draft.set_fields(house, solar=(SolarArray(f"solar-{number}", _SOLAR[shown], tilt_deg=35.0,
                                                          azimuth_deg=180.0),))  # fmt: skip
            if shown in _BATTERIES:
                draft.set_fields(house, batteries=(_BATTERIES[shown],))
            if shown in _CARS:
                draft.set_fields(house, cars=(ElectricVehicle(f"ev-{house}", _CARS[shown]),), tariff="night")
            if shown == "Elm Clinic":
                draft.set_fields(house, type="clinic", flags=(Flag("Priority", "Medical"),))
            if shown == "Maple":
                draft.set_flag(house, "Priority", "Child")
    return draft.freeze()


def two_houses() -> Grid:
    """Return the smallest community: A with sun, B without, below one transformer of 50 kVA without losses.

    With flat profiles of 1.0 for `load-H-1.1.1`, 1.5 for `load-H-1.1.2` (kW) and 1.0 for `solar-1` (kW per kW), a
    day has 72.0 kWh of sun, of which A uses 24.0, B gets 36.0 and the grid 12.0; nothing is imported.
    """
    draft = GridDraft(Grid("S-1", "Two houses", tariffs={"household": Tariff(0.30, 0.08)}))
    transformer = draft.add_transformer(
        "S-1", display_name="T-1", rated_kw=50.0, forward_efficiency=1.0, backward_efficiency=1.0,
        primary_ampacity_a=1.44, secondary_ampacity_a=72.2,
    )  # fmt: skip
    for shown in ("A", "B"):
        house = draft.add_house(transformer, display_name=shown)
        draft.set_fields(house, loads=(LoadSeries(f"load-{house}"),))
        if shown == "A":
            draft.set_fields(house, solar=(SolarArray("solar-1", 3.0),))
    return draft.freeze()
