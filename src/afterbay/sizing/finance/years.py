"""What a plant does each year, as finance sees it: one plant in rows, many plants in columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import ArrayLike, NDArray

from afterbay.core.checks import is_number
from afterbay.core.errors import InvalidInputError, Problem, Problems

__all__ = ["EnergyColumns", "PlantColumns", "PlantSize", "YearEnergy", "columns_of_years", "require_kind"]

FloatArray = NDArray[np.float64]

MOST_HOURS = 8_784.0
"""Hours of a leap year [h]."""
MOST_AMOUNT = 1e12
"""An energy, power or volume beyond this is a slip."""
_REASON = "check the unit and the sign"


def _nothing() -> FloatArray:
    return np.zeros(())


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantSize:
    """The plant as it is built.

    Raises:
        InvalidInputError: With every problem found, when the object is made.
    """

    bess_mwh: float
    """Nameplate capacity of the battery [MWh]."""
    bess_mw: float
    """Power of the battery [MW]."""
    dg_mw: float = 0.0
    """Rating of the generator [MW]."""
    solar_mw: float = 0.0
    """Size of the solar plant [MW]."""

    def __post_init__(self) -> None:
        problems = Problems()
        _check_fields(self, [one.name for one in fields(self)], problems)
        problems.raise_if_any()


@dataclass(frozen=True, slots=True, kw_only=True)
class YearEnergy:
    """What the plant did in one year. Purchases take place at its end.

    Raises:
        InvalidInputError: With every problem found, when the object is made.
    """

    year: int
    """Year of operation, from 1."""
    delivered_mwh: float
    """Energy served to the load [MWh]."""
    dg_mwh: float
    """Gross output of the generator [MWh]."""
    dg_hours: float
    """Running hours of the generator [h]."""
    fuel_l: float
    """Fuel [L]."""
    unserved_mwh: float
    """Load not served [MWh]."""
    unserved_hours: float
    """Load hours not served whole [h]: never the hours of the year less those served, a load may pause."""
    effective_mwh: float
    """Capacity of the battery that maintenance is paid for [MWh]."""
    augmentation_mwh: float = 0.0
    """Capacity of added modules [MWh]."""
    battery_replaced_mwh: float = 0.0
    """Capacity of renewed modules [MWh]."""
    inverter_replaced_mw: float = 0.0
    """Power of renewed inverters [MW]."""
    generator_replaced_mw: float = 0.0
    """Rating of renewed generators [MW]."""

    def __post_init__(self) -> None:
        problems = Problems()
        year: object = self.year
        if isinstance(year, bool) or not (isinstance(year, (int, np.integer)) and 1 <= year <= 100):
            problems.add("year", year, "a whole number 1..100", "count years of operation from 1")
        _check_fields(self, [one.name for one in fields(self) if one.name != "year"], problems)
        problems.raise_if_any()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EnergyColumns:
    """The fields of `YearEnergy` for many plants: arrays of shape (n_cases, n_years), or what broadcasts to it.

    Raises:
        InvalidInputError: With every problem found, when the object is made.
    """

    delivered_mwh: FloatArray
    dg_mwh: FloatArray
    dg_hours: FloatArray
    fuel_l: FloatArray
    unserved_mwh: FloatArray
    unserved_hours: FloatArray
    effective_mwh: FloatArray
    augmentation_mwh: FloatArray = field(default_factory=_nothing)
    battery_replaced_mwh: FloatArray = field(default_factory=_nothing)
    inverter_replaced_mw: FloatArray = field(default_factory=_nothing)
    generator_replaced_mw: FloatArray = field(default_factory=_nothing)

    def __post_init__(self) -> None:
        problems = Problems()
        names = [one.name for one in fields(self)]
        read = {name: _read_column(name, getattr(self, name), problems, dimensions=2) for name in names}
        problems.raise_if_any()
        try:
            shape = np.broadcast_shapes((1, 1), *(array.shape for array in read.values()))
        except ValueError:
            shapes = ", ".join(f"{name} {array.shape}" for name, array in read.items() if array.ndim)
            problems.add("energy", shapes, "one shape (n_cases, n_years)", "give every column the same rows and years")
            problems.raise_if_any()
            raise
        for name, array in read.items():
            object.__setattr__(self, name, np.broadcast_to(array, shape))

    @property
    def n_cases(self) -> int:
        """Number of plants [-]."""
        return int(self.delivered_mwh.shape[0])

    @property
    def n_years(self) -> int:
        """Number of years of operation [-]."""
        return int(self.delivered_mwh.shape[1])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlantColumns:
    """The fields of `PlantSize` for many plants, shape (n_cases,).

    Raises:
        InvalidInputError: With every problem found, when the object is made.
    """

    bess_mwh: FloatArray
    bess_mw: FloatArray
    dg_mw: FloatArray
    solar_mw: FloatArray

    @classmethod
    def read(
        cls, n_cases: int, *, bess_mwh: ArrayLike, bess_mw: ArrayLike, dg_mw: ArrayLike, solar_mw: ArrayLike
    ) -> PlantColumns:
        """Return the sizes of `n_cases` plants; a single number holds for all of them."""
        problems = Problems()
        given = {"bess_mwh": bess_mwh, "bess_mw": bess_mw, "dg_mw": dg_mw, "solar_mw": solar_mw}
        read = {name: _read_column(name, values, problems, dimensions=1) for name, values in given.items()}
        for name, array in read.items():
            if array.ndim and array.shape != (n_cases,):
                problems.add(name, f"shape {array.shape}", f"({n_cases},)", "give one size for each case")
        problems.raise_if_any()
        return cls(**{name: np.broadcast_to(array, (n_cases,)) for name, array in read.items()})


def require_kind(where: str, value: object, kind: type) -> None:
    """Refuse what is not a record of this kind.

    Raises:
        InvalidInputError: If it is not.
    """
    if not isinstance(value, kind):
        raise InvalidInputError(Problem(where, type(value).__name__, kind.__name__, f"give {kind.__name__}(...)"))


def columns_of_years(years: Sequence[YearEnergy], n_years: int) -> EnergyColumns:
    """Return the years of one plant as columns of one row.

    Raises:
        InvalidInputError: If the years are not 1..`n_years` in this order.
    """
    problems = Problems()
    wrong = [one for one in years if not isinstance(one, YearEnergy)]
    if wrong:
        problems.add("years", type(wrong[0]).__name__, "YearEnergy of each year", "give YearEnergy(year=1, ...)")
        problems.raise_if_any()
    found = [one.year for one in years]
    if found != list(range(1, n_years + 1)):
        shown = ", ".join(str(year) for year in found[:30]) or "no year"
        move = "give every year of project_life_years once, or change the project's life"
        problems.add("years", shown, f"1..{n_years} in order", move)
        problems.raise_if_any()
    names = [one.name for one in fields(EnergyColumns)]
    return EnergyColumns(**{name: np.array([[float(getattr(one, name)) for one in years]]) for name in names})


def _most(name: str) -> float:
    return MOST_HOURS if name.endswith("_hours") else MOST_AMOUNT


def _check_fields(record: object, names: list[str], problems: Problems) -> None:
    for name in names:
        value = getattr(record, name)
        if not (is_number(value) and 0.0 <= value <= _most(name)):
            problems.add(name, value, f"0..{_most(name):g}", _REASON)


def _read_column(name: str, values: ArrayLike, problems: Problems, *, dimensions: int) -> FloatArray:
    allowed = f"numbers 0..{_most(name):g} in {dimensions} dimension{'s' if dimensions > 1 else ''}"
    try:
        array = np.array(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        problems.add(name, type(values).__name__, allowed, "pass a list or an array")
        return np.zeros(())
    if array.ndim not in (0, dimensions) or array.size == 0:
        problems.add(name, f"shape {array.shape}", allowed, "one row per case, one column per year")
        return np.zeros(())
    wrong = np.argwhere(~((array >= 0.0) & (array <= _most(name))))
    # A single number has no axes: its place is empty, and so would `wrong.size` be.
    if len(wrong):
        place = tuple(int(index) for index in wrong[0])
        shown = f" at {list(place)}" if place else ""
        problems.add(name, f"{array[place]:g}{shown}", allowed, _REASON)
        return np.zeros(())
    return array
