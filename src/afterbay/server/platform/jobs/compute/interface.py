"""What whoever has heavy work may ask for, wherever it is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["MOST_DEATHS", "Chunk", "Compute", "Result"]

Chunk = TypeVar("Chunk")
Result = TypeVar("Result")

MOST_DEATHS = 3
"""A chunk whose process died this often kills processes, and is given up."""


class Compute(Protocol):
    """A place where functions run; which one it is makes no difference to a single bit of the results."""

    @property
    def label(self) -> str:
        """What it is, as it may be logged."""
        ...

    def map(
        self,
        function: Callable[[Chunk], Result],
        chunks: Sequence[Chunk],
        *,
        on_done: Callable[[int, Result], None] | None = None,
        check: Callable[[], None] | None = None,
    ) -> list[Result]:
        """Return `function(chunk)` of every chunk, in the order of the chunks.

        The work of a process or machine that dies is done again elsewhere. Chunks are worth sending away when one
        takes 0.1 s or longer.

        Args:
            function: A function of a module (not a lambda, not nested), so that other processes can import it; pure.
            chunks: What it is called with; must be picklable.
            on_done: Called in the calling thread with index and result of each chunk, once, as they are finished.
            check: Called often in the calling thread; what it raises stops the work.

        Raises:
            UnavailableError: If a chunk's process died every time it was tried, or the cluster does not answer.
        """
        ...

    def close(self) -> None:
        """End the processes; a later call begins anew."""
        ...
