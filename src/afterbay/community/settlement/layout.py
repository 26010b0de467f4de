"""Columns of a settlement's books, as numbers for the kernels and as names for the tables."""

from __future__ import annotations

from typing import Final

__all__ = ["DEFERRED", "ENERGY_LINES", "LINES", "MONEY_LINES", "STEPS", "STEP_ACCOUNTS"]

LINES: Final = (
    "utility_bought_kwh",
    "utility_sold_kwh",
    "community_bought_kwh",
    "community_sold_kwh",
    "utility_purchase",
    "utility_sale",
    "community_purchase",
    "community_sale",
    "network_fee",
    "tax",
    "fixed_fee",
)
"""Lines of a house's account: energy through its meter, >= 0, then money, + received and - paid."""
ENERGY_LINES: Final = LINES[:4]
MONEY_LINES: Final = LINES[4:]

STEPS: Final = (
    "utility_bought_kwh",
    "utility_sold_kwh",
    "community_bought_kwh",
    "community_sold_kwh",
    "turnover",
    "houses",
    "utility",
    "network",
    "state",
    "community_fund",
)
"""Columns of the books by step: energy of all houses, what buyers paid neighbours, then the accounts."""
STEP_ACCOUNTS: Final = STEPS[5:]

DEFERRED: Final = ("purchase", "network", "sale", "sold_at_retail", "tax")
"""What a rule that settles by period leaves open until the end of it."""

UTILITY_BOUGHT: Final = 0
UTILITY_SOLD: Final = 1
COMMUNITY_BOUGHT: Final = 2
COMMUNITY_SOLD: Final = 3
UTILITY_PURCHASE: Final = 4
UTILITY_SALE: Final = 5
COMMUNITY_PURCHASE: Final = 6
COMMUNITY_SALE: Final = 7
NETWORK_FEE: Final = 8
TAX: Final = 9
FIXED_FEE: Final = 10

STEP_UTILITY_BOUGHT: Final = 0
STEP_UTILITY_SOLD: Final = 1
STEP_COMMUNITY_BOUGHT: Final = 2
STEP_COMMUNITY_SOLD: Final = 3
STEP_TURNOVER: Final = 4
STEP_HOUSES: Final = 5
STEP_UTILITY: Final = 6
STEP_NETWORK: Final = 7
STEP_STATE: Final = 8
STEP_FUND: Final = 9

DEFERRED_PURCHASE: Final = 0
DEFERRED_NETWORK: Final = 1
DEFERRED_SALE: Final = 2
DEFERRED_SOLD_AT_RETAIL: Final = 3
DEFERRED_TAX: Final = 4
