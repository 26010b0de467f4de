"""Every settlement rule at once, and the day of a run as a rule sees it."""

from __future__ import annotations

from collections.abc import Iterator

from community_meters import Meters

from afterbay.community.settlement import (
    BillSharing,
    CommunityPrice,
    FeedIn,
    MidMarketRate,
    NetBilling,
    NetMetering,
    SettlementRule,
    SupplyDemandRatio,
    TradeBlock,
)
from afterbay.community.settlement.auction_market import LocalMarket
from afterbay.community.settlement.bids import Margin
from afterbay.community.settlement.calendar import run_calendar, whole_days
from afterbay.community.settlement.prices import meter_prices
from afterbay.community.sharing import SHARING_RULES, Sharing

__all__ = ["bounded_rules", "every_rule", "trade_blocks"]


def bounded_rules() -> list[SettlementRule]:
    """Return every rule that promises prices between feed-in and retail."""
    shared = SHARING_RULES
    return [
        MidMarketRate(shared["proportional"]),
        MidMarketRate(Sharing(scope="transformer"), name="mid_market_at_each_bus"),
        SupplyDemandRatio(shared["proportional"], fees="buyer"),
        SupplyDemandRatio(shared["equal"], 0.5, fees="split", name="supply_demand_compensated"),
        SupplyDemandRatio(Sharing(scope="transformer"), name="supply_demand_at_each_bus"),
        CommunityPrice(shared["static"], 0.3, name="static_keys"),
        CommunityPrice(shared["cascade"], 1.0, fees="seller", name="cascading_keys"),
        CommunityPrice(shared["dynamic"], 0.0, network_fee_to="seller", name="dynamic_keys"),
        CommunityPrice(shared["priority"], per_kwh=0.15, name="fixed_price_by_priority"),
    ]


def every_rule() -> list[SettlementRule]:
    """Return rules of every kind, with every option in play."""
    shared = SHARING_RULES["proportional"]
    return [
        FeedIn(0.11),
        NetMetering(cash_out_per_kwh=0.05, fixed_charge=4.0),
        NetMetering(period="year", carry_over_periods=0, cash_out_at_end=False, name="net_metering_by_year"),
        NetBilling(),
        NetBilling(
            export_share_of_retail=1.0,
            carry_over_periods=1,
            true_up_month=5,
            cash_out_fraction=0.4,
            name="net_billing_2",
        ),
        BillSharing(shared),
        BillSharing(shared, period="run", fees="split", name="bill_sharing_by_run"),
        CommunityPrice(shared, per_kwh=0.9, within_bounds=False, name="dear_price"),
        LocalMarket(price_rule="midpoint"),
        LocalMarket(pricing="pay_as_bid", scope="hierarchical", bids=Margin(0.2, 0.1)),
        LocalMarket(pricing="pay_as_offer", scope="transformer", network_charge=False),
        LocalMarket(pricing="trade_reduction", fees=False),
        *bounded_rules(),
    ]


def trade_blocks(source: Meters) -> Iterator[TradeBlock]:
    """Walk the days of a run as rules see them."""
    calendar = run_calendar(source.timeline, source.grid.time_zone)
    prices = meter_prices(source.grid, source.timeline, calendar)
    tree = source.tree
    for day, net in whole_days(source.blocks(), calendar, tree.n_houses):
        first, end = int(calendar.first_step[day]), int(calendar.first_step[day + 1])
        yield TradeBlock(tree, first, source.timeline.dt_h, net, prices.day(first, end))
