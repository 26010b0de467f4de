"""Tell a site of a running headend a power, and follow it: the tutorial in Python.

It only shows what would be done; `python examples/dispatch_a_site.py --send` does it. Without a headend
(AFTERBAY_URL, or this machine's port 3001) it shows what the fleet's own rules would do.
"""

import sys

from afterbay.client import connect
from afterbay.core.errors import MissingExtraError, UnavailableError
from afterbay.fleet.commands import AssetNow, split_power
from afterbay.fleet.inventory import default_inventory

SITE, MW = "Mill Lane", 20.0

try:
    with connect() as client:
        site = client.fleet.site(SITE)
        print(site.preview(MW, for_="15min"))
        if "--send" in sys.argv:
            command = site.dispatch(MW, for_="15min", note="evening peak")
            print(f"{command.wait('delivered').outcome}: {command.id}")
            for sample in client.fleet.stream(seconds=10):
                print(f"{sample.timestamp:%H:%M:%S} {sample.asset_id[:8]} {sample.mw:+.1f} of {sample.setpoint_mw} MW")
            command.stop("the example is over")
except (UnavailableError, MissingExtraError) as error:
    print(f"no headend: {error}")
    inventory = default_inventory()
    names = {asset.id: asset.name for asset in inventory.assets}
    place = next(site for site in inventory.sites if site.name == SITE)
    present = [AssetNow(asset, soc_mwh=asset.capacity_mwh / 2) for asset in inventory.assets_of(place.id)]
    for part in split_power(MW, present).allocations:
        print(f"{names[part.asset_id]} would get {part.mw:+.1f} MW")
