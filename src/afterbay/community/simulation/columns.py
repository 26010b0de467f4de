"""The columns of the stored tables, in order; what a result can be asked for."""

from __future__ import annotations

from afterbay.community.step.layout import FLOWS, NODE_FLOWS

__all__ = ["DAILY_COLUMNS", "HOUSE_COLUMNS", "NODE_COLUMNS", "SHARE_COLUMNS", "level_columns"]

SHARE_COLUMNS = ("bought_kwh", "sold_kwh", "paid_kwh")
"""From and to neighbours on paper, and what of the sale arrived at the buyers."""

DAILY_COLUMNS = (*FLOWS, *SHARE_COLUMNS)
"""Of every house and local day."""

HOUSE_COLUMNS = DAILY_COLUMNS
"""Of every step of the houses whose series is kept."""

NODE_COLUMNS = (*NODE_FLOWS, "shared_kwh")
"""Of every step and node; `shared_kwh` is what was matched at its bus."""


def level_columns(levels: int) -> tuple[str, ...]:
    """Return the columns of what was bought and sold by the number of transformers crossed on one's own side."""
    return tuple(f"{side}_{level}_kwh" for side in ("bought", "sold") for level in range(levels))
