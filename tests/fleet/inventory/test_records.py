"""The inventory is looked up as if it were read through, however it was made."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from afterbay.fleet.inventory.records import Asset, Group, Inventory, Site

_ids = st.sampled_from(["a", "b", "c", "d"])
_inventories = st.builds(
    Inventory,
    st.lists(st.builds(Site, _ids, st.text(max_size=2))).map(tuple),
    st.lists(st.builds(Asset, _ids, _ids, st.text(max_size=2))).map(tuple),
    st.lists(st.builds(Group, _ids, st.text(max_size=2), st.just(()))).map(tuple),
)


@given(_inventories, _ids)
def test_law_what_is_found_is_the_first_that_has_the_id(inventory: Inventory, wanted: str) -> None:
    assert inventory.site(wanted) is next((one for one in inventory.sites if one.id == wanted), None)
    assert inventory.asset(wanted) is next((one for one in inventory.assets if one.id == wanted), None)
    assert inventory.group(wanted) is next((one for one in inventory.groups if one.id == wanted), None)
    here = [asset for asset in inventory.assets if asset.site_id == wanted]
    assert inventory.assets_of(wanted) == tuple(sorted(here, key=lambda asset: asset.id))


@given(_inventories)
def test_a_changed_copy_finds_what_it_has_and_equal_ones_are_equal(inventory: Inventory) -> None:
    fewer = replace(inventory, assets=inventory.assets[:1])

    assert [fewer.asset(asset.id) for asset in fewer.assets] == list(fewer.assets)
    assert replace(inventory) == inventory
    assert hash(replace(inventory, assets=())) == hash(Inventory(inventory.sites, (), inventory.groups))
