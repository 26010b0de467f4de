"""Agents make the step of the array engine; with behaviour of their own they shift load and trade."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from community_cycle import random_users
from hypothesis import given
from hypothesis import strategies as st

from afterbay.community.cycle import ConstantWeather, CycleState, run_ticks
from afterbay.community.cycle.contract import ENERGY_COLUMNS, STEP, read_moment
from afterbay.community.cycle.mesa_market import Offer, clear
from afterbay.community.cycle.mesa_model import Behaviour, Prices, shift_load, solar_model
from afterbay.core.errors import InvalidInputError, MissingExtraError, OutOfRangeError

if TYPE_CHECKING:
    from pathlib import Path

SUN = ConstantWeather(0.9)
START = "2024-06-21T00:00:00"
DAY = [read_moment(START) + STEP * index for index in range(96)]
OFFERS = st.lists(st.builds(Offer, st.sampled_from([0.1, 0.15, 0.2, 0.25]), st.integers(0, 2_000_000)), max_size=8)


def run(model: Any, steps: int = 96) -> Any:
    for _ in range(steps):
        model.step()
    return model


@pytest.fixture(autouse=True)
def _needs_mesa(request: pytest.FixtureRequest) -> None:
    if "without_mesa" not in request.node.name:
        pytest.importorskip("mesa")


def test_agents_without_behaviour_give_the_numbers_of_the_array_engine(tmp_path: Path) -> None:
    users = random_users(tmp_path, 25)
    begun, _ = run_ticks(CycleState(), users, SUN, [DAY[0] - STEP], 4, "study")
    state, ticks = run_ticks(begun, users, SUN, DAY, 4, "study")

    model = run(solar_model(users, START, SUN, 4, "study", state=begun))

    collected = model.datacollector.get_agent_vars_dataframe()
    for column in ENERGY_COLUMNS:
        theirs = collected[column].to_numpy().reshape(96, 25)
        ours = np.stack([rows.kwh(column) for rows in ticks])
        assert np.abs(theirs - ours).max() <= 1e-9
        assert (theirs == ours).all()
    assert (model.state.micro_of(users.keys) == state.micro_of(users.keys)).all()


def test_data_are_collected_after_the_step_they_belong_to(tmp_path: Path) -> None:
    users = random_users(tmp_path, 5)
    model = run(solar_model(users, START, SUN, 4), 50)

    sums = model.datacollector.get_model_vars_dataframe()

    assert len(sums) == 50
    assert sums["generation_kwh"].iloc[-1] == model.rows.total_kwh("generation_kwh")
    assert sums["consumption_kwh"].iloc[0] == run_ticks(CycleState(), users, SUN, DAY[:1], 4)[1][0].total_kwh(
        "consumption_kwh"
    )
    assert model.moment == DAY[50]


def test_self_consumption_and_self_sufficiency_are_two_things(tmp_path: Path) -> None:
    model = run(solar_model(random_users(tmp_path, 20), START, SUN, 4))
    sums = model.datacollector.get_model_vars_dataframe()
    last, total = sums.iloc[-1], sums.sum()

    assert last["self_consumption"] == pytest.approx(1 - total["grid_export_kwh"] / total["generation_kwh"])
    assert last["self_sufficiency"] == pytest.approx(1 - total["grid_import_kwh"] / total["consumption_kwh"])
    assert abs(last["self_consumption"] - last["self_sufficiency"]) > 0.05


def test_the_same_seed_gives_the_same_study(tmp_path: Path) -> None:
    users = random_users(tmp_path, 6)
    behaviours = [Behaviour(0.1 * row, 1 - 0.1 * row) for row in range(6)]

    first, second = (run(solar_model(users, START, SUN, 4, behaviours=behaviours), 60) for _ in range(2))

    frames = [model.datacollector.get_agent_vars_dataframe() for model in (first, second)]
    assert frames[0].equals(frames[1])


def test_shifting_load_to_the_sun_keeps_the_energy_of_the_day_and_saves_import(tmp_path: Path) -> None:
    users = random_users(tmp_path, 20)
    lazy = run(solar_model(users, START, SUN, 4))
    keen = run(solar_model(users, START, SUN, 4, behaviours=[Behaviour(shift_fraction=0.4)] * 20))

    before, after = (model.datacollector.get_agent_vars_dataframe() for model in (lazy, keen))

    daily = [frame["consumption_kwh"].groupby("AgentID").sum() for frame in (before, after)]
    assert daily[0].to_numpy() == pytest.approx(daily[1].to_numpy(), abs=1e-9)
    assert after["grid_import_kwh"].sum() < 0.97 * before["grid_import_kwh"].sum()
    night = slice(1, 12)
    assert after.loc[night, "consumption_kwh"].sum() == pytest.approx(
        0.6 * before.loc[night, "consumption_kwh"].sum(), rel=1e-4
    )


@given(st.lists(st.tuples(st.integers(0, 10**7), st.floats(0, 1)), min_size=1, max_size=96), st.floats(0, 1))
def test_a_shifted_day_keeps_its_energy_to_the_last_digit(day: list[tuple[int, float]], fraction: float) -> None:
    load = np.array([used for used, _ in day], dtype=np.int64)
    sun = np.array([light for _, light in day])

    shifted = shift_load(load, sun, fraction)

    assert shifted.sum() == load.sum()
    assert (shifted >= 0).all()
    if fraction == 0.0 or sun.sum() == 0.0:
        assert (shifted == load).all()


def test_open_neighbours_trade_and_closed_ones_do_not(tmp_path: Path) -> None:
    users = random_users(tmp_path, 20)
    closed = run(solar_model(users, START, SUN, 4, behaviours=[Behaviour(openness=0.3)] * 20))
    opened = run(solar_model(users, START, SUN, 4, behaviours=[Behaviour(openness=0.8)] * 20))

    nothing, something = (model.datacollector.get_model_vars_dataframe() for model in (closed, opened))
    agents = opened.datacollector.get_agent_vars_dataframe()

    assert nothing["traded_kwh"].sum() == 0.0
    assert nothing["price_per_kwh"].isna().all()
    assert something["traded_kwh"].sum() > 1.0
    # Trading moves money, not energy.
    assert something["grid_import_kwh"].tolist() == nothing["grid_import_kwh"].tolist()
    assert something["traded_kwh"].tolist() == pytest.approx(
        np.minimum(something["grid_import_kwh"], something["grid_export_kwh"]).tolist()
    )
    assert (agents["bought_kwh"] <= agents["grid_import_kwh"]).all()
    assert (agents["sold_kwh"] <= agents["grid_export_kwh"]).all()
    assert something["price_per_kwh"].dropna().between(0.08, 0.30).all()


def test_who_is_more_open_sells_first(tmp_path: Path) -> None:
    offers = [Offer(0.25, 100), Offer(0.10, 100), Offer(0.10, 50)]

    cleared = clear(offers, [Offer(0.20, 90)])

    assert cleared.sold_micro == (0, 60, 30)
    assert cleared.bought_micro == (90,)
    assert cleared.price == pytest.approx(0.15)


@given(OFFERS, OFFERS, st.randoms(use_true_random=False))
def test_a_market_sells_what_it_buys_at_a_price_that_suits_both(
    asks: list[Offer], bids: list[Offer], dice: Any
) -> None:
    cleared = clear(asks, bids)

    assert sum(cleared.sold_micro) == sum(cleared.bought_micro)
    assert all(0 <= sold <= ask.micro for sold, ask in zip(cleared.sold_micro, asks, strict=True))
    assert all(0 <= got <= bid.micro for got, bid in zip(cleared.bought_micro, bids, strict=True))
    traded_asks = [ask.price for ask, sold in zip(asks, cleared.sold_micro, strict=True) if sold]
    traded_bids = [bid.price for bid, got in zip(bids, cleared.bought_micro, strict=True) if got]
    if cleared.price is None:
        assert traded_asks == traded_bids == []
    else:
        assert max(traded_asks) <= cleared.price <= min(traded_bids)
    # Nobody who would have gained is left on both sides.
    open_asks = [ask.price for ask, sold in zip(asks, cleared.sold_micro, strict=True) if sold < ask.micro]
    open_bids = [bid.price for bid, got in zip(bids, cleared.bought_micro, strict=True) if got < bid.micro]
    assert not open_asks or not open_bids or min(open_asks) > max(open_bids)
    order = list(range(len(asks)))
    dice.shuffle(order)
    again = clear([asks[row] for row in order], bids)
    assert (again.price, again.bought_micro) == (cleared.price, cleared.bought_micro)
    assert all(abs(again.sold_micro[place] - cleared.sold_micro[row]) <= 1 for place, row in enumerate(order))


def test_behaviour_and_prices_out_of_range_are_refused(tmp_path: Path) -> None:
    users = random_users(tmp_path, 3)

    for changes in ({"shift_fraction": 1.1}, {"openness": -0.1}, {"openness": float("nan")}):
        with pytest.raises(OutOfRangeError, match="a share from 0 to 1"):
            Behaviour(**changes)
    with pytest.raises(OutOfRangeError, match="feed_in_per_kwh <= retail_per_kwh"):
        Prices(0.1, 0.2)
    with pytest.raises(InvalidInputError, match="one per user: 3"):
        solar_model(users, START, SUN, 1, behaviours=[Behaviour()])


def test_without_mesa_the_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from afterbay.community.cycle import mesa_model

    mesa_model._model_class.cache_clear()
    monkeypatch.setitem(sys.modules, "mesa", None)

    with pytest.raises(MissingExtraError, match=r"afterbay\[agents\]"):
        solar_model(random_users(tmp_path, 1), START, SUN, 1)
