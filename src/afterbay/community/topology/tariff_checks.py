"""What is wrong or doubtful in one tariff."""

from __future__ import annotations

from typing import TYPE_CHECKING

from afterbay.community.topology.node_checks import check_bounds

if TYPE_CHECKING:
    from afterbay.community.topology.findings import Findings
    from afterbay.community.topology.tariff import Tariff, TariffPeriod

__all__ = ["check_tariff"]


def check_tariff(node: str, name: str, tariff: Tariff, findings: Findings) -> None:
    """Note what is wrong or doubtful in a tariff of a grid."""
    place = f"tariffs.{name}"
    if not name.strip():
        findings.error(node, "tariffs", repr(name), "a name", "name the tariff")
    if check_bounds(node, place, tariff, findings) and tariff.feed_in_per_kwh > tariff.retail_per_kwh:
        got = f"{tariff.feed_in_per_kwh:g} above retail_per_kwh {tariff.retail_per_kwh:g}"
        findings.warn(node, f"{place}.feed_in_per_kwh", got, "at most the retail price",
                      "check both: markets trade between the two")  # fmt: skip
    for number, period in enumerate(tariff.periods):
        _check_period(node, f"{place}.periods[{number}]", period, findings)


def _check_period(node: str, place: str, period: TariffPeriod, findings: Findings) -> None:
    if check_bounds(node, place, period, findings) and period.from_h == period.to_h:
        got = f"{period.from_h:g} to {period.to_h:g} h: never"
        findings.error(node, f"{place}.from_h", got, "a window of some hours", "0 to 24 is the whole day")
    if period.retail_per_kwh is None and period.feed_in_per_kwh is None:
        findings.warn(node, place, "no price of its own", "retail_per_kwh or feed_in_per_kwh", "give one, or drop it")
    for field, least, most in (("weekdays", 0, 6), ("months", 1, 12)):
        values = getattr(period, field)
        wrong = [value for value in values if isinstance(value, bool) or value not in range(least, most + 1)]
        if wrong or not values:
            got = "none" if not values else repr(wrong[0])
            words = "Monday is 0" if field == "weekdays" else "January is 1"
            findings.error(node, f"{place}.{field}", got, f"whole numbers {least}..{most}, at least one", words)
