"""A rule beside the best that its plant could do."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from hypothesis import given, settings
from plants_by_hand import plain
from strategies import plants, template_numbers

from afterbay.core.errors import InvalidInputError, UnknownTemplateError
from afterbay.sizing import SimulationParams, Template, optimum

pytest.importorskip("highspy", reason="the bound needs the solver of the extra 'optimum'")

_RUNS = settings(max_examples=25, deadline=None)


@_RUNS
@given(plants(), template_numbers)
def test_rule_possible_and_limit_stand_in_this_order(params: SimulationParams, number: int) -> None:
    found = optimum.gap(params, number, levels=20)

    close = 1e-6 * max(1.0, float(params.load_mw.sum()) * params.dt_h)
    assert found.rule.hours_served <= found.possible_hours <= found.limit_hours + 1e-6
    assert found.rule.energy_served_mwh <= found.possible_mwh <= found.limit_mwh + close


@_RUNS
@given(plants(), template_numbers)
def test_no_template_is_better_than_the_best(params: SimulationParams, number: int) -> None:
    found = optimum.better_template(params, number, levels=20)

    assert len(found.ranking) + len(found.refused) == 7
    assert found.best.hours_served == pytest.approx(max(row.hours_served for row in found.ranking))
    assert found.best.hours_served <= found.possible + 1e-6
    if found.closed_fraction is not None:
        assert -1e-9 <= found.closed_fraction <= 1.0 + 1e-9


# 10 MWh are stored. The rule spends them in the hour of 20 MW, foresight in the two hours of 5 MW.
_WASTEFUL = plain([20.0, 5.0, 5.0], bess_initial_soc=1.0)


def test_a_gap_names_hours_energy_and_money() -> None:
    found = optimum.gap(_WASTEFUL, 0, price_usd_per_mwh=50.0)

    assert found.rule.hours_served == 0.0
    assert found.missed_hours == 2.0
    assert [found.missed_mwh, found.missed_usd] == pytest.approx([0.0, 0.0])
    assert found.lines()[0] == (
        "T0 Solar + BESS only serves 0.0 h whole. With perfect foresight 2.0 h are possible (+2.0 h), "
        "and never more than 2.0 h."
    )
    assert len(found.lines()) == 3
    assert found.to_dict()["rule"]["template"] == "T0 Solar + BESS only"


def test_the_money_of_a_gap_is_its_energy_times_the_price() -> None:
    params = plain([10.0, 10.0], bess_capacity=0.0, dg_capacity=10.0)

    found = optimum.gap(params, 0, price_usd_per_mwh=50.0)

    assert found.missed_mwh == pytest.approx(20.0)
    assert found.missed_usd == pytest.approx(1000.0)
    assert "never ran a generator" in found.lines()[-1]
    assert optimum.gap(params, 0).missed_usd is None


def test_a_better_template_is_named_with_what_it_closes_and_burns() -> None:
    params = plain([10.0, 10.0], bess_capacity=0.0, dg_capacity=10.0)

    found = optimum.better_template(params, 0)

    assert found.closed_fraction == 1.0
    # T1 and others serve both hours; the first of equals is named.
    assert found.best.template == "T1 Green priority"
    assert found.lines()[1] == (
        "Against T0 Solar + BESS only it adds 2.0 h, closes 100 % of the gap and burns 5,000 L more."
    )
    assert found.to_dict()["ranking"][0]["template"] == "T1 Green priority"


def test_advice_says_when_no_other_template_helps_and_when_nothing_is_missed() -> None:
    short = optimum.better_template(_WASTEFUL, 0)
    full = optimum.better_template(plain([1.0], bess_initial_soc=1.0), 0, by="energy_served")

    assert short.lines()[1] == "No other template serves more than T0 Solar + BESS only; only foresight would."
    assert full.lines()[1] == "T0 Solar + BESS only already serves all that is possible."
    assert full.closed_fraction is None


@pytest.mark.parametrize("by", ["hours_served", "energy_served"])
def test_advice_after_a_gap_is_the_same_and_takes_the_gap_of_this_rule_only(
    by: Literal["hours_served", "energy_served"],
) -> None:
    params = plain([10.0, 3.0, 8.0, 2.0], solar=[0.0, 20.0, 0.0, 9.0], bess_capacity=8.0, dg_capacity=4.0)
    known = optimum.gap(params, 1)

    assert optimum.better_template(params, 1, by=by, known=known) == optimum.better_template(params, 1, by=by)
    for other in (0, None):
        with pytest.raises(InvalidInputError, match="known"):
            optimum.better_template(params, other, by=by, known=known)


def test_advice_without_a_present_template_ranks_all() -> None:
    found = optimum.better_template(_WASTEFUL)

    assert found.present is None
    assert found.closed_fraction is None
    assert len(found.lines()) == 1


def test_templates_that_cannot_run_are_named_with_the_reason() -> None:
    params = plain([10.0], dg_capacity=10.0, dg_off_trigger="window_end")

    found = optimum.better_template(params)

    assert [row.template[:2] for row in found.refused] == ["T0", "T1", "T3", "T4"]
    assert all("dg_off_trigger needs" in row.reason for row in found.refused)
    assert len(found.lines()) == 5


def test_a_template_of_your_own_has_a_gap_too() -> None:
    mine = Template("By day", window="day", trigger="deficit")

    assert optimum.gap(_WASTEFUL, mine).rule.template == "By day"


_ANY_WORD: Any = "money"


@pytest.mark.parametrize(
    ("ask", "named"),
    [
        (lambda: optimum.gap(_WASTEFUL, 0, price_usd_per_mwh=-1.0), "price_usd_per_mwh"),
        (lambda: optimum.gap(_WASTEFUL, 0, levels=0), "levels"),
        (lambda: optimum.better_template(_WASTEFUL, by=_ANY_WORD), "by"),
    ],
)
def test_a_wrong_argument_is_named(ask: Any, named: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        ask()

    assert [problem.where for problem in caught.value.problems] == [named]


def test_an_unknown_template_is_refused() -> None:
    with pytest.raises(UnknownTemplateError):
        optimum.gap(_WASTEFUL, 9)
    with pytest.raises(UnknownTemplateError):
        optimum.better_template(_WASTEFUL, 9)
