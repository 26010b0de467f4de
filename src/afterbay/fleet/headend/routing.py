"""Where a command goes: which stream gets which lease, so that together they ask for what was asked, once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from afterbay.fleet.headend.stream import Stream
from afterbay.fleet.messages import Lease

__all__ = ["Route", "find_routes"]


@dataclass(frozen=True, slots=True)
class Route:
    """A lease for a stream, and the assets that it means there."""

    stream: Stream
    lease: Lease
    asset_ids: tuple[str, ...]


def find_routes(
    lease: Lease,
    asset_ids: Iterable[str],
    *,
    all_ids: Iterable[str],
    server_of: Callable[[str], Stream | None],
    shares: Mapping[str, float],
) -> tuple[Route, ...]:
    """Return the leases to send, in the order of the assets.

    One gateway that serves everything a site's or group's lease means gets it whole and splits it itself. Several
    gateways get their shares, with the assets that are meant named. An agent of the original knows neither shares
    nor members: it gets a site's lease whole if it serves the whole site alone, else one lease per asset.

    Args:
        lease: Of the command as a whole.
        asset_ids: Assets that are to get it now; those that nobody serves are left out.
        all_ids: All assets that the command means, also those that are not told.
        server_of: The stream that serves an asset.
        shares: Power of each asset by the headend's own split [MW].
    """
    members: dict[Stream, list[str]] = {}
    for asset_id in asset_ids:
        stream = server_of(asset_id)
        if stream is not None:
            members.setdefault(stream, []).append(asset_id)
    if lease.asset_id is not None:
        return tuple(Route(stream, lease, tuple(ids)) for stream, ids in members.items())
    meant = frozenset(all_ids)
    routes: list[Route] = []
    for stream, ids in members.items():
        whole = meant == frozenset(ids)
        if stream.protocol == 0 and not (whole and lease.group_id is None and len(ids) > 1 and not lease.cancel):
            routes += (Route(stream, _for_asset(lease, asset_id, shares), (asset_id,)) for asset_id in ids)
        elif whole:
            routes.append(Route(stream, replace(lease, members=tuple(ids)), tuple(ids)))
        else:
            power = lease.mw if lease.cancel else sum(shares.get(asset_id, 0.0) for asset_id in ids)
            routes.append(Route(stream, replace(lease, mw=power, members=tuple(ids)), tuple(ids)))
    return tuple(routes)


def _for_asset(lease: Lease, asset_id: str, shares: Mapping[str, float]) -> Lease:
    power = lease.mw if lease.cancel else shares.get(asset_id, 0.0)
    return replace(lease, asset_id=asset_id, site_id=None, group_id=None, members=(), mw=power)
