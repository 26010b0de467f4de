"""Sharing rules: who is credited with whose surplus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

import numpy as np

from afterbay.community.sharing.fill_kernels import divide
from afterbay.community.sharing.layout import (
    CASCADE,
    EQUAL,
    ORDER,
    PRIORITY,
    PROPORTIONAL,
    STATIC,
    Plan,
)
from afterbay.core.errors import InvalidInputError, Problem

if TYPE_CHECKING:
    from afterbay.core.compiled import Floats, Indices

__all__ = ["SHARING_RULES", "Division", "Pool", "Scope", "Sharing", "SharingRule", "named_sharing"]

Division = Literal["proportional", "equal", "order", "priority", "static", "cascade"]
Scope = Literal["grid", "transformer", "house"]

_CODES: dict[str, int] = {
    "proportional": PROPORTIONAL,
    "equal": EQUAL,
    "order": ORDER,
    "priority": PRIORITY,
    "static": STATIC,
    "cascade": CASCADE,
}
_KEYED = ("static", "cascade")
_SCOPES = ("grid", "transformer", "house")


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Houses that meet at one bus in one step, with something to give and something missing among them."""

    node: int
    """Number of the bus in the tree."""
    houses: Indices
    """Numbers of the houses, shape (n,)."""
    offers_kwh: Floats
    """What each could bring to the bus [kWh], shape (n,)."""
    needs_kwh: Floats
    """What each would need at the bus [kWh]; a house never has both, shape (n,)."""
    classes: Indices
    """Place of each house in the priority list, 0 first, shape (n,)."""
    keys: Floats
    """Static share of each house, shape (n,)."""


@runtime_checkable
class SharingRule(Protocol):
    """Anything that divides a pool. A rule keeps no state, and can be a key of a dictionary.

    `level_by_level`: every bus shares before what is left goes up, with the losses between; else all
    houses share once at the top of the scope, meter to meter.
    """

    @property
    def name(self) -> str:
        """Its name in tables."""

    @property
    def scope(self) -> Scope:
        """How far energy is shared: the whole grid, the houses of one transformer, or not at all."""

    @property
    def level_by_level(self) -> bool:
        """Whether every bus shares before what is left goes up."""

    def share(self, pool: Pool) -> tuple[Floats, Floats]:
        """Return (given, received) at the bus, shape (n,) each.

        Their sums are equal, and nobody gives more than its offer or receives more than its need.
        """


@dataclass(frozen=True, slots=True)
class Sharing:
    """A built-in rule; it runs compiled.

    `buyers` divides what is there among those who need it, `sellers` the sale among those who have too
    much. "priority" goes class by class through the grid's priority list with the rule `within` inside a
    class; "order" follows the order of the houses; "static" and "cascade" use the houses' keys, once, meter
    to meter; with `once`, another rule does so too ("dynamic keys" is proportional to need, once).
    """

    buyers: Division = "proportional"
    within: Division = "proportional"
    """Inside a priority class: proportional, equal or order."""
    sellers: Division = "proportional"
    sellers_within: Division = "proportional"
    scope: Scope = "grid"
    once: bool = False

    def __post_init__(self) -> None:
        problems = [
            Problem(field, repr(getattr(self, field)), f"one of {', '.join(allowed)}", "choose one of them")
            for field, allowed in (
                ("buyers", tuple(_CODES)),
                ("within", ("proportional", "equal", "order")),
                ("sellers", ("proportional", "equal", "order", "priority")),
                ("sellers_within", ("proportional", "equal", "order")),
                ("scope", _SCOPES),
            )
            if getattr(self, field) not in allowed
        ]
        if problems:
            raise InvalidInputError(problems)

    @property
    def name(self) -> str:
        """Its name in tables, such as `priority (equal inside a class), sellers proportional, grid`."""
        if self.scope == "house":
            return "none"
        parts = [self.buyers + (" keys" if self.buyers in _KEYED else "")]
        if self.buyers == "priority":
            parts[0] += f" ({self.within} inside a class)"
        if self.sellers != "proportional":
            parts.append(f"sellers {self.sellers}")
        if self.scope != "grid":
            parts.append("inside each transformer")
        if self.once and self.buyers not in _KEYED:
            parts.append("once")
        return ", ".join(parts)

    @property
    def level_by_level(self) -> bool:
        """Whether every bus shares before what is left goes up."""
        return not (self.once or self.buyers in _KEYED)

    def share(self, pool: Pool) -> tuple[Floats, Floats]:
        """Divide one pool; runs do the same inside their kernel."""
        plan, count = self.plan, pool.houses.size
        given, received = np.zeros(count), np.zeros(count)
        supply, demand = float(pool.offers_kwh.sum()), float(pool.needs_kwh.sum())
        amount = min(supply, demand)
        if self.scope == "house" or amount <= 0.0:
            return given, received
        whole = supply if self.buyers in _KEYED else amount
        bought = divide(
            plan.buyers, plan.buyers_within, whole, pool.needs_kwh, received, 0, count, pool.classes, pool.keys
        )
        if bought > amount:
            received *= amount / bought
            bought = amount
        divide(plan.sellers, plan.sellers_within, bought, pool.offers_kwh, given, 0, count, pool.classes, pool.keys)
        return given, received

    @property
    def plan(self) -> Plan:
        """The rule as numbers for the kernel."""
        return Plan(
            buyers=_CODES[self.buyers],
            buyers_within=_CODES[self.within],
            sellers=_CODES[self.sellers],
            sellers_within=_CODES[self.sellers_within],
            level_by_level=self.level_by_level,
            whole_grid=self.scope == "grid",
        )


SHARING_RULES: dict[str, Sharing] = {
    "none": Sharing(scope="house"),
    "proportional": Sharing(),
    "equal": Sharing(buyers="equal"),
    "priority": Sharing(buyers="priority"),
    "static": Sharing(buyers="static"),
    "cascade": Sharing(buyers="cascade"),
    "dynamic": Sharing(once=True),
}
"""The rules by their everyday names."""


def named_sharing(name: str, *, scope: Scope = "grid") -> Sharing:
    """Return a built-in rule by its everyday name.

    Raises:
        InvalidInputError: If no rule has this name.
    """
    from dataclasses import replace

    rule = SHARING_RULES.get(name)
    if rule is None:
        raise InvalidInputError(Problem("rule", repr(name), f"one of {', '.join(SHARING_RULES)}", "choose one of them"))
    return rule if rule.scope == "house" else replace(rule, scope=scope)
