"""What becomes of a request: clamped to what may be, predicted to its end, or refused."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from afterbay.core.errors import ConflictError, InvalidInputError, OutOfRangeError, Problem
from afterbay.fleet.commands.foresight import foresee
from afterbay.fleet.commands.present import AssetNow, site_now
from afterbay.fleet.commands.request import check_form
from afterbay.fleet.commands.split import split_power
from afterbay.fleet.commands.target import find_target
from afterbay.fleet.commands.words import in_words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from afterbay.fleet.commands.present import SiteNow
    from afterbay.fleet.commands.request import CommandRequest
    from afterbay.fleet.commands.split import Split
    from afterbay.fleet.commands.target import Target
    from afterbay.fleet.inventory.records import Inventory
    from afterbay.fleet.messages import LimitedBy

__all__ = ["CheckedRequest", "check_request"]

_WORDS = {
    "soc_min": "empty",
    "soc_max": "full",
    "reserve": "down to its reserve",
    "fault": "in fault",
    "device": "limited by the device",
}


@dataclass(frozen=True, slots=True)
class CheckedRequest:
    """A request that may go out, and what is foreseen for it."""

    request: CommandRequest
    target: Target
    requested_mw: float
    mw: float
    """After clamping [MW]."""
    clamped: bool
    clamped_by: LimitedBy | None
    """What clamped it."""
    reason: str
    """In words; empty when nothing stands in the way."""
    ends_in_s: float | None
    """When less than this will be delivered [s]; None: it can be served to its end, as far as is known. Of a
    command without end: when the energy will be used up."""
    limited_by: LimitedBy | None
    """What ends it then: soc_min, reserve, soc_max, fault or device."""
    shortfall_mwh: float
    """Energy that will be missing at the end, as a positive number [MWh]."""
    offline: tuple[str, ...]
    """Assets that cannot be reached now; the command waits for them."""
    split: Split
    """Foreseen parts; of an asset's command its one part."""


def check_request(request: CommandRequest, inventory: Inventory, present: Mapping[str, AssetNow]) -> CheckedRequest:
    """Decide about a request.

    Args:
        request: What is asked for.
        inventory: All that is operated.
        present: What is known of each asset; an asset that is missing here is offline.

    Raises:
        InvalidInputError: If it is not well formed or nobody is named.
        NotFoundError: If whom it names is unknown; nothing moves then.
        OutOfRangeError: If it is strict and would be clamped, or its energy is not there.
        ConflictError: If an asset is offline and the request does not ask to wait for it.
    """
    check_form(request)
    target = find_target(
        inventory, asset_id=request.asset_id, site_id=request.site_id, group_id=request.group_id
    )  # fmt: skip
    if not target.assets:
        problem = Problem(target.kind, f"{target.id}, which has no assets", "one with assets", "add an asset to it")
        raise InvalidInputError(problem)
    now = tuple(present.get(asset.id) or AssetNow(asset, online=False) for asset in target.assets)
    offline = tuple(each.asset.id for each in now if not each.online)
    _check_reach(request, target, now, offline)
    # Who is waited for counts as if it were here: the command is meant for it as well.
    meant = tuple(replace(each, online=True) for each in now) if request.deliver_within_s is not None else now
    sites = _sites_of(target, inventory, present)
    nominal = split_power(float(request.mw), [_by_nameplate(each) for each in meant], sites=sites)
    clamped = nominal.shortfall_mw * request.mw > 0.0
    mw = nominal.allocated_mw if clamped else float(request.mw)
    clamped_by = _what_clamped(nominal) if clamped else None
    split = split_power(mw, meant, sites=sites)
    energy = foresee(mw, meant, sites, request.duration_s)
    ends_in_s, limited_by = energy.ends_in_s, energy.limited_by
    if limited_by is None and split.shortfall_mw * mw > 0.0:
        ends_in_s, limited_by = 0.0, _what_clamped(split)
    missing_mwh = energy.shortfall_mwh
    checked = CheckedRequest(
        request=request,
        target=target,
        requested_mw=float(request.mw),
        mw=mw,
        clamped=clamped,
        clamped_by=clamped_by,
        reason=_in_words(request, target, mw, clamped_by, ends_in_s, limited_by, missing_mwh),
        ends_in_s=ends_in_s,
        limited_by=limited_by,
        shortfall_mwh=missing_mwh,
        offline=offline,
        split=split,
    )
    _check_fallback(request, target)
    if request.strict:
        _refuse_what_falls_short(checked)
    return checked


def _check_reach(request: CommandRequest, target: Target, now: tuple[AssetNow, ...], offline: tuple[str, ...]) -> None:
    """Refuse a command that nobody would get."""
    if len(offline) < len(now) or request.deliver_within_s is not None:
        return
    who = (
        f"asset {target.assets[0].name} is"
        if target.kind == "asset"
        else f"all assets of {target.kind} {target.id} are"
    )
    raise ConflictError(f"offline: {who} out of reach -> try again later, or give deliver_within_s to queue it")


def _by_nameplate(now: AssetNow) -> AssetNow:
    """Return the asset as if nothing but its own limits bounded it."""
    return replace(now, soc_mwh=None, fault=False, available_charge_mw=None, available_discharge_mw=None)


def _sites_of(target: Target, inventory: Inventory, present: Mapping[str, AssetNow]) -> tuple[SiteNow, ...]:
    """Return the sites that the command touches, each with the power of whom it does not move.

    That power counts only where a connection has a limit; elsewhere nobody is asked for it.
    """
    meant = set(target.asset_ids)
    found = []
    for site_id in sorted({asset.site_id for asset in target.assets}):
        site = inventory.site(site_id)
        if site is None:
            continue
        bounded = site.export_limit_mw is not None or site.import_limit_mw is not None
        others = inventory.assets_of(site_id) if bounded else ()
        found.append(site_now(site, (present[one.id] for one in others if one.id not in meant and one.id in present)))
    return tuple(found)


def _what_clamped(split: Split) -> LimitedBy:
    """Return the widest reason: what bounds the site before what bounds one asset."""
    reasons = [part.reason for part in split.allocations if part.clamped]
    if "site_limit" in reasons:
        return "site_limit"
    return cast("LimitedBy", reasons[0]) if reasons else "p_limit"


def _check_fallback(request: CommandRequest, target: Target) -> None:
    low, high = _nameplate(target)
    if not low <= request.fallback_mw <= high:
        raise OutOfRangeError(
            Problem("fallback_mw", f"{request.fallback_mw:g} MW", f"{low:g}..{high:g} MW", "leave it out for 0")
        )


def _nameplate(target: Target) -> tuple[float, float]:
    return sum(asset.min_mw for asset in target.assets), sum(asset.max_mw for asset in target.assets)


def _refuse_what_falls_short(checked: CheckedRequest) -> None:
    """Refuse a strict request that would be clamped, or whose energy is not there."""
    request, low_high = checked.request, _nameplate(checked.target)
    if checked.clamped:
        allowed = (
            f"{low_high[0]:g}..{low_high[1]:g} MW (min_mw..max_mw of {checked.target.kind} {_name(checked.target)})"
        )
        if checked.clamped_by == "site_limit":
            allowed = f"up to {checked.mw:g} MW: the site's limit, with the power of its other assets"
        move = "ask for less, or leave strict out to have it clamped"
        raise OutOfRangeError(Problem("mw", f"{request.mw:g} MW", allowed, move))
    if checked.ends_in_s is not None and (request.duration_s is not None or checked.ends_in_s <= 0.0):
        long_s = 0.0 if request.duration_s is None else request.duration_s
        raise OutOfRangeError(
            Problem(
                "duration_s" if request.duration_s is not None else "mw",
                f"{request.mw:g} MW for {in_words(long_s)}" if long_s else f"{request.mw:g} MW",
                checked.reason,
                "ask for less or for a shorter time, or leave strict out",
            )
        )


def _name(target: Target) -> str:
    return target.assets[0].name if target.kind == "asset" else target.id


def _in_words(
    request: CommandRequest,
    target: Target,
    mw: float,
    clamped_by: LimitedBy | None,
    ends_in_s: float | None,
    limited_by: LimitedBy | None,
    missing_mwh: float,
) -> str:
    """Say what stands in the way; nothing when nothing does."""
    said = []
    if clamped_by is not None:
        what = "the site's limit" if clamped_by == "site_limit" else f"the limit of {target.kind} {_name(target)}"
        said.append(f"clamped from {request.mw:g} to {mw:g} MW by {what}")
    if ends_in_s is not None and limited_by is not None:
        what = _WORDS.get(limited_by, limited_by)
        said.append(f"{what} in {in_words(ends_in_s)}" if ends_in_s > 0.0 else f"{what} now")
    if missing_mwh > 0.0:
        said.append(f"{missing_mwh:.3g} MWh will be missing at the end")
    return "; ".join(said)
