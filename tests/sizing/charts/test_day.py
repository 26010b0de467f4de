from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pytest

from afterbay.core.errors import OutOfRangeError
from afterbay.sizing.charts import alt_text, day_chart, day_headline, describe_day, worst_day

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from afterbay.sizing.simulation import HourlyResults

    Run = Callable[..., HourlyResults]

pytest.importorskip("matplotlib")


def layer(axes: Axes, gid: str) -> tuple[list[float], list[float], list[float]]:
    """Return top, edges and bottom of one layer of the stack; a layer that is empty is all zero."""
    from matplotlib.patches import StepPatch

    found = [patch for patch in axes.patches if isinstance(patch, StepPatch) and patch.get_gid() == gid]
    if not found:
        return [], [], []
    values, edges, baseline = found[0].get_data()
    return list(np.asarray(values)), list(np.asarray(edges)), list(np.asarray(baseline))


def height(axes: Axes, gid: str, steps: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    top, _, bottom = layer(axes, gid)
    return np.nan_to_num(np.asarray(top) - np.asarray(bottom)) if top else np.zeros(steps)


SERVING = ("solar to load", "battery to load", "generator to load", "not served")


@pytest.mark.parametrize("template", [0, 1, 2, 4])
@pytest.mark.parametrize("dt_h", [1.0, 0.25])
def test_the_layers_add_up_to_the_load_in_every_step(run: Run, template: int, dt_h: float) -> None:
    results = run(template, steps=round(240 / dt_h), dt_h=dt_h, dg_capacity=6.0, dg_charges_bess=True)
    per_day = round(24 / dt_h)
    for day in range(1, 11):
        power = day_chart(results, day).axes[0]

        stacked = sum(height(power, gid, per_day) for gid in SERVING)
        (load,) = (patch for patch in power.patches if patch.get_gid() == "load")

        assert stacked == pytest.approx(results.load[(day - 1) * per_day : day * per_day], abs=1e-9)
        assert np.asarray(load.get_data().values) == pytest.approx(stacked)  # type: ignore[attr-defined]


def test_what_is_left_over_stands_above_the_load_and_charging_below_zero(run: Run) -> None:
    results = run(2, steps=240, dg_capacity=20.0, dg_charges_bess=True)
    for day in range(1, 11):
        steps = slice(24 * (day - 1), 24 * day)
        power = day_chart(results, day).axes[0]

        charged = height(power, "charging from solar", 24) + height(power, "charging from generator", 24)
        assert height(power, "solar curtailed", 24) == pytest.approx(results.solar_curtailed[steps])
        assert height(power, "generator curtailed", 24) == pytest.approx(results.dg_curtailed[steps])
        assert -charged == pytest.approx((results.solar_to_bess + results.dg_to_bess)[steps])


def test_layers_meet_without_a_gap(run: Run) -> None:
    power = day_chart(run(steps=240, dg_capacity=5.0), 3).axes[0]
    level = np.zeros(24)

    for gid in SERVING:
        top, _, bottom = layer(power, gid)
        if top:
            assert bottom == pytest.approx(level)
            level = np.where(np.isnan(top), level, top)

    assert level == pytest.approx(np.full(24, 10.0))


def test_the_state_of_charge_begins_where_the_day_before_ended(run: Run) -> None:
    results = run(steps=240)

    (first,) = (line for line in day_chart(results, 1).axes[1].lines if line.get_gid() == "soc")
    (third,) = (line for line in day_chart(results, 3).axes[1].lines if line.get_gid() == "soc")

    assert np.asarray(first.get_ydata())[0] == pytest.approx(50.0)
    assert np.asarray(third.get_ydata()) == pytest.approx(results.soc_pct[47:72])


def test_percent_and_energy_are_one_scale_and_the_bounds_are_drawn(run: Run) -> None:
    figure = day_chart(run(steps=48, bess_capacity=80.0, bess_min_soc=0.1, bess_max_soc=0.9), 1)
    soc = figure.axes[1]
    (energy,) = (axes for axes in figure.axes if axes.get_ylabel() == "Energy [MWh]")

    bounds = {str(line.get_gid()): float(np.asarray(line.get_ydata())[0]) for line in soc.lines}
    assert (bounds["floor"], bounds["ceiling"]) == pytest.approx((10.0, 90.0))
    assert np.asarray(energy.get_ylim()) == pytest.approx(np.asarray(soc.get_ylim()) * 0.8)
    assert "[%]" in soc.get_ylabel()
    assert "[MW]" in figure.axes[0].get_ylabel()


def test_the_ribbon_covers_exactly_the_hours_of_each_mode(run: Run) -> None:
    results = run(
        2, steps=240, dg_capacity=12.0, dg_charges_bess=True, allow_emergency_dg_day=True, solar_profile=np.zeros(240)
    )
    modes: set[str] = set()
    for day in range(1, 11):
        ribbon = day_chart(results, day).axes[2]
        for mode in ("NORMAL", "EMERGENCY"):
            hours = sum(
                float(np.ptp(np.asarray(path.vertices)[:, 0]))
                for bars in ribbon.collections
                if bars.get_gid() == mode
                for path in bars.get_paths()
            )
            assert hours == np.count_nonzero(results.dg_mode[24 * (day - 1) : 24 * day] == mode)
            modes |= {mode} if hours else set()

    assert "NORMAL" in modes


def test_each_gap_in_supply_is_marked_once(run: Run) -> None:
    results = run(0, steps=240)
    day = worst_day(results)
    missed = results.unserved[24 * (day - 1) : 24 * day] >= 0.001
    gaps = int((np.diff(np.concatenate([[False], missed]).astype(int)) == 1).sum())

    marks = [dots for dots in day_chart(results, day).axes[0].collections if dots.get_gid() == "not served mark"]

    assert gaps > 0
    assert {len(np.asarray(dots.get_offsets())) for dots in marks} == {gaps}


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def test_a_plant_without_battery_and_generator_says_so(run: Run) -> None:
    shown = texts(day_chart(run(0, steps=24, bess_capacity=0.0), 1))

    assert "no battery" in shown
    assert "no generator" in shown


def test_a_generator_at_rest_is_off_not_absent(run: Run) -> None:
    assert texts(day_chart(run(steps=24, dg_capacity=10.0, load_profile=np.zeros(24)), 1)) == ["off"]


def test_the_end_of_a_short_run_is_hatched(run: Run) -> None:
    figure = day_chart(run(0, steps=10), 1)

    assert all(any(patch.get_gid() == "missing" for patch in axes.patches) for axes in figure.axes[:3])


def test_the_title_names_the_day_and_says_what_happens(run: Run) -> None:
    dark = run(0, steps=24, solar_profile=np.zeros(24), bess_capacity=50.0)

    assert day_headline(dark, 1) == "22 of 24\u00a0h not served"
    title = day_chart(dark, 1, start=date(2024, 2, 29)).texts[0].get_text()
    assert title == "Day 1 (29 Feb 2024): 22 of 24\u00a0h not served"


@pytest.mark.parametrize(
    ("changes", "headline"),
    [
        ({"dg_capacity": 10.0}, "all 24\u00a0h served"),
        ({"bess_capacity": 0.0}, "none of 24\u00a0h fully served"),
        ({"load_profile": np.zeros(24)}, "no load to serve"),
        (
            {"load_profile": np.where(np.arange(24) < 18, 0.0, 10.0), "bess_capacity": 0.0},
            "none of 6\u00a0h with load fully served",
        ),
    ],
)
def test_the_headline_is_true(run: Run, changes: dict[str, object], headline: str) -> None:
    results = run(1, steps=24, **({"solar_profile": np.zeros(24)} | changes))

    assert day_headline(results, 1) == headline


def test_quarter_hours_are_counted_as_such(run: Run) -> None:
    load = np.full(96, 10.0)
    results = run(
        0,
        steps=96,
        dt_h=0.25,
        load_profile=load,
        solar_profile=np.where(np.arange(96) < 3, 0.0, 10.0),
        bess_capacity=0.0,
    )

    assert day_headline(results, 1) == "0.75 of 24\u00a0h not served"


def test_the_sentence_adds_up_and_is_the_label(run: Run) -> None:
    results = run(1, steps=24, solar_profile=np.zeros(24), bess_capacity=0.0, dg_capacity=4.0)

    sentence = describe_day(results, 1)

    assert sentence == (
        "Of 240.0\u00a0MWh of load, solar serves 0.0\u00a0%, the battery 0.0\u00a0%, the generator 40.0\u00a0%; "
        "144.0\u00a0MWh are missing."
    )
    assert sentence in alt_text(day_chart(results, 1))


def test_several_days_share_one_picture(run: Run) -> None:
    figure = day_chart(run(steps=240), 2, 7)

    assert figure.axes[0].get_xlim() == (0.0, 168.0)
    assert figure.texts[0].get_text().startswith("Day 2 to day 8: ")


def test_too_many_days_are_refused(run: Run) -> None:
    with pytest.raises(OutOfRangeError, match=r"days: got 32, allowed: 1\.\.31"):
        day_chart(run(), 1, 32)


def test_a_day_that_the_run_has_not_is_refused(run: Run) -> None:
    with pytest.raises(OutOfRangeError, match=r"day: got 11, allowed: a whole number 1\.\.10"):
        day_chart(run(steps=240), 11)
