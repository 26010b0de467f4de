"""Who pays what: one physical run settled under any number of market and tariff rules, side by side."""

from afterbay.community.settlement.auction import Clearing, clear_book
from afterbay.community.settlement.auction_figures import Crossing, crossing, most_volume_kwh
from afterbay.community.settlement.auction_market import LocalMarket, MarketBlock
from afterbay.community.settlement.auction_pairs import Trades, match_pairs
from afterbay.community.settlement.bids import (
    BidLimits,
    BidPrices,
    BidStrategy,
    ByHour,
    FixedPrice,
    Margin,
    PerHouse,
    Truthful,
    ZeroIntelligence,
)
from afterbay.community.settlement.books import Books
from afterbay.community.settlement.community_rules import (
    BillSharing,
    CommunityPrice,
    FeePayer,
    MidMarketRate,
    SupplyDemandRatio,
    trade_at_one_price,
)
from afterbay.community.settlement.engine import settle
from afterbay.community.settlement.fairness import Fairness, fairness_of, gini
from afterbay.community.settlement.fee_chain import FeeChain, fee_chain
from afterbay.community.settlement.layout import LINES, STEP_ACCOUNTS, STEPS
from afterbay.community.settlement.meter_data import MeterData
from afterbay.community.settlement.named_rules import RULE_NAMES, named_rule, standard_rules
from afterbay.community.settlement.orders import Order, OrderBook, order_book
from afterbay.community.settlement.orders_file import OrderFile, read_orders
from afterbay.community.settlement.pricing import (
    mid_market_rate,
    order_mid_market_rate,
    order_supply_demand_price,
    pool_crossing_price,
    price_between,
    supply_demand_price,
    two_price_ratio,
)
from afterbay.community.settlement.rule import (
    Booking,
    PeriodBooking,
    PeriodRule,
    PeriodSums,
    SettlementRule,
    TradeBlock,
)
from afterbay.community.settlement.statement import Balance, Settlement, Statement
from afterbay.community.settlement.tables import bills_frame, days_frame, months_frame, steps_frame, totals_frame
from afterbay.community.settlement.utility_rules import FeedIn, NetBilling, NetMetering, UtilityOnly

__all__ = [
    "LINES",
    "RULE_NAMES",
    "STEPS",
    "STEP_ACCOUNTS",
    "Balance",
    "BidLimits",
    "BidPrices",
    "BidStrategy",
    "BillSharing",
    "Booking",
    "Books",
    "ByHour",
    "Clearing",
    "CommunityPrice",
    "Crossing",
    "Fairness",
    "FeeChain",
    "FeePayer",
    "FeedIn",
    "FixedPrice",
    "LocalMarket",
    "Margin",
    "MarketBlock",
    "MeterData",
    "MidMarketRate",
    "NetBilling",
    "NetMetering",
    "Order",
    "OrderBook",
    "OrderFile",
    "PerHouse",
    "PeriodBooking",
    "PeriodRule",
    "PeriodSums",
    "Settlement",
    "SettlementRule",
    "Statement",
    "SupplyDemandRatio",
    "TradeBlock",
    "Trades",
    "Truthful",
    "UtilityOnly",
    "ZeroIntelligence",
    "bills_frame",
    "clear_book",
    "crossing",
    "days_frame",
    "fairness_of",
    "fee_chain",
    "gini",
    "match_pairs",
    "mid_market_rate",
    "months_frame",
    "most_volume_kwh",
    "named_rule",
    "order_book",
    "order_mid_market_rate",
    "order_supply_demand_price",
    "pool_crossing_price",
    "price_between",
    "read_orders",
    "settle",
    "standard_rules",
    "steps_frame",
    "supply_demand_price",
    "totals_frame",
    "trade_at_one_price",
    "two_price_ratio",
]
