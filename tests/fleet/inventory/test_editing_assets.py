"""Edits return a new inventory, keep the order, and refuse what would leave it broken."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fleet_plant import SITE, battery, identity

from afterbay.core.errors import ConflictError, InvalidInputError, NotFoundError
from afterbay.fleet.inventory import (
    Group,
    Inventory,
    Site,
    add_asset,
    add_group,
    add_site,
    remove_asset,
    remove_group,
    remove_site,
    replace_asset,
    replace_group,
    replace_site,
)

_ONE, _TWO = battery("B-1"), battery("B-2")
_GROUP = Group(identity("group"), "Both", (_ONE.id, _TWO.id))
_INVENTORY = Inventory((SITE,), (_ONE, _TWO), (_GROUP,))


def test_added_records_stand_at_the_end() -> None:
    site, asset = Site(identity("site"), "Mill Lane"), battery("B-3")
    group = Group(identity("other"), "One", (_ONE.id,))

    inventory = add_group(add_asset(add_site(_INVENTORY, site), asset), group)

    assert (inventory.sites[-1], inventory.assets[-1], inventory.groups[-1]) == (site, asset, group)
    assert Inventory((SITE,), (_ONE, _TWO), (_GROUP,)) == _INVENTORY


def test_replaced_records_keep_their_place() -> None:
    inventory = replace_asset(_INVENTORY, replace(_ONE, max_mw=45.0))
    inventory = replace_site(inventory, replace(SITE, name="South Quay"))
    inventory = replace_group(inventory, replace(_GROUP, name="Pair"))

    assert [asset.max_mw for asset in inventory.assets] == [45.0, 60.0]
    assert (inventory.sites[0].name, inventory.groups[0].name) == ("South Quay", "Pair")


def test_a_removed_asset_leaves_its_groups() -> None:
    inventory = remove_asset(_INVENTORY, _ONE.id)

    assert inventory.assets == (_TWO,)
    assert inventory.groups[0].asset_ids == (_TWO.id,)
    with pytest.raises(ConflictError, match="remove the group first"):
        remove_asset(inventory, _TWO.id)
    assert remove_asset(remove_group(inventory, _GROUP.id), _TWO.id).assets == ()


def test_a_site_with_assets_stays() -> None:
    with pytest.raises(ConflictError, match="2 assets"):
        remove_site(_INVENTORY, SITE.id)
    assert remove_site(Inventory((SITE,)), SITE.id).sites == ()


def test_ids_are_unique_and_known() -> None:
    with pytest.raises(ConflictError):
        add_asset(_INVENTORY, replace(_ONE, name="another"))
    with pytest.raises(InvalidInputError, match="every id once"):
        add_site(_INVENTORY, Site(_ONE.id, "Mill Lane"))
    with pytest.raises(NotFoundError):
        replace_asset(_INVENTORY, battery("B-9"))
    with pytest.raises(NotFoundError):
        remove_asset(_INVENTORY, identity("B-9"))
    with pytest.raises(NotFoundError):
        replace_site(_INVENTORY, Site(identity("x"), "X"))
    with pytest.raises(NotFoundError):
        remove_site(_INVENTORY, identity("x"))
    with pytest.raises(NotFoundError):
        remove_group(_INVENTORY, identity("x"))


def test_an_edit_that_breaks_a_rule_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="site_id"):
        add_asset(_INVENTORY, battery("B-3", site_id=identity("nowhere")))
    with pytest.raises(InvalidInputError, match="max_mw"):
        replace_asset(_INVENTORY, replace(_ONE, max_mw=float("nan")))
    with pytest.raises(InvalidInputError, match="asset_ids"):
        add_group(_INVENTORY, Group(identity("other"), "None", (identity("nothing"),)))
