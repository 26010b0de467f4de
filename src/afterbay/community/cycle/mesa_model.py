"""The households of a cycle as agents of a Mesa model, to study how they behave.

Every agent makes the same step as the array engine, so without any behaviour of its own the model gives the
same numbers. With it, an agent moves part of its load to the sun and trades with its neighbours. Needs the
extra `agents`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from afterbay.community.cycle import tick_kernels
from afterbay.community.cycle.contract import ENERGY_COLUMNS, STEP, read_moment
from afterbay.community.cycle.mesa_market import Offer, clear
from afterbay.community.cycle.rows import MICRO, Rows
from afterbay.community.cycle.state import CycleState, bounds_micro, start_micro
from afterbay.community.cycle.sun import DEFAULT_PLACE, Place, clear_sky_share
from afterbay.community.cycle.tick import consumption_micro, power_share
from afterbay.core.checks import is_number
from afterbay.core.errors import MissingExtraError, OutOfRangeError, Problem, Problems

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from afterbay.community.cycle.users import Users
    from afterbay.community.cycle.weather import Weather
    from afterbay.core.compiled import Floats, Indices

__all__ = ["Behaviour", "Prices", "shift_load", "solar_model"]

_DAY_STEPS = 96
_GENERATION, _CONSUMPTION = 0, 1
_IMPORT, _EXPORT = 5, 6


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What a household does beyond physics.

    Raises:
        OutOfRangeError: If a number is outside 0..1, when the object is made.
    """

    shift_fraction: float = 0.0
    """Share of each day's load that is moved to the sunny steps of that day."""
    openness: float = 0.0
    """Attitude to trading: 0 asks the retail price and bids the feed-in price, 1 the other way round. A seller
    and a buyer agree when their openness adds up to 1 or more."""

    def __post_init__(self) -> None:
        for name in ("shift_fraction", "openness"):
            value = getattr(self, name)
            if not (is_number(value) and 0.0 <= value <= 1.0):
                raise OutOfRangeError(Problem(name, repr(value), "a share from 0 to 1", "give 0.2 for 20 %"))


@dataclass(frozen=True, slots=True)
class Prices:
    """What the grid takes and pays; neighbours trade between the two."""

    retail_per_kwh: float = 0.30
    feed_in_per_kwh: float = 0.08

    def __post_init__(self) -> None:
        if not (is_number(self.retail_per_kwh) and is_number(self.feed_in_per_kwh)) or not (
            0.0 <= self.feed_in_per_kwh <= self.retail_per_kwh
        ):
            raise OutOfRangeError(
                Problem("prices", repr(self), "0 <= feed_in_per_kwh <= retail_per_kwh", "exchange them")
            )

    def between(self, place: float) -> float:
        """Return the price at a place from feed-in (0) to retail (1)."""
        price = self.feed_in_per_kwh + place * (self.retail_per_kwh - self.feed_in_per_kwh)
        # Rounded, so that 0.3 and 1 - 0.7 ask for the same.
        return round(price, 9)


def solar_model(
    users: Users,
    start: datetime | str,
    weather: Weather,
    seed: int,
    run_id: str = "",
    *,
    behaviours: Sequence[Behaviour] | None = None,
    prices: Prices | None = None,
    state: CycleState | None = None,
    place: Place = DEFAULT_PLACE,
) -> Any:
    """Return a Mesa model with one agent per user; `model.step()` is a quarter hour.

    `model.datacollector` holds, after each step, the energies of every agent (the columns of the contract, and
    `bought_kwh`, `sold_kwh`) and of the community (their sums, `traded_kwh`, `price_per_kwh`, and from the start
    on `self_consumption` and `self_sufficiency`, which are two things). `model.rows` is the last tick as the
    array engine gives it, `model.state` what it left.

    Args:
        users: Who takes part; agent i is user i.
        start: First quarter hour; days of 96 steps are counted from it.
        weather: Provider of the weather factor.
        seed: As for `tick`.
        run_id: As for `tick`.
        behaviours: One per user; by default nobody does anything.
        prices: Of the grid; 0.30 and 0.08 per kWh by default.
        state: Before the first step.
        place: As for `tick`.

    Raises:
        InvalidInputError: If the start is no quarter hour, or there is not one behaviour per user.
        MissingExtraError: If Mesa is not installed.
    """
    problems = Problems()
    chosen = [Behaviour()] * len(users) if behaviours is None else list(behaviours)
    if len(chosen) != len(users):
        problems.add("behaviours", f"{len(chosen)} of them", f"one per user: {len(users)}", "give one for each")
    problems.raise_if_any()
    study = _Study(users, read_moment(start), weather, seed, run_id, place, tuple(chosen), prices or Prices())
    return _model_class()(study, CycleState() if state is None else state)


def shift_load(consumption: Indices, sun: Floats, fraction: float) -> Indices:
    """Move a share of a day's load to its sunny steps; the day keeps its energy to the last digit.

    Args:
        consumption: Of each step in millionths of a kWh, shape (n,).
        sun: Weight of each step, >= 0, shape (n,); a day without sun stays as it is.
        fraction: Share that is moved [-].

    Returns:
        Of each step in millionths of a kWh, shape (n,).
    """
    total = float(sun.sum())
    if fraction <= 0.0 or total <= 0.0:
        return consumption
    day = int(consumption.sum())
    wanted = (1.0 - fraction) * consumption + fraction * day * (sun / total)
    # Rounded as a running sum, so that rounding does not add up.
    edges = np.floor(np.cumsum(wanted) + 0.5).astype(np.int64)
    edges[-1] = day
    return np.maximum(np.diff(np.concatenate([[0], np.minimum(edges, day)])), 0)


@dataclass(frozen=True, slots=True, eq=False)
class _Study:
    users: Users
    start: datetime
    weather: Weather
    seed: int
    run_id: str
    place: Place
    behaviours: tuple[Behaviour, ...]
    prices: Prices

    def planned(self, first: datetime) -> Indices:
        """Return the load of the day that begins at `first` as the households arrange it, shape (96, n)."""
        moments = [first + STEP * index for index in range(_DAY_STEPS)]
        load = np.stack([consumption_micro(self.users, m, self.seed, self.run_id, self.place) for m in moments])
        if any(behaviour.shift_fraction for behaviour in self.behaviours):
            # They know where the sun will be, not the clouds.
            sun = np.stack([clear_sky_share(self.users, m, self.place, self.weather.sky) for m in moments])
            for row, behaviour in enumerate(self.behaviours):
                load[:, row] = shift_load(load[:, row], sun[:, row], behaviour.shift_fraction)
        return load


@cache
def _model_class() -> Any:
    """Return the model class; Mesa is only known here."""
    try:
        import mesa
    except ImportError:
        raise MissingExtraError("mesa", "agents", "a model of agents") from None

    class Household(mesa.Agent):  # type: ignore[misc]
        """One user, with its devices, its stored energy and its behaviour."""

        def __init__(self, model: Any, row: int, study: _Study, window: tuple[int, int], stored: int) -> None:
            super().__init__(model)
            self.row = row
            self.behaviour = study.behaviours[row]
            self.stored = stored
            self.energies = [0] * len(ENERGY_COLUMNS)
            self.bought = 0
            self.sold = 0
            users = study.users
            self._solar = (float(users.nameplate_kw[row]), float(users.inverter_capacity_kw[row]))
            self._window = window
            self._battery = tuple(
                float(column[row])
                for column in (
                    users.max_charge_kw,
                    users.max_discharge_kw,
                    users.charge_efficiency,
                    users.discharge_efficiency,
                )
            )

        def step(self) -> None:
            """Make the step of the array engine with the load that this household arranged."""
            used = int(self.model.load[self.row])
            generation, self.stored, charged, discharged = tick_kernels.tick_household(
                float(self.model.share[self.row]), *self._solar, used, self.stored, *self._window, *self._battery
            )
            net = generation + discharged - used - charged
            self.energies = [
                generation, used, self.stored, charged, discharged, max(-net, 0), max(net, 0), generation - used,
            ]  # fmt: skip

        def ask(self) -> Offer:
            """What this household would sell, and for how much at least."""
            return Offer(self.model.study.prices.between(1.0 - self.behaviour.openness), self.energies[_EXPORT])

        def bid(self) -> Offer:
            """What this household would buy, and for how much at most."""
            return Offer(self.model.study.prices.between(self.behaviour.openness), self.energies[_IMPORT])

    class SolarModel(mesa.Model):  # type: ignore[misc]
        """A neighbourhood, quarter hour by quarter hour."""

        def __init__(self, study: _Study, state: CycleState) -> None:
            super().__init__(seed=study.seed % 2**32)
            self.study = study
            self.state = state
            self.moment = study.start
            self.rows: Rows | None = None
            self.price: float | None = None
            self.totals = np.zeros(len(ENERGY_COLUMNS), dtype=np.int64)
            users = study.users
            floor, ceiling = bounds_micro(users)
            stored = start_micro(users, state)
            self.households = [
                Household(self, row, study, (int(floor[row]), int(ceiling[row])), int(stored[row]))
                for row in range(len(users))
            ]
            self._index = 0
            self._day = np.empty((0, len(users)), dtype=np.int64)
            self.load = np.empty(0, dtype=np.int64)
            self.share = np.empty(0)
            self.datacollector = mesa.DataCollector(
                model_reporters={
                    **{name: _sum_of(column) for column, name in enumerate(ENERGY_COLUMNS)},
                    "traded_kwh": lambda model: sum(agent.sold for agent in model.households) / MICRO,
                    "price_per_kwh": "price",
                    "self_consumption": lambda model: _share(model.totals, _GENERATION, _EXPORT),
                    "self_sufficiency": lambda model: _share(model.totals, _CONSUMPTION, _IMPORT),
                },
                agent_reporters={
                    **{name: _energy_of(column) for column, name in enumerate(ENERGY_COLUMNS)},
                    "bought_kwh": lambda agent: agent.bought / MICRO,
                    "sold_kwh": lambda agent: agent.sold / MICRO,
                },
            )

        def step(self) -> None:
            """Advance by a quarter hour, then write down what happened in it."""
            if self._index % _DAY_STEPS == 0:
                self._day = self.study.planned(self.moment)
            self.load = self._day[self._index % _DAY_STEPS]
            self.share = power_share(self.study.users, self.study.weather, self.moment, self.study.place)
            self.agents.do("step")
            self._trade()
            micro = np.array([agent.energies for agent in self.households], dtype=np.int64)
            self.rows = Rows(
                self.study.users.user_id,
                self.study.users.keys,
                self.moment,
                micro.reshape(len(self.households), len(ENERGY_COLUMNS)),
            )
            self.state = self.state.after(self.rows)
            self.totals = self.totals + self.rows.micro.sum(axis=0)
            self.datacollector.collect(self)
            self._index += 1
            self.moment += STEP

        def _trade(self) -> None:
            cleared = clear([agent.ask() for agent in self.households], [agent.bid() for agent in self.households])
            self.price = cleared.price
            outcome = zip(self.households, cleared.sold_micro, cleared.bought_micro, strict=True)
            for agent, sold, bought in outcome:
                agent.sold, agent.bought = sold, bought

    return SolarModel


def _sum_of(column: int) -> Any:
    return lambda model: int(model.rows.micro[:, column].sum()) / MICRO


def _energy_of(column: int) -> Any:
    return lambda agent: agent.energies[column] / MICRO


def _share(totals: Indices, whole: int, lost: int) -> float:
    """Return the part of one sum that did not go through the meter; nan before there is any."""
    return 1.0 - int(totals[lost]) / int(totals[whole]) if totals[whole] else float("nan")
