"""Credit that a house carries from one period into the next, oldest first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from afterbay.core.compiled import Floats

__all__ = ["Credit"]


@dataclass(frozen=True, slots=True, eq=False)
class Credit:
    """What houses have to their credit, by the period in which they earned it; kWh or money."""

    vintages: tuple[Floats, ...]
    """From the oldest period to the newest, shape (n_houses,) each."""

    @property
    def total(self) -> Floats:
        """All credit of each house, shape (n_houses,)."""
        return np.asarray(np.sum(self.vintages, axis=0))

    def add(self, earned: Floats) -> Credit:
        """Return the credit with that of one more period."""
        return Credit((*self.vintages, earned))

    def use(self, wanted: Floats) -> tuple[Floats, Credit]:
        """Draw on the oldest credit first.

        Returns:
            What was found, at most `wanted`, shape (n_houses,), and the credit that is left.
        """
        open_ = wanted.copy()
        left = []
        for vintage in self.vintages:
            taken = np.minimum(vintage, open_)
            open_ -= taken
            left.append(vintage - taken)
        return wanted - open_, Credit(tuple(left))

    def expire(self, periods: int | None) -> tuple[Floats, Credit]:
        """Take out what may not be carried on.

        Args:
            periods: How many later periods may still use a credit; None: all.

        Returns:
            What expired, shape (n_houses,), and the credit that is left.
        """
        keep = len(self.vintages) if periods is None else periods
        cut = max(len(self.vintages) - keep, 0)
        expired = np.sum(self.vintages[:cut], axis=0) if cut else np.zeros_like(self.vintages[-1])
        return expired, Credit(self.vintages[cut:] or (np.zeros_like(expired),))
