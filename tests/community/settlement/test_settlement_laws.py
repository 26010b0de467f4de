"""Laws that every settlement rule obeys, on random trees, meters and tariffs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from community_meters import meters, random_grids, random_net
from community_settling import bounded_rules, every_rule, trade_blocks
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from afterbay.community.settlement import (
    CommunityPrice,
    MidMarketRate,
    NetBilling,
    SettlementRule,
    SupplyDemandRatio,
    settle,
)
from afterbay.community.settlement.layout import STEP_HOUSES
from afterbay.community.settlement.rounding import round_balanced
from afterbay.community.sharing import SHARING_RULES
from afterbay.community.topology.records import Grid, House, Transformer
from afterbay.community.topology.tariff import Tariff

_SOME = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
_STARTS = st.sampled_from(
    [datetime(2024, 2, 28, 21, tzinfo=UTC), datetime(2023, 3, 25, 22, tzinfo=UTC), datetime(2023, 10, 28, tzinfo=UTC)]
)


@_SOME
@given(random_grids(), st.integers(0, 2**32 - 1), st.integers(1, 300), _STARTS)
def test_money_and_energy_balance_in_every_step_under_every_rule(
    grid: Grid, seed: int, n_steps: int, start: datetime
) -> None:
    source = meters(grid, random_net(seed, n_steps, len(grid.house_names)), start)

    settled = settle(source, every_rule())

    settled.check()
    for rule in settled.rules:
        books = settled.of(rule)
        accounts = books.steps[:, STEP_HOUSES:]
        assert np.abs(accounts.sum(axis=1)).max() <= 1e-9 * max(1.0, np.abs(accounts).max())
        lines = books.lines
        through = lines[1] + lines[3] - lines[0] - lines[2]
        assert through == pytest.approx(source.net_kwh.sum(axis=0), abs=1e-9)
        assert (lines[:4] >= 0.0).all()


@_SOME
@given(random_grids(), st.integers(0, 2**32 - 1))
def test_money_to_the_cent_adds_up_to_exactly_zero(grid: Grid, seed: int) -> None:
    settled = settle(meters(grid, random_net(seed, 96, len(grid.house_names))), every_rule())

    for rule in settled.rules:
        cents = [round(amount * 100) for amount in settled.rounded_accounts(rule).values()]
        assert sum(cents) == 0
        assert [cent / 100 for cent in cents] == list(settled.rounded_accounts(rule).values())
        exact = [*(-settled.of(rule).bills), *list(settled.accounts(rule).values())[1:]]
        assert np.abs(np.array(cents) - np.array(exact) * 100).max() < 1.001
        house = settled.house_names[-1]
        statement = settled.statement(house, rule)
        assert sum(round(amount * 100) for amount in statement.lines.values()) == -round(statement.bill_after * 100)
        assert statement.saving == pytest.approx(statement.bill_before - statement.bill_after)


@_SOME
@given(random_grids(), st.integers(0, 2**32 - 1), st.integers(1, 200), st.integers(1, 3))
def test_results_have_the_same_bits_for_any_block_length_and_any_number_of_threads(
    grid: Grid, seed: int, block_steps: int, threads: int
) -> None:
    source = meters(grid, random_net(seed, 250, len(grid.house_names)))
    rules = every_rule()

    once = settle(source, rules, threads=1)
    again = settle(replace(source, block_steps=block_steps), rules, threads=threads)

    for rule in once.rules:
        assert once.of(rule).steps.tobytes() == again.of(rule).steps.tobytes()
        assert once.of(rule).months.tobytes() == again.of(rule).months.tobytes()
        days, days_again = once.of(rule).days, again.of(rule).days
        assert days is not None
        assert days_again is not None
        assert days.tobytes() == days_again.tobytes()


@_SOME
@given(random_grids(), st.integers(0, 2**32 - 1))
def test_settling_leaves_the_meters_untouched(grid: Grid, seed: int) -> None:
    source = meters(grid, random_net(seed, 100, len(grid.house_names)))
    before = source.net_kwh.tobytes()

    settle(source, every_rule())

    assert source.net_kwh.tobytes() == before
    assert not any(block.net_kwh.flags.writeable for block in trade_blocks(source))


@_SOME
@given(random_grids(), st.integers(0, 2**32 - 1))
def test_local_prices_lie_between_feed_in_and_retail_of_everybody_who_trades(grid: Grid, seed: int) -> None:
    source = meters(grid, random_net(seed, 96, len(grid.house_names)))

    for block in trade_blocks(source):
        for rule in bounded_rules():
            booking = rule.book(block)
            buying, selling = booking.bought_kwh > 1e-12, booking.sold_kwh > 1e-12
            price = booking.paid[buying] / booking.bought_kwh[buying]
            charged = booking.network_charge
            ceiling = block.local_retail_per_kwh if charged else block.retail_per_kwh
            assert (price <= ceiling[buying] + 1e-9).all()
            assert (
                price >= block.feed_in_per_kwh.min(axis=1, keepdims=True).repeat(block.n_houses, 1)[buying] - 1e-9
            ).all()
            paid, earned = booking.paid.sum(axis=1), booking.earned.sum(axis=1)
            assert paid == pytest.approx(earned, abs=1e-12, rel=1e-12)
            # Sellers are paid for what arrives: per kilowatt-hour that arrives they get the price, at least feed-in.
            arrived = block.shared_willingly(rule.sharing, network_charge=charged).paid_kwh  # type: ignore[attr-defined]
            assert (booking.earned[selling] >= (arrived * block.feed_in_per_kwh)[selling] - 1e-9).all()


@_SOME
@given(random_grids(), st.integers(0, 2**32 - 1))
def test_nobody_trades_with_itself(grid: Grid, seed: int) -> None:
    source = meters(grid, random_net(seed, 96, len(grid.house_names)))

    for block in trade_blocks(source):
        for rule in every_rule():
            booking = rule.book(block)
            assert not ((booking.bought_kwh > 0.0) & (booking.sold_kwh > 0.0)).any()
            assert (booking.bought_kwh <= np.maximum(-block.net_kwh, 0.0) + 1e-12).all()
            assert (booking.sold_kwh <= np.maximum(block.net_kwh, 0.0) + 1e-12).all()


@_SOME
@given(random_grids(), st.integers(0, 2**32 - 1))
def test_without_any_trade_every_bill_is_that_of_the_utility(grid: Grid, seed: int) -> None:
    rules: list[SettlementRule] = [
        MidMarketRate(SHARING_RULES["none"], name="a"),
        SupplyDemandRatio(SHARING_RULES["none"], name="b"),
        CommunityPrice(SHARING_RULES["none"], name="c"),
    ]

    settled = settle(meters(grid, random_net(seed, 96, len(grid.house_names))), rules)

    for rule in "abc":
        assert settled.of(rule).steps.tobytes() == settled.of("utility_only").steps.tobytes()
        assert settled.of(rule).bills.tobytes() == settled.of("utility_only").bills.tobytes()


@_SOME
@given(random_grids(), st.integers(0, 2**32 - 1), st.randoms(use_true_random=False))
def test_the_order_of_houses_changes_no_bill(grid: Grid, seed: int, random: object) -> None:
    def shuffled(houses: tuple[House, ...]) -> tuple[House, ...]:
        return tuple(random.sample(houses, len(houses)))  # type: ignore[attr-defined]

    def turned(transformer: Transformer) -> Transformer:
        below = tuple(turned(child) for child in transformer.transformers)
        return replace(transformer, houses=shuffled(transformer.houses), transformers=below)

    other = replace(
        grid, houses=shuffled(grid.houses), transformers=tuple(turned(child) for child in grid.transformers)
    )
    net = random_net(seed, 96, len(grid.house_names))
    place = [grid.house_names.index(name) for name in other.house_names]

    first = settle(meters(grid, net), every_rule())
    second = settle(meters(other, net[:, place]), every_rule())

    # A trade reduction leaves the last pair out, and among equal prices the order says which that is.
    for rule in [name for name in first.rules if name != "trade_reduction"]:
        assert second.of(rule).bills == pytest.approx(first.of(rule).bills[place], abs=1e-9), rule


@_SOME
@given(st.integers(0, 2**32 - 1), st.integers(2, 30), st.floats(0.0, 0.1), st.floats(0.0, 0.4), st.floats(0.0, 1.0))
def test_without_fees_and_losses_nobody_is_worse_off_between_the_bounds(
    seed: int, n_houses: int, feed_in: float, spread: float, network: float
) -> None:
    dear = Tariff(feed_in + spread + 0.02, feed_in, network_share=network, local_network_reduction=0.4)
    tariffs = {"one": Tariff(feed_in + spread, feed_in), "dear": dear, "old": Tariff(feed_in + spread, 0.3)}
    names = list(tariffs)
    houses = tuple(House(f"H{number}", tariff=names[number % 3], key=1 / n_houses) for number in range(n_houses))
    grid = Grid(tariffs=tariffs, houses=houses)

    settled = settle(meters(grid, random_net(seed, 96, n_houses)), bounded_rules())

    for rule in settled.rules:
        assert settled.savings(rule).min() >= -1e-9, rule


@_SOME
@given(random_grids(), st.integers(0, 2**32 - 1))
def test_net_billing_at_the_feed_in_price_paid_out_in_full_is_the_utility_bill(grid: Grid, seed: int) -> None:
    source = meters(grid, random_net(seed, 96 * 3, len(grid.house_names)), datetime(2023, 5, 30, tzinfo=UTC))

    settled = settle(source, [NetBilling()])

    assert settled.savings("net_billing") == pytest.approx(np.zeros(len(grid.house_names)), abs=1e-9)


@given(st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=30), st.integers(0, 3))
def test_rounding_keeps_the_sum_and_moves_nobody_by_a_whole_unit(amounts: list[float], decimals: int) -> None:
    balanced = np.array([*amounts, -float(np.sum(amounts))])
    names = [f"n{number:02d}" for number in range(balanced.size)]

    rounded = round_balanced(balanced, names, decimals)

    assert int(rounded.sum()) == 0
    assert np.abs(rounded - balanced * 10**decimals).max() <= 1.0 + 1e-3
