"""Settling: rules of one's own, what is refused, what the checks find, and compiled against plain Python."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from community_meters import Meters, meters, random_net
from community_settling import every_rule, trade_blocks

from afterbay.community.settlement import (
    Booking,
    MeterData,
    MidMarketRate,
    NetMetering,
    Settlement,
    TradeBlock,
    UtilityOnly,
    settle,
    settlement_kernels,
)
from afterbay.community.sharing import SHARING_RULES
from afterbay.community.step.meters import MeterBlock
from afterbay.community.topology.records import Grid, House, Transformer
from afterbay.community.topology.tariff import Tariff
from afterbay.core.errors import InvalidInputError, NotFoundError, PhysicsError
from plain_python import plain_copy

FLAT = Tariff(0.30, 0.10)
PAIR = Grid(tariffs={"all": FLAT}, houses=(House("A"), House("B")))


@dataclass(frozen=True)
class Auctioneer:
    """A rule of one's own: buyers pay 0.25, sellers get 0.15, the fund keeps the rest."""

    name: str = "auctioneer"
    budget_balanced: bool = False
    factor: float = 1.0
    buyers_factor: float = 1.0

    def book(self, block: TradeBlock) -> Booking:
        shared = block.shared(SHARING_RULES["proportional"])
        bought, sold = shared.bought_kwh * self.factor * self.buyers_factor, shared.sold_kwh * self.factor
        return Booking(bought, sold, bought * 0.25, sold * 0.15, np.zeros(bought.shape))


def test_a_rule_of_ones_own_states_its_surplus_in_the_fund() -> None:
    settled = settle(meters(PAIR, [[2.0, -2.0]]), [Auctioneer()])

    settled.check()
    assert settled.accounts("auctioneer")["community_fund"] == pytest.approx(2.0 * 0.10)
    assert settled.of("auctioneer").bills == pytest.approx([-0.30, 0.50])


def test_a_rule_that_promises_a_balanced_budget_and_breaks_it_is_found_out() -> None:
    settled = settle(meters(PAIR, [[2.0, -2.0]]), [Auctioneer(budget_balanced=True)])

    with pytest.raises(PhysicsError, match="auctioneer: budget in each step"):
        settled.check()


def test_a_rule_that_trades_more_than_the_meters_hold_is_refused() -> None:
    with pytest.raises(InvalidInputError, match=r"rule auctioneer: got 0\.2 kWh more"):
        settle(meters(PAIR, [[2.0, -2.0]]), [Auctioneer(factor=1.1)])
    with pytest.raises(InvalidInputError, match="auctioneer"):
        settle(meters(PAIR, [[2.0, -2.0]]), [Auctioneer(factor=-0.1)])
    with pytest.raises(InvalidInputError, match=r"rule auctioneer: got 1 kWh more"):
        settle(meters(PAIR, [[2.0, -2.0]]), [Auctioneer(buyers_factor=1.5)])
    with pytest.raises(InvalidInputError, match="an amount that is not finite"):
        settle(meters(PAIR, [[2.0, -2.0]]), [Auctioneer(factor=float("nan"))])


@dataclass(frozen=True)
class Misfit:
    name: str = "misfit"
    budget_balanced: bool = True
    period: str = "month"

    def book(self, block: TradeBlock) -> Booking:
        none = np.zeros(3)
        return Booking(none, none, none, none, none)


def test_a_rule_with_arrays_of_another_shape_is_refused() -> None:
    with pytest.raises(InvalidInputError, match=r"misfit.book\(\).bought_kwh: got shape \(3,\)"):
        settle(meters(PAIR, [[2.0, -2.0]]), [Misfit()])


def test_names_of_rules_are_their_own_and_objects_that_are_no_rules_are_refused() -> None:
    source = meters(PAIR, [[2.0, -2.0]])

    with pytest.raises(InvalidInputError, match="a name of its own"):
        settle(source, [NetMetering(), NetMetering(fixed_charge=3.0)])
    with pytest.raises(InvalidInputError, match=r"rules\[1\]: got str"):
        settle(source, ["mid_market_rate"])  # type: ignore[list-item]


def test_any_rule_can_be_the_one_before() -> None:
    source = meters(PAIR, [[2.0, -2.0]])
    shared = MidMarketRate(SHARING_RULES["proportional"])

    settled = settle(source, [shared, UtilityOnly()], before=shared)

    assert settled.rules == ("mid_market_rate", "utility_only")
    assert settled.savings("mid_market_rate").tolist() == [0.0, 0.0]
    assert settled.savings("utility_only") == pytest.approx([-0.20, -0.20])


def test_grids_without_tariffs_or_with_unknown_ones_are_refused_with_all_problems() -> None:
    bare = Grid(houses=(House("A"),))
    odd = Grid(
        tariffs={"all": replace(FLAT, network_share=1.5, local_tax_share=-1.0)}, houses=(House("A", tariff="gone"),)
    )

    with pytest.raises(InvalidInputError, match="at least one tariff"):
        settle(meters(bare, [[1.0]]), [])
    with pytest.raises(InvalidInputError) as caught:
        settle(meters(odd, [[1.0]]), [])
    wheres = {one.where for one in caught.value.problems}
    assert wheres == {"A.tariff", "tariffs.all.network_share", "tariffs.all.local_tax_share"}


def test_meters_that_are_not_finite_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="meters: got a number that is not finite"):
        settle(meters(PAIR, [[float("nan"), -2.0]]), [])


@dataclass(frozen=True)
class Broken(Meters):
    """A source that forgets a block, or gives one twice."""

    order: tuple[int, ...] = (0, 2)

    def blocks(self) -> Iterator[MeterBlock]:
        blocks = list(super().blocks())
        return iter([blocks[place] for place in self.order])


@pytest.mark.parametrize("order", [(0, 2), (0, 0, 1, 2), (0, 1), ()])
def test_blocks_that_are_missing_or_come_twice_are_refused(order: tuple[int, ...]) -> None:
    whole = meters(PAIR, random_net(1, 288, 2))
    source = Broken(whole.grid, whole.net_kwh, whole.timeline, 96, order)

    with pytest.raises(InvalidInputError, match="meters"):
        settle(source, [])


def test_a_run_without_steps_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="at least one step"):
        settle(meters(PAIR, np.zeros((0, 2))), [])


def test_progress_counts_every_day_once() -> None:
    seen: list[tuple[int, int]] = []

    settle(meters(PAIR, random_net(1, 250, 2)), [], progress=lambda done, of: seen.append((done, of)))

    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_the_caller_can_stop_a_settlement_from_its_progress() -> None:
    def stop(done: int, of: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        settle(meters(PAIR, random_net(1, 96 * 20, 2)), [], progress=stop)


def test_the_checks_see_a_cent_that_is_missing() -> None:
    settled = settle(meters(PAIR, random_net(1, 96, 2)), [])
    books = settled.of("utility_only")
    steps = books.steps.copy()
    steps[7, 6] += 0.01

    spoilt = replace(settled, books={"utility_only": replace(books, steps=steps)})

    with pytest.raises(PhysicsError, match=r"money in each step is off by 0\.01 .*2023-05-01T01:45"):
        spoilt.check()


def test_the_checks_see_energy_that_is_missing_and_lines_that_differ() -> None:
    settled = settle(meters(PAIR, random_net(1, 96, 2)), [])
    books = settled.of("utility_only")
    months = books.months.copy()
    months[0, 5, 0] += 0.5

    spoilt = replace(settled, net_kwh=settled.net_kwh + 1e-6, books={"utility_only": replace(books, months=months)})

    broken = {balance.law for balance in spoilt.balances() if not balance.holds}
    assert broken == {"energy in each step", "lines of the houses against the steps"}


def test_houses_and_rules_that_do_not_exist_are_not_found() -> None:
    settled = settle(meters(PAIR, [[1.0, -1.0]]), [])

    with pytest.raises(NotFoundError, match="'auction' was not settled; there are: utility_only"):
        settled.of("auction")
    with pytest.raises(NotFoundError, match="'H-9'"):
        settled.statement("H-9", "utility_only")


def test_compiled_and_plain_python_give_the_same_bits() -> None:
    grid = Grid(
        tariffs={
            "a": Tariff(0.3, 0.08, 0.19, 0.02, 9.0, network_share=0.4, local_network_reduction=0.5),
            "b": Tariff(0.25, 0.31),
        },
        transformers=(
            Transformer("T1", fee_per_kwh=0.01, fee_fraction=0.02, houses=(House("A", "b"), House("B", tariff="b"))),
            Transformer("T2", backward_efficiency=0.9, houses=(House("C", tariff="a"), House("D", key=1.0))),
        ),
    )
    source = meters(grid, random_net(3, 60, 4), datetime(2024, 2, 28, tzinfo=UTC))
    compiled = settle(source, every_rule())

    plain = _settle_in_plain_python(source)

    for rule in compiled.rules:
        assert compiled.of(rule).steps.tobytes() == plain.of(rule).steps.tobytes()
        assert compiled.of(rule).months.tobytes() == plain.of(rule).months.tobytes()


def _settle_in_plain_python(source: Meters) -> Settlement:
    copy: Any = plain_copy("afterbay.community.settlement.settlement_kernels")
    names = ("book_day", "leave_out_unwilling", "price_windows", "trade_at_price")
    with pytest.MonkeyPatch.context() as patch:
        for name in names:
            patch.setattr(settlement_kernels, name, getattr(copy, name))
        return settle(source, every_rule())


def test_a_day_offers_prices_by_house_and_shares_once() -> None:
    block = next(trade_blocks(meters(PAIR, [[2.0, -2.0]])))

    assert block.retail_per_kwh.tolist() == [[0.30, 0.30]]
    assert block.local_retail_per_kwh.tolist() == [[0.30, 0.30]]
    assert block.feed_in_per_kwh.tolist() == [[0.10, 0.10]]
    rule = SHARING_RULES["proportional"]
    assert block.shared(rule) is block.shared(rule)
    assert block.shared_willingly(rule) is block.shared(rule)
    assert (block.n_steps, block.n_houses) == (1, 2)


def test_measured_meters_settle_without_a_simulation_and_stay_writeable() -> None:
    net = random_net(2, 100, 2)
    known = meters(PAIR, net.copy())

    source = MeterData(PAIR, known.timeline, net)

    assert settle(source, []).of("utility_only").steps.tobytes() == settle(known, []).of("utility_only").steps.tobytes()
    assert net.flags.writeable
    assert not source.net_kwh.flags.writeable
    with pytest.raises(InvalidInputError, match=r"shape \(99, 2\), allowed: finite kWh, shape \(100, 2\)"):
        MeterData(PAIR, known.timeline, net[:99])
    with pytest.raises(InvalidInputError, match="not finite"):
        MeterData(PAIR, known.timeline, np.full((100, 2), np.inf))
