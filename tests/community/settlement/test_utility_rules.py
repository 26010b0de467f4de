"""Rules without a community: tariffs by time and house, netting, credit, expiry and cash-out, by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from community_meters import Meters, meters

from afterbay.community.settlement import FeedIn, NetBilling, NetMetering, months_frame, settle
from afterbay.community.topology.records import Grid, House
from afterbay.community.topology.tariff import Tariff, TariffPeriod
from afterbay.core.errors import InvalidInputError

DAY = timedelta(days=1)


def _grid(*tariffs: Tariff, time_zone: str = "UTC") -> Grid:
    named = {f"t{number}": tariff for number, tariff in enumerate(tariffs)}
    return Grid(
        tariffs=named,
        houses=tuple(House(f"H{number}", tariff=name) for number, name in enumerate(named)),
        time_zone=time_zone,
    )


def _months(net_by_month: list[float], *, tariff: Tariff, year: int = 2023) -> Meters:
    """A house whose net energy of each month flows on its first day; import before export within the month."""
    start = datetime(year, 1, 1, tzinfo=UTC)
    end = datetime(year + len(net_by_month) // 12, len(net_by_month) % 12 + 1, 1, tzinfo=UTC)
    net = np.zeros(((end - start).days, 1))
    for month, kwh in enumerate(net_by_month):
        first = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
        net[(first - start).days, 0] = kwh
    return meters(_grid(tariff), net, start, step=DAY)


def _by_month(source: Meters, rule: NetMetering | NetBilling, line: str) -> list[float]:
    settled = settle(source, [rule])
    settled.check()
    return [float(value) for value in months_frame(settled, rule.name)[line]]


FLAT = Tariff(0.30, 0.08)


def test_time_of_use_prices_follow_the_local_clock_weekday_and_month() -> None:
    peak = TariffPeriod(17.0, 20.0, retail_per_kwh=0.50, weekdays=(0, 1, 2, 3, 4), months=(1,))
    night = TariffPeriod(22.0, 6.0, retail_per_kwh=0.10, feed_in_per_kwh=0.02)
    tariff = Tariff(0.30, 0.08, periods=(peak, night))
    # Friday 2024-01-05 and the Saturday after it, in New York: five hours behind.
    net = np.full((48, 1), -1.0)
    source = meters(
        _grid(tariff, time_zone="America/New_York"), net, datetime(2024, 1, 5, 5, tzinfo=UTC), timedelta(hours=1)
    )

    bill = settle(source, []).of("utility_only").steps[:, 6]

    expected = np.full(48, 0.30)
    expected[17:20] = 0.50
    for hours in (slice(0, 6), slice(22, 30), slice(46, 48)):
        expected[hours] = 0.10
    assert bill == pytest.approx(expected)


def test_houses_pay_by_their_own_tariffs() -> None:
    source = meters(
        _grid(Tariff(0.30, 0.08), Tariff(0.20, 0.05, tax_fraction=0.1, tax_per_kwh=0.02)), [[-2.0, -2.0], [1.0, 1.0]]
    )

    settled = settle(source, [])

    assert settled.of("utility_only").bills == pytest.approx([0.60 - 0.08, 0.40 * 1.1 + 0.04 - 0.05])
    assert settled.accounts("utility_only")["state"] == pytest.approx(0.08)


def test_the_network_part_of_the_retail_price_goes_to_the_network() -> None:
    settled = settle(meters(_grid(Tariff(0.30, network_share=0.4)), [[-10.0]]), [])

    accounts = settled.accounts("utility_only")
    assert accounts["network"] == pytest.approx(1.2)
    assert accounts["utility"] == pytest.approx(1.8)


@pytest.mark.parametrize(("month", "hours"), [(3, 743), (10, 745), (2, 29 * 24)], ids=["spring", "autumn", "leap"])
def test_the_monthly_fee_is_paid_once_in_months_with_a_clock_change_or_a_leap_day(month: int, hours: int) -> None:
    zone = _grid(Tariff(0.30, monthly_fee=12.0), time_zone="Europe/Berlin")
    start = datetime(2024, month, 1, tzinfo=UTC) - timedelta(hours=2 if month == 10 else 1)
    source = meters(zone, np.zeros((hours, 1)), start, timedelta(hours=1))

    settled = settle(source, [])

    assert len(settled.calendar.month_names) == 1
    assert settled.of("utility_only").bills == pytest.approx([12.0], rel=1e-12)


def test_the_monthly_fee_of_a_part_of_a_month_is_paid_in_part() -> None:
    source = meters(_grid(Tariff(0.30, monthly_fee=30.0)), np.zeros((96, 1)), datetime(2023, 6, 10, tzinfo=UTC))

    assert settle(source, []).of("utility_only").bills == pytest.approx([1.0])


def test_days_of_a_clock_change_have_92_and_100_quarter_hours() -> None:
    for first, steps in ((datetime(2024, 3, 30, 23, tzinfo=UTC), 92), (datetime(2024, 10, 26, 22, tzinfo=UTC), 100)):
        source = meters(_grid(FLAT, time_zone="Europe/Berlin"), np.full((steps + 96, 1), -1.0), first)

        days = settle(source, []).of("utility_only").days

        assert days is not None
        assert days[:, 0, 0].tolist() == [steps, 96.0]


def test_a_guaranteed_price_replaces_the_feed_in_price() -> None:
    settled = settle(meters(_grid(FLAT), [[5.0], [-1.0]]), [FeedIn(0.12)])

    assert settled.of("feed_in").bills == pytest.approx([0.30 - 0.60])
    assert settled.savings("feed_in") == pytest.approx([5.0 * 0.04])


def test_net_metering_cancels_export_against_import_of_the_same_period() -> None:
    source = meters(_grid(FLAT), [[-10.0], [4.0]])

    settled = settle(source, [NetMetering()])

    assert settled.of("net_metering").bills == pytest.approx([6.0 * 0.30])


def test_net_metering_bills_net_import_at_the_mean_price_of_the_imports() -> None:
    dear = Tariff(0.20, periods=(TariffPeriod(12.0, 24.0, retail_per_kwh=0.40),), tax_per_kwh=0.01, tax_fraction=0.5)
    source = meters(_grid(dear), [[-1.0], [2.0], [-3.0]], step=timedelta(hours=8))

    settled = settle(source, [NetMetering()])

    # 1 kWh at 0.20 and 3 kWh at 0.40 are 0.35 on average; half of them are netted.
    assert settled.of("net_metering").bills == pytest.approx([2.0 * 0.35 * 1.5 + 2.0 * 0.01])


def test_net_metering_carries_credit_over_and_uses_the_oldest_first() -> None:
    source = _months([5.0, 5.0, -6.0, -6.0, 1.0], tariff=FLAT)

    billed = _by_month(source, NetMetering(), "utility_purchase_eur")

    assert billed == pytest.approx([0.0, 0.0, 0.0, -(6.0 - 4.0) * 0.30, 0.0])


def test_net_metering_credit_expires_after_its_periods() -> None:
    source = _months([5.0, 3.0, -1.0, -9.0], tariff=FLAT)
    rule = NetMetering(carry_over_periods=1, cash_out_per_kwh=0.04)

    # January's 5 kWh may be used in February only and are paid out then; March uses 1 of February's 3.
    assert _by_month(source, rule, "utility_sale_eur") == pytest.approx([0.0, 5.0 * 0.04, 2.0 * 0.04, 0.0])
    assert _by_month(source, rule, "utility_purchase_eur") == pytest.approx([0.0, 0.0, 0.0, -9.0 * 0.30])


def test_net_metering_without_carry_over_cashes_out_each_period() -> None:
    source = _months([5.0, -5.0], tariff=FLAT)
    rule = NetMetering(carry_over_periods=0, cash_out_per_kwh=0.04)

    assert _by_month(source, rule, "utility_sale_eur") == pytest.approx([0.20, 0.0])
    assert _by_month(source, rule, "utility_purchase_eur") == pytest.approx([0.0, -1.50])


def test_net_metering_trues_up_once_a_year() -> None:
    source = _months([0.0, 0.0, 7.0, -2.0, *[0.0] * 8], tariff=FLAT)
    rule = NetMetering(true_up_month=4, cash_out_per_kwh=0.10)

    assert _by_month(source, rule, "utility_sale_eur")[:5] == pytest.approx([0.0, 0.0, 0.0, 0.50, 0.0])


def test_credit_that_outlives_the_run_is_reported_or_forfeited() -> None:
    source = _months([4.0], tariff=FLAT)

    kept = settle(source, [NetMetering(cash_out_at_end=False, cash_out_per_kwh=0.1)]).of("net_metering")
    lost = settle(source, [NetMetering()]).of("net_metering")

    assert kept.open_credit == pytest.approx([4.0])
    assert lost.open_credit == pytest.approx([0.0])
    assert kept.bills == pytest.approx([0.0])
    assert lost.bills == pytest.approx([0.0])


def test_the_fixed_charge_is_paid_each_period_and_in_part_for_a_part() -> None:
    source = meters(_grid(FLAT), np.zeros((15 + 31, 1)), datetime(2023, 6, 16, tzinfo=UTC), DAY)

    charged = _by_month(source, NetMetering(fixed_charge=10.0), "fixed_fee_eur")

    assert charged == pytest.approx([-5.0, -10.0])


def test_a_year_is_netted_as_a_whole() -> None:
    source = _months([-5.0, *[0.0] * 5, 8.0, *[0.0] * 5, 2.0, -1.0], tariff=FLAT)
    rule = NetMetering(period="year", cash_out_per_kwh=0.05)

    # 2023: 5 of 8 kWh netted, 3 carried; 2024: 2 more, 1 used, 4 paid out at the end.
    assert _by_month(source, rule, "utility_purchase_eur") == pytest.approx([0.0] * 14)
    sales = _by_month(source, rule, "utility_sale_eur")
    assert sales[-1] == pytest.approx(4.0 * 0.05)
    assert sales[:-1] == pytest.approx([0.0] * 13)


def test_net_billing_credits_money_and_carries_it() -> None:
    source = _months([10.0, -1.0, -1.0, 0.0], tariff=FLAT)
    rule = NetBilling(cash_out_fraction=0.5)

    # 0.80 of credit pays 0.30 in February and in March; half of the 0.20 left is paid out at the end.
    assert _by_month(source, rule, "utility_sale_eur") == pytest.approx([0.0, 0.30, 0.30, 0.10])


def test_net_billing_credit_expires() -> None:
    source = _months([10.0, -1.0, -9.0], tariff=FLAT)
    rule = NetBilling(carry_over_periods=1, cash_out_fraction=0.0)

    assert _by_month(source, rule, "utility_sale_eur") == pytest.approx([0.0, 0.30, 0.0])


def test_net_billing_at_the_full_retail_price_is_net_metering_under_one_flat_price() -> None:
    rng = np.random.default_rng(4)
    source = meters(_grid(FLAT), rng.normal(0, 1, (24 * 90, 1)), datetime(2023, 1, 1, tzinfo=UTC), timedelta(hours=1))

    settled = settle(source, [NetMetering(cash_out_per_kwh=0.30), NetBilling(export_share_of_retail=1.0)])

    assert settled.of("net_billing").bills == pytest.approx(settled.of("net_metering").bills)


def test_period_rules_book_in_the_last_step_of_the_period() -> None:
    source = _months([-5.0, -2.0], tariff=FLAT)

    houses = settle(source, [NetMetering()]).of("net_metering").steps[:, 5]

    assert np.flatnonzero(houses).tolist() == [30, 58]
    assert houses[[30, 58]] == pytest.approx([-1.5, -0.6])


def test_settings_that_cannot_be_are_refused_together() -> None:
    with pytest.raises(InvalidInputError) as caught:
        NetMetering(period="week", carry_over_periods=-1, true_up_month=13, cash_out_per_kwh=-0.1)  # type: ignore[arg-type]

    assert {problem.where for problem in caught.value.problems} == {
        "period",
        "carry_over_periods",
        "true_up_month",
        "cash_out_per_kwh",
    }
    with pytest.raises(InvalidInputError):
        NetBilling(cash_out_fraction=1.5)
    with pytest.raises(InvalidInputError):
        FeedIn(-0.1)


def test_netting_spares_the_network_its_part_of_what_is_netted() -> None:
    settled = settle(meters(_grid(Tariff(0.30, network_share=0.4)), [[-10.0], [4.0]]), [NetMetering()])

    assert settled.accounts("net_metering")["network"] == pytest.approx(6.0 * 0.30 * 0.4)


def test_net_billing_credit_covers_tax_but_no_fixed_fee() -> None:
    taxed = Tariff(0.30, 0.08, tax_fraction=0.5, monthly_fee=3.0)
    source = _months([10.0, -1.0], tariff=taxed)

    sales = _by_month(source, NetBilling(cash_out_fraction=0.0), "utility_sale_eur")

    assert sales == pytest.approx([0.0, 0.45])


def test_export_at_a_negative_price_is_a_debt_of_its_period() -> None:
    source = _months([10.0, -1.0], tariff=Tariff(0.30, -0.02))

    assert _by_month(source, NetBilling(), "utility_sale_eur") == pytest.approx([-0.20, 0.0])


def test_a_month_that_begins_in_a_doubled_hour_has_that_hour_twice() -> None:
    # On 2015-11-01 clocks in Havana went from 01:00 back to 00:00.
    grid = _grid(Tariff(0.30, monthly_fee=7.21), time_zone="America/Havana")
    source = meters(grid, np.zeros((721, 1)), datetime(2015, 11, 1, 4, tzinfo=UTC), timedelta(hours=1))

    settled = settle(source, [])

    assert settled.calendar.month_names == ("2015-11",)
    assert settled.of("utility_only").steps[:, 6] == pytest.approx(np.full(721, 0.01), rel=1e-12)


def test_a_fixed_charge_by_year_is_paid_for_the_months_of_the_run() -> None:
    source = _months([0.0] * 6, tariff=FLAT)
    rule = NetMetering(period="year", fixed_charge=120.0)

    assert _by_month(source, rule, "fixed_fee_eur") == pytest.approx([0.0] * 5 + [-60.0])
