"""A finished run: what it was made of, and its numbers, wherever they are kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from afterbay.community.simulation.columns import DAILY_COLUMNS, HOUSE_COLUMNS, NODE_COLUMNS
from afterbay.community.step import MeterBlock
from afterbay.core.errors import InvalidInputError, NotFoundError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from afterbay.community.sharing import SharingRule
    from afterbay.community.simulation.horizon import LocalDays
    from afterbay.community.simulation.scenario import Scenario
    from afterbay.community.step import TreeArrays
    from afterbay.community.topology import Grid
    from afterbay.core.compiled import Floats
    from afterbay.core.timeline import Timeline

__all__ = ["CommunityRun", "Results"]


class Results(Protocol):
    """Where the tables of a run are kept."""

    def daily(self, column: str) -> Floats: ...  # noqa: D102
    def levels(self, side: str) -> Floats: ...  # noqa: D102
    def nodes(self, column: str) -> Floats: ...  # noqa: D102
    def series(self, column: str) -> Floats: ...  # noqa: D102
    def meters(self) -> Iterator[MeterBlock] | None: ...  # noqa: D102


@dataclass(frozen=True, slots=True, eq=False)
class CommunityRun:
    """One physical run of a community. Energy is in kWh per step or day; + leaves the house."""

    grid: Grid
    tree: TreeArrays
    timeline: Timeline
    days: LocalDays
    scenario: Scenario
    sharing: SharingRule | None
    """The sharing rule, or None when the run was opened from a folder and the rule was one's own."""
    chosen: tuple[str, ...]
    """Houses whose full series is kept."""
    _results: Results = field(repr=False)
    _again: Callable[[], Iterator[MeterBlock]] | None = field(default=None, repr=False)

    def daily(self, column: str) -> Floats:
        """Return a sum of every local day and house [kWh], shape (days, n_houses).

        Args:
            column: One of `DAILY_COLUMNS`; `stored_kwh` is the energy in the batteries at the end of the day.
        """
        return self._results.daily(_known(column, DAILY_COLUMNS))

    def levels(self, side: str) -> Floats:
        """Return what was `bought` or `sold` by transformers crossed [kWh], shape (days, levels, n_houses)."""
        return self._results.levels(_known(side, ("bought", "sold")))

    def nodes(self, column: str) -> Floats:
        """Return a flow of every step and node [kWh], shape (n_steps, n_nodes); one of `NODE_COLUMNS`."""
        return self._results.nodes(_known(column, NODE_COLUMNS))

    def series(self, house: str, column: str) -> Floats:
        """Return a flow of a chosen house in every step [kWh], shape (n_steps,); one of `HOUSE_COLUMNS`.

        Raises:
            NotFoundError: If the series of this house was not kept.
        """
        if house not in self.chosen:
            known = "unknown" if house not in self.tree.house_names else "not kept"
            raise NotFoundError(f"house {house!r}: its series is {known} -> run again with series=({house!r},)")
        return self._results.series(_known(column, HOUSE_COLUMNS))[:, self.chosen.index(house)]

    def blocks(self) -> Iterator[MeterBlock]:
        """Walk the meters of the run; what was not kept is run again, with the same bits.

        Raises:
            InvalidInputError: If the meters were not kept and the profiles are not at hand.
        """
        kept = self._results.meters()
        if kept is not None:
            return kept
        if self._again is None:
            raise InvalidInputError(
                Problem("run", "meters that were not kept, and no profiles", "one of the two",
                        "open it with profiles=..., or run with keep_meters=True")
            )  # fmt: skip
        return self._again()

    def to_dict(self) -> dict[str, Any]:
        """Return what the run is made of, for JSON."""
        return {
            **self.scenario.to_dict(),
            "digest": self.scenario.digest,
            "inputs_digest": self.scenario.inputs_digest,
            "chosen": list(self.chosen),
        }


def _known(name: str, names: Sequence[str]) -> str:
    if name not in names:
        raise InvalidInputError(Problem("column", repr(name), f"one of {', '.join(names)}", "choose one of them"))
    return name
