"""Who acts: the one record that every service takes, whichever way somebody signed in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from afterbay.core.errors import NotAllowedError

__all__ = ["SYSTEM", "Principal"]


@dataclass(frozen=True, slots=True)
class Principal:
    """A person, a token of a person, or the program itself."""

    id: UUID
    email: str
    name: str = ""
    is_admin: bool = False
    """Administrator of the platform: may do everything in every module."""
    permissions: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Actions that the roles of this user allow, by the module's id."""
    scopes: frozenset[str] | None = None
    """`module:action` pairs that a token is limited to; None: no limit."""
    address: str = ""
    """Network address of the request."""
    request_id: str = ""

    def may(self, module: str, action: str) -> bool:
        """Tell whether this principal may do something in a module.

        Args:
            module: Id of the module, such as `bess-sizing`.
            action: One of the manifest's permissions, such as `create`.
        """
        return self._has_role(module, action) and self._has_scope(module, action)

    def need(self, module: str, action: str) -> None:
        """Refuse unless this principal may do something in a module.

        Raises:
            NotAllowedError: If it may not.
        """
        # The role first: with a wider token such a user is no further.
        if not self._has_role(module, action):
            raise NotAllowedError(
                f"you may not {action} in {module} -> ask an administrator for a role that includes `{action}`"
            )
        if not self._has_scope(module, action):
            scope = f"{module}:{action}"
            raise NotAllowedError(f"this token may not {action} in {module} -> make one with the scope {scope}")

    def _has_role(self, module: str, action: str) -> bool:
        return self.is_admin or action in self.permissions.get(module, frozenset())

    def _has_scope(self, module: str, action: str) -> bool:
        return self.scopes is None or f"{module}:{action}" in self.scopes


SYSTEM: Final = Principal(UUID(int=0), "system", "afterbay", is_admin=True)
"""The program itself: schedules, clean-up, the first start."""
