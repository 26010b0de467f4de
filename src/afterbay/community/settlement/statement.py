"""The result of a settlement: statements, comparisons and checks; tables are made on demand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from afterbay.community.settlement.fairness import Fairness, fairness_of
from afterbay.community.settlement.layout import (
    COMMUNITY_BOUGHT,
    COMMUNITY_SOLD,
    ENERGY_LINES,
    MONEY_LINES,
    STEP_ACCOUNTS,
    STEP_FUND,
    STEP_HOUSES,
    STEP_TURNOVER,
    UTILITY_BOUGHT,
    UTILITY_SOLD,
)
from afterbay.community.settlement.rounding import largest_remainder, round_balanced
from afterbay.core.errors import NotFoundError, PhysicsError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd

    from afterbay.community.settlement.books import Books
    from afterbay.community.settlement.calendar import RunCalendar
    from afterbay.core.compiled import Floats
    from afterbay.core.timeline import Timeline

__all__ = ["Balance", "Settlement", "Statement"]

_ENERGY: Final = len(ENERGY_LINES)
_RELATIVE: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Balance:
    """One law that the books must obey, and how well they do."""

    rule: str
    law: str
    """The law in words."""
    worst: float
    """Largest violation, relative to the amounts in question [-]."""
    at: str
    """Where it is largest."""

    @property
    def holds(self) -> bool:
        """Whether it is within 1e-9."""
        return self.worst <= _RELATIVE


@dataclass(frozen=True, slots=True)
class Statement:
    """What one house pays under a rule, to the cent."""

    house: str
    rule: str
    currency: str
    energy_kwh: dict[str, float]
    """Energy by line [kWh], not rounded."""
    lines: dict[str, float]
    """Money by line, + received and - paid, rounded; they add up to minus the bill."""
    bill_before: float
    bill_after: float

    @property
    def saving(self) -> float:
        """What the house saves, to the cent."""
        return round(self.bill_before - self.bill_after, 10)


@dataclass(frozen=True, slots=True, eq=False)
class Settlement:
    """One physical run settled under several rules. Money is in `currency`; + is received, bills are owed."""

    currency: str
    time_zone: str
    timeline: Timeline
    calendar: RunCalendar
    house_names: tuple[str, ...]
    net_kwh: Floats
    """Energy through all meters of each step, + out of the houses [kWh], shape (n_steps,)."""
    books: Mapping[str, Books]
    """Books by rule; the first is what the others are compared with."""
    before: str
    """Name of that rule."""

    @property
    def rules(self) -> tuple[str, ...]:
        """Names of all rules, the one before first."""
        return tuple(self.books)

    def of(self, rule: str) -> Books:
        """Return the books of a rule.

        Raises:
            NotFoundError: If it was not settled.
        """
        found = self.books.get(rule)
        if found is None:
            raise NotFoundError(f"rule {rule!r} was not settled; there are: {', '.join(self.books)}")
        return found

    def savings(self, rule: str) -> Floats:
        """Return what every house saves, bill before less bill after [currency], shape (n_houses,)."""
        return self.of(self.before).bills - self.of(rule).bills

    def fairness(self, rule: str) -> Fairness:
        """Describe how evenly the savings of a rule fall."""
        return fairness_of(self.savings(rule), self.house_names)

    def accounts(self, rule: str) -> dict[str, float]:
        """Return what each class of account received over the run [currency]; the sum is zero."""
        sums = self.of(rule).steps[:, STEP_HOUSES:].sum(axis=0)
        return dict(zip(STEP_ACCOUNTS, sums.tolist(), strict=True))

    def rounded_accounts(self, rule: str, decimals: int = 2) -> dict[str, float]:
        """Return what every house and every other account received, rounded so that the sum is exactly zero.

        By the method of the largest remainder: everyone is rounded down, then what is missing goes to those who
        lost most, among equals by name.
        """
        books = self.of(rule)
        others = {name: amount for name, amount in self.accounts(rule).items() if name != "houses"}
        names = (*self.house_names, *others)
        units = round_balanced(np.array([*(-books.bills), *others.values()]), names, decimals)
        return {name: _money(unit, decimals) for name, unit in zip(names, units.tolist(), strict=True)}

    def statement(self, house: str, rule: str, decimals: int = 2) -> Statement:
        """Return the statement of one house; for many, `afterbay.community.settlement.bills_frame` is faster.

        Raises:
            NotFoundError: If there is no such house or rule.
        """
        if house not in self.house_names:
            raise NotFoundError(f"house {house!r} is not in this run")
        place = self.house_names.index(house)
        lines = self.of(rule).lines[:, place]
        owed = {name: -self.rounded_accounts(name, decimals)[house] for name in (self.before, rule)}
        total = -round(owed[rule] * 10**decimals)
        units = largest_remainder(lines[_ENERGY:] * 10.0**decimals, total, MONEY_LINES)
        return Statement(
            house=house,
            rule=rule,
            currency=self.currency,
            energy_kwh=dict(zip(ENERGY_LINES, lines[:_ENERGY].tolist(), strict=True)),
            lines={name: _money(unit, decimals) for name, unit in zip(MONEY_LINES, units.tolist(), strict=True)},
            bill_before=owed[self.before] + 0.0,
            bill_after=owed[rule] + 0.0,
        )

    def balances(self) -> tuple[Balance, ...]:
        """Measure every law that the books must obey, under every rule."""
        return tuple(balance for books in self.books.values() for balance in self._balances(books))

    def check(self) -> None:
        """Make sure that energy and money balance in every step, under every rule.

        Raises:
            PhysicsError: If a law is broken, with every case.
        """
        broken = [one for one in self.balances() if not one.holds]
        if broken:
            raise PhysicsError(
                "\n".join(f"rule {one.rule}: {one.law} is off by {one.worst:.3g} ({one.at})" for one in broken)
            )

    def write(self, folder: str | Path) -> tuple[Path, ...]:
        """Write every table as Parquet; see `afterbay.community.settlement.tables`.

        Raises:
            InvalidInputError: If the folder does not exist or cannot be written.
            MissingExtraError: Without pyarrow.
        """
        from afterbay.community.settlement.tables import write_tables

        return write_tables(self, folder)

    @property
    def bills(self) -> pd.DataFrame:
        """One row for each rule and house: energy, lines, bill before, bill after, saving."""
        from afterbay.community.settlement.tables import bills_frame

        return bills_frame(self)

    @property
    def totals(self) -> pd.DataFrame:
        """One row for each rule: energy, accounts, savings and fairness of the whole community."""
        from afterbay.community.settlement.tables import totals_frame

        return totals_frame(self)

    def _balances(self, books: Books) -> list[Balance]:
        steps = books.steps
        energy, accounts = steps[:, :_ENERGY], steps[:, STEP_HOUSES:]
        through = (
            energy[:, UTILITY_SOLD]
            + energy[:, COMMUNITY_SOLD]
            - energy[:, UTILITY_BOUGHT]
            - energy[:, COMMUNITY_BOUGHT]
        )
        found = [
            self._worst(books, "money in each step", accounts.sum(axis=1), np.abs(accounts).sum(axis=1)),
            self._worst(books, "energy in each step", through - self.net_kwh, energy.sum(axis=1)),
        ]
        if books.budget_balanced:
            fund = steps[:, STEP_FUND]
            found.append(self._worst(books, "budget in each step", fund, steps[:, STEP_TURNOVER]))
        lines = books.months
        per_house = lines[:, _ENERGY:].sum(axis=1)
        month_of_step, n_months = self.calendar.month_of_step, len(self.calendar.month_names)
        by_month = np.bincount(month_of_step, weights=steps[:, STEP_HOUSES], minlength=n_months)
        size = np.abs(lines[:, _ENERGY:]).sum(axis=(1, 2))
        off = np.abs(per_house.sum(axis=1) - by_month) / np.maximum(size, 1.0)
        worst = int(np.argmax(off))
        months = self.calendar.month_names
        found.append(Balance(books.rule, "lines of the houses against the steps", float(off[worst]), months[worst]))
        return found

    def _worst(self, books: Books, law: str, off: Floats, size: Floats) -> Balance:
        relative = np.abs(off) / np.maximum(size, 1.0)
        # A number that is none breaks every law.
        relative = np.where(np.isnan(relative), np.inf, relative)
        step = int(np.argmax(relative))
        return Balance(books.rule, law, float(relative[step]), self.timeline.label(step).isoformat())


def _money(units: int, decimals: int) -> float:
    return float(units / 10**decimals)
