"""Writes an order into model 704, so that the device itself ends it: value and reversion first, then the switch."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from afterbay.fleet.devices.device import WriteResult
from afterbay.fleet.devices.registers import fits, scaled, unscaled, write_number
from afterbay.fleet.devices.sunspec_models import MODELS, WATTS
from afterbay.fleet.devices.sunspec_samples import setpoint_mw

if TYPE_CHECKING:
    from datetime import datetime

    from afterbay.fleet.devices.device import DeviceOrder
    from afterbay.fleet.devices.sunspec_link import SunspecLink
    from afterbay.fleet.inventory.records import Asset

__all__ = ["reversion_s", "wind_up", "write_order"]

_W_PER_MW: Final = 1e6
_ENABLED: Final = 1
_RAMP_OF_W_MAX: Final = 1
_POINTS: Final = MODELS[704].points


def reversion_s(valid_until: datetime | None, now: datetime, hold_s: float | None) -> int:
    """Return the seconds to put on the device's timer: to the end of the order, or `hold_s` if that is sooner.

    0 switches the timer off: the order holds until it is replaced.
    """
    left = math.inf if valid_until is None else (valid_until - now).total_seconds()
    seconds = min(left, math.inf if hold_s is None else hold_s)
    # Rounded down, so that the device does not go on after the end; 0 would let it go on for ever.
    return 0 if seconds == math.inf else max(1, math.floor(seconds))


async def write_order(
    link: SunspecLink, unit: int, address: int, asset: Asset, order: DeviceOrder, seconds: int
) -> WriteResult:
    """Write an order and read back what the device made of it.

    Args:
        link: Connection, made.
        unit: Modbus unit id.
        address: Of model 704.
        asset: Whose ramp is told to the device where it knows ramps.
        order: The power and what follows.
        seconds: For the device's timer; 0: no timer.

    Raises:
        ModbusRefusedError: The device refused a write.
        UnavailableError: It does not answer.
    """
    before = await link.read_model(unit, 704, address)
    exponent = before["WSet_SF"]
    if exponent is None or scaled(1.0, exponent) is None:
        return _refused(order, "the device gives no scale factor for its setpoint (704.WSet_SF)")
    watts, fallback = (unscaled(mw * _W_PER_MW, exponent) for mw in (order.mw, order.fallback_mw))
    if not fits(watts, "int32") or not fits(fallback, "int32"):
        return _refused(order, f"{order.mw:g} MW does not fit the device's number (704.WSet)")
    has_timer = before["WSetRvrtTms"] is not None and before["WSetRvrt"] is not None

    await _write_ramp(link, unit, address, asset, before)
    words = link.word_order
    value = [WATTS, *write_number(watts, "int32", words)]
    if has_timer:
        value += write_number(fallback, "int32", words)
    await link.write(unit, address + _POINTS["WSetMod"].offset, value, "setpoint (704.WSet)")
    if has_timer:
        await _write_timer(link, unit, address, seconds)
    await link.write(unit, address + _POINTS["WSetEna"].offset, [_ENABLED], "enable (704.WSetEna)")

    after = await link.read_model(unit, 704, address)
    read_back = setpoint_mw({704: after})
    if read_back is None:
        return _refused(order, "the device took the setpoint and did not enable it (704.WSetEna)")
    reasons = []
    told_mw = scaled(watts, exponent)
    if told_mw is not None and read_back != told_mw / _W_PER_MW:
        reasons.append(f"the device changed {order.mw:g} MW to {read_back:g} MW")
    if seconds and not has_timer:
        reasons.append("the device has no timer of its own; the agent ends the order")
    elif seconds and after["WSetRvrtTms"] != seconds:
        reasons.append(f"the device keeps {after['WSetRvrtTms']} s instead of {seconds} s on its timer")
    return WriteResult(order.asset_id, accepted=True, reason="; ".join(reasons), read_back_mw=read_back)


async def wind_up(link: SunspecLink, unit: int, address: int, seconds: int) -> None:
    """Set the timer of a running order anew; enabling it again starts the timer.

    Raises:
        ModbusRefusedError: The device refused a write.
        UnavailableError: It does not answer.
    """
    await _write_timer(link, unit, address, seconds)
    await link.write(unit, address + _POINTS["WSetEna"].offset, [_ENABLED], "enable (704.WSetEna)")


async def _write_timer(link: SunspecLink, unit: int, address: int, seconds: int) -> None:
    timer = [_ENABLED, *write_number(seconds, "uint32", link.word_order)]
    await link.write(unit, address + _POINTS["WSetEnaRvrt"].offset, timer, "reversion (704.WSetRvrtTms)")


async def _write_ramp(
    link: SunspecLink, unit: int, address: int, asset: Asset, before: dict[str, float | None]
) -> None:
    """Tell the ramp in percent of the largest power per second, where the device has one and its own is faster.

    The number is whole: a slower ramp than 1 % per second cannot be told, and is kept by the agent alone.
    """
    largest_mw = max(abs(asset.max_mw), abs(asset.min_mw))
    if before["WRmp"] is None or largest_mw == 0.0 or before["WRmpRef"] not in (None, _RAMP_OF_W_MAX):
        return
    pct_per_s = min(100, math.floor(asset.ramp_rate_mw_per_min / 60.0 / largest_mw * 100.0))
    # Never made faster: a slower one may be the grid's rule. Not rewritten either: many keep it in a memory that wears.
    if 1 <= pct_per_s < before["WRmp"]:
        await link.write(unit, address + _POINTS["WRmp"].offset, [pct_per_s], "ramp (704.WRmp)")


def _refused(order: DeviceOrder, reason: str) -> WriteResult:
    return WriteResult(order.asset_id, accepted=False, reason=reason)
