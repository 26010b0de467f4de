"""Assets, sites and groups: read, and changed in the YAML that is their source."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request, Response

from afterbay.fleet.inventory import (
    add_asset,
    add_group,
    add_site,
    read_asset,
    read_group,
    read_site,
    remove_asset,
    remove_group,
    remove_site,
    replace_asset,
    replace_group,
    replace_site,
)
from afterbay.server.errors import documented
from afterbay.server.fleet.router.asking import Fleet
from afterbay.server.fleet.schemas import ASSET_EXAMPLE, GROUP_EXAMPLE, SITE_EXAMPLE, AssetOut, GroupOut, SiteOut
from afterbay.server.fleet.service import FleetService, with_id

__all__ = ["router"]

router = APIRouter(tags=["inventory"])
_ABSENT = documented(404)
_CHANGE = documented(400, 404, 409, 422)
_AssetIn = Annotated[
    dict[str, Any],
    Body(
        description="The keys of an asset in assets.yaml; without `id` it gets a new one",
        openapi_examples={"battery": {"value": ASSET_EXAMPLE}},
    ),
]
_SiteIn = Annotated[
    dict[str, Any],
    Body(description="The keys of a site in assets.yaml", openapi_examples={"site": {"value": SITE_EXAMPLE}}),
]
_GroupIn = Annotated[
    dict[str, Any],
    Body(description="The keys of a group in assets.yaml", openapi_examples={"group": {"value": GROUP_EXAMPLE}}),
]


@router.get("/assets")
async def list_assets(fleet: Fleet) -> list[AssetOut]:
    """List all assets, with their newest values."""
    inventory, latest = fleet.headend.inventory, fleet.latest()
    agents = {row.asset_id: row for row in fleet.headend.agents()}
    return [AssetOut.of(asset, inventory, latest.get(asset.id), agents[asset.id]) for asset in inventory.assets]


@router.get("/assets/{asset_id}", responses=_ABSENT)
async def get_asset(asset_id: str, fleet: Fleet) -> AssetOut:
    """Show one asset."""
    return _asset_out(fleet, fleet.asset(asset_id).id)


@router.post("/assets", status_code=201, responses=_CHANGE)
async def create_asset(body: _AssetIn, request: Request, response: Response, fleet: Fleet) -> AssetOut:
    """Add an asset: it is written to the YAML, and operated at once."""
    asset = read_asset(with_id(body))
    await fleet.editor.change(lambda inventory: add_asset(inventory, asset))
    response.headers["Location"] = f"{request.url.path}/{asset.id}"
    return _asset_out(fleet, asset.id)


@router.put("/assets/{asset_id}", responses=_CHANGE)
async def put_asset(asset_id: str, body: _AssetIn, fleet: Fleet) -> AssetOut:
    """Replace an asset."""
    asset = read_asset(with_id(body, fleet.asset(asset_id).id))
    await fleet.editor.change(lambda inventory: replace_asset(inventory, asset))
    return _asset_out(fleet, asset.id)


@router.delete("/assets/{asset_id}", status_code=204, responses=_CHANGE)
async def delete_asset(asset_id: str, fleet: Fleet) -> None:
    """Remove an asset; its history stays. One under a command is refused: nobody could end it afterwards."""
    known = fleet.asset(asset_id).id
    fleet.check_unordered(known)
    await fleet.editor.change(lambda inventory: remove_asset(inventory, known))


@router.get("/sites")
async def list_sites(fleet: Fleet) -> list[SiteOut]:
    """List all sites, with the sums of their assets."""
    return [SiteOut.of(fleet.site_sum(site)) for site in fleet.headend.inventory.sites]


@router.get("/sites/{site_id}", responses=_ABSENT)
async def get_site(site_id: str, fleet: Fleet) -> SiteOut:
    """Show one site."""
    return SiteOut.of(fleet.site_sum(fleet.site(site_id)))


@router.post("/sites", status_code=201, responses=_CHANGE)
async def create_site(body: _SiteIn, request: Request, response: Response, fleet: Fleet) -> SiteOut:
    """Add a site."""
    site = read_site(with_id(body))
    await fleet.editor.change(lambda inventory: add_site(inventory, site))
    response.headers["Location"] = f"{request.url.path}/{site.id}"
    return SiteOut.of(fleet.site_sum(site))


@router.put("/sites/{site_id}", responses=_CHANGE)
async def put_site(site_id: str, body: _SiteIn, fleet: Fleet) -> SiteOut:
    """Replace a site."""
    site = read_site(with_id(body, fleet.site(site_id).id))
    await fleet.editor.change(lambda inventory: replace_site(inventory, site))
    return SiteOut.of(fleet.site_sum(site))


@router.delete("/sites/{site_id}", status_code=204, responses=_CHANGE)
async def delete_site(site_id: str, fleet: Fleet) -> None:
    """Remove a site that has no assets any more."""
    known = fleet.site(site_id).id
    await fleet.editor.change(lambda inventory: remove_site(inventory, known))


@router.get("/groups")
async def list_groups(fleet: Fleet) -> list[GroupOut]:
    """List the groups of assets that are commanded together."""
    return [GroupOut.of(group) for group in fleet.headend.inventory.groups]


@router.get("/groups/{group_id}", responses=_ABSENT)
async def get_group(group_id: str, fleet: Fleet) -> GroupOut:
    """Show one group."""
    return GroupOut.of(fleet.group(group_id))


@router.post("/groups", status_code=201, responses=_CHANGE)
async def create_group(body: _GroupIn, request: Request, response: Response, fleet: Fleet) -> GroupOut:
    """Add a group."""
    group = read_group(with_id(body))
    await fleet.editor.change(lambda inventory: add_group(inventory, group))
    response.headers["Location"] = f"{request.url.path}/{group.id}"
    return GroupOut.of(group)


@router.put("/groups/{group_id}", responses=_CHANGE)
async def put_group(group_id: str, body: _GroupIn, fleet: Fleet) -> GroupOut:
    """Replace a group."""
    group = read_group(with_id(body, fleet.group(group_id).id))
    await fleet.editor.change(lambda inventory: replace_group(inventory, group))
    return GroupOut.of(group)


@router.delete("/groups/{group_id}", status_code=204, responses=_CHANGE)
async def delete_group(group_id: str, fleet: Fleet) -> None:
    """Remove a group; its assets stay."""
    known = fleet.group(group_id).id
    await fleet.editor.change(lambda inventory: remove_group(inventory, known))


def _asset_out(fleet: FleetService, asset_id: str) -> AssetOut:
    asset = fleet.asset(asset_id)
    sample, agent = fleet.headend.telemetry(asset.id), fleet.headend.agent(asset.id)
    return AssetOut.of(asset, fleet.headend.inventory, sample, agent)
