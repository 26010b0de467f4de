"""Changes of what is operated: into the YAML first, which is the source, then into the running headend."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from afterbay.core.errors import InvalidInputError, Problem
from afterbay.fleet.inventory import read_inventory, write_inventory

if TYPE_CHECKING:
    from collections.abc import Mapping

    from afterbay.fleet.headend import Headend
    from afterbay.fleet.inventory import Inventory

__all__ = ["Editor", "with_id"]


class Editor:
    """Changes the inventory, one change at a time."""

    def __init__(
        self,
        headend: Headend,
        path: Path,
        *,
        told: tuple[Callable[[Inventory], Awaitable[None]], ...] = (),
    ) -> None:
        """Prepare.

        Args:
            headend: Operates the inventory.
            path: The YAML; made with the first change when it does not exist.
            told: Who else hears of a change, after the file is written.
        """
        self._headend = headend
        self._path = path
        self._told = told
        self._turn = asyncio.Lock()

    async def change(self, edit: Callable[[Inventory], Inventory]) -> Inventory:
        """Change the inventory and return it.

        Raises:
            InvalidInputError, NotFoundError, ConflictError: As the edit; nothing is changed then.
        """
        async with self._turn:
            # Read again, so that a change that somebody made by hand is not undone.
            current = await asyncio.to_thread(read_inventory, self._path) if self._path.exists() else None
            changed = edit(current or self._headend.inventory)
            await asyncio.to_thread(write_inventory, self._path, changed)
            self._headend.replace_inventory(changed)
            for told in self._told:
                await told(changed)
            return changed


def with_id(values: Mapping[str, object], identity: str | None = None) -> dict[str, object]:
    """Return the keys of an entry with its id: the one in the path, its own, or a new one.

    Raises:
        InvalidInputError: If the body names another id than the path.
    """
    given = values.get("id")
    if identity is not None and given is not None and str(given).lower() != identity.lower():
        raise InvalidInputError(Problem("id", str(given)[:100], identity, "leave it out, or use the path of that id"))
    return {**values, "id": identity or given or str(uuid4())}
