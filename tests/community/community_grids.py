"""Random grids that are ready to run: any depth, every kind of device, every field that a document keeps."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from afterbay.community.topology import (
    BATTERY_MODES,
    ElectricVehicle,
    Flag,
    Grid,
    GridDraft,
    HomeBattery,
    LoadSeries,
    SolarArray,
    Tariff,
    TariffPeriod,
    WindTurbine,
)

__all__ = ["grids"]

_FLAGS = (("Priority", "Hospital"), ("Priority", "School"), ("ev", "yes"))


def _sizes(most: float = 500.0) -> st.SearchStrategy[float]:
    return st.floats(0.001, most, allow_subnormal=False)


def _shares() -> st.SearchStrategy[float]:
    return st.floats(0.0, 1.0, allow_subnormal=False)


def _efficiencies() -> st.SearchStrategy[float]:
    return st.floats(0.5, 1.0)


def _maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


def _profiles() -> st.SearchStrategy[str]:
    return st.sampled_from(["load-1", "solar-1", "wind ü", "ev-1"])


_TEXTS = st.text("aZé ·9-", min_size=1, max_size=12).map(lambda text: f"n{text}".strip())
_PERIODS = st.builds(
    TariffPeriod, st.floats(0.0, 11.0), st.floats(12.0, 24.0), _sizes(1.0), _maybe(_sizes(1.0)),
    weekdays=st.sampled_from([(0, 1, 2, 3, 4), (5, 6)]),
)  # fmt: skip
_TARIFFS = st.builds(
    Tariff, st.floats(0.3, 1.0), st.floats(-0.1, 0.2), tax_fraction=_shares(), monthly_fee=_sizes(30.0),
    network_share=_shares(), periods=st.lists(_PERIODS, max_size=2).map(tuple),
)  # fmt: skip


@st.composite
def _batteries(draw: st.DrawFn) -> HomeBattery:
    mode = draw(st.sampled_from(BATTERY_MODES))
    low, high = draw(st.floats(0.0, 0.4)), draw(st.floats(0.6, 1.0))
    return HomeBattery(
        draw(_sizes(50.0)), draw(_sizes(20.0)), draw(_sizes(20.0)), low, high, draw(st.floats(low, high)),
        draw(_efficiencies()), draw(_efficiencies()), mode, draw(st.floats(0.0, 0.5)),
        charge_from_h=draw(st.floats(0.0, 5.0)), charge_to_h=draw(st.floats(6.0, 24.0)),
        grid_charge=draw(st.booleans()), base_share=draw(_shares()), dynamic_share=draw(_shares()),
        voluntary_storage=mode == "community",
    )  # fmt: skip


@st.composite
def _houses(draw: st.DrawFn, tariffs: list[str]) -> dict[str, Any]:
    solar = st.builds(SolarArray, _profiles(), _sizes(), _maybe(_sizes()), _maybe(st.floats(0.0, 90.0)))
    return {
        "type": draw(_TEXTS),
        "import_kw": draw(_maybe(_sizes())),
        "export_kw": draw(_maybe(_sizes())),
        "flags": tuple(Flag(*flag, draw(st.booleans())) for flag in draw(st.sets(st.sampled_from(_FLAGS), max_size=2))),
        "loads": tuple(draw(st.lists(st.builds(LoadSeries, _profiles(), _sizes(9.0)), min_size=1, max_size=2))),
        "solar": tuple(draw(st.lists(solar, max_size=2))),
        "wind": tuple(draw(st.lists(st.builds(WindTurbine, _profiles(), _sizes()), max_size=1))),
        "batteries": tuple(draw(st.lists(_batteries(), max_size=2))),
        "cars": tuple(draw(st.lists(st.builds(ElectricVehicle, _profiles(), _sizes(22.0)), max_size=1))),
        "tariff": draw(_maybe(st.sampled_from(tariffs))),
    }


@st.composite
def _transformers(draw: st.DrawFn) -> dict[str, Any]:
    rated_kw = draw(st.floats(10.0, 1000.0))
    return {
        "rated_kw": rated_kw,
        "allow_export": draw(st.booleans()),
        "import_limit_kw": draw(_maybe(_sizes())),
        "forward_efficiency": draw(_maybe(_efficiencies())),
        "backward_efficiency": draw(_maybe(_efficiencies())),
        "no_load_loss_kw": draw(st.floats(0.0, 2.0)),
        "load_loss_kw": draw(st.floats(0.0, rated_kw / 20.0)),
        "fee_per_kwh": draw(_shares()),
        "digital_twin": draw(st.booleans()),
    }


@st.composite
def grids(draw: st.DrawFn, *, most_transformers: int = 6, most_houses: int = 8) -> Grid:
    """Return a grid whose check finds no error."""
    names = draw(st.lists(_TEXTS, min_size=1, max_size=3, unique=True))
    draft = GridDraft(
        Grid(
            display_name=draw(_TEXTS), time_zone=draw(st.sampled_from(["UTC", "Europe/Berlin", "America/Lima"])),
            emission_kg_per_kwh=draw(_maybe(_shares())), export_limit_kw=draw(_maybe(_sizes())),
            tariffs={name: draw(_TARIFFS) for name in names},
        )
    )  # fmt: skip
    parents = ["S-1"]
    for _ in range(draw(st.integers(0, most_transformers))):
        parents.append(draft.add_transformer(draw(st.sampled_from(parents)), **draw(_transformers())))
    for _ in range(draw(st.integers(1, most_houses))):
        draft.add_house(draw(st.sampled_from(parents)), **draw(_houses(names)))
    grid = draft.freeze()
    worn = {(flag.type, flag.value) for house, _ in grid.every_house() for flag in house.flags if flag.active}
    draft.set_fields("S-1", priority=tuple(flag for flag in _FLAGS if flag in worn))
    return draft.freeze()
