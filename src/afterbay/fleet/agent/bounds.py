"""What no command may do, whatever it says: use up a reserve, or overload the connection of a site."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from afterbay.fleet.commands.present import power_range

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from afterbay.fleet.commands.present import AssetNow
    from afterbay.fleet.inventory.records import Site
    from afterbay.fleet.messages import LimitedBy

__all__ = ["hold_within"]


def hold_within(
    targets: Mapping[str, float], present: Mapping[str, AssetNow], sites: Iterable[Site], *, over_s: float
) -> tuple[dict[str, float], dict[str, LimitedBy]]:
    """Return the targets that may be, and why those that were cut were cut.

    Args:
        targets: Power that each commanded asset is to have [MW].
        present: All assets of the agent; those without a target count with the power they have.
        sites: Connections with their limits.
        over_s: Time for which a reserve must last, one tick [s].
    """
    held = dict(targets)
    reasons: dict[str, LimitedBy] = {}
    for asset_id, mw in targets.items():
        now = present[asset_id]
        if mw > 0.0 and now.asset.reserve_soc_pct is not None:
            limits = power_range(now, over_s=over_s)
            if limits.high_reason == "reserve" and limits.high_mw < mw:
                held[asset_id] = limits.high_mw
                reasons[asset_id] = "reserve"
    for site in sites:
        for limit, sign in ((site.export_limit_mw, 1.0), (site.import_limit_mw, -1.0)):
            if limit is not None:
                _hold_site(site, limit, sign, held, present, reasons)
    return held, reasons


def _hold_site(
    site: Site,
    limit_mw: float,
    sign: float,
    held: dict[str, float],
    present: Mapping[str, AssetNow],
    reasons: dict[str, LimitedBy],
) -> None:
    """Cut the commanded assets of a site in proportion until the connection carries all of them."""
    here = [asset_id for asset_id, now in present.items() if now.asset.site_id == site.id]
    flows = {asset_id: sign * held.get(asset_id, present[asset_id].mw) for asset_id in here}
    excess = math.fsum(flows.values()) - limit_mw
    movable = [asset_id for asset_id in here if asset_id in held and flows[asset_id] > 0.0]
    total = math.fsum(flows[asset_id] for asset_id in movable)
    if excess <= 1e-9 * max(limit_mw, 1.0) or total <= 0.0:
        return
    keep = max(1.0 - excess / total, 0.0)
    for asset_id in movable:
        held[asset_id] *= keep
        reasons[asset_id] = "site_limit"
