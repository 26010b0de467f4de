"""Who may do what: the role and the token both have to allow it."""

from __future__ import annotations

from uuid import UUID

import pytest

from afterbay.core.errors import NotAllowedError
from afterbay.server.principal import Principal

READS = {"bess-sizing": frozenset({"read"})}


def _principal(scopes: frozenset[str] | None, *, is_admin: bool = False) -> Principal:
    return Principal(UUID(int=1), "ada@example.org", is_admin=is_admin, permissions=READS, scopes=scopes)


@pytest.mark.parametrize("scopes", [None, frozenset({"bess-sizing:read"}), frozenset({"bess-sizing:create"})])
def test_who_has_no_role_for_it_hears_of_the_role_whatever_the_token_may(scopes: frozenset[str] | None) -> None:
    principal = _principal(scopes)

    assert not principal.may("bess-sizing", "create")
    with pytest.raises(NotAllowedError, match="a role that includes `create`"):
        principal.need("bess-sizing", "create")


@pytest.mark.parametrize("is_admin", [False, True])
def test_a_narrow_token_is_told_the_scope_it_lacks(is_admin: bool) -> None:
    principal = _principal(frozenset({"bess-sizing:create"}), is_admin=is_admin)

    assert not principal.may("bess-sizing", "read")
    with pytest.raises(NotAllowedError, match="make one with the scope bess-sizing:read"):
        principal.need("bess-sizing", "read")


def test_role_and_scope_together_allow() -> None:
    principal = _principal(frozenset({"bess-sizing:read"}))
    assert principal.may("bess-sizing", "read")
    principal.need("bess-sizing", "read")
