"""Decides about the fleet on the server: where answers come from, what may be changed, and in which order.

`Database` is in `service.history`, which needs SQLAlchemy; nothing else here does.
"""

from afterbay.server.fleet.service.editing import Editor, with_id
from afterbay.server.fleet.service.fleet import FleetHealth, FleetService, KeeperStatus
from afterbay.server.fleet.service.span import Span
from afterbay.server.fleet.service.sums import SiteSum, site_sum

__all__ = ["Editor", "FleetHealth", "FleetService", "KeeperStatus", "SiteSum", "Span", "site_sum", "with_id"]
