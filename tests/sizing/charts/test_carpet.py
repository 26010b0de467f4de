from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from afterbay.core.errors import InvalidInputError
from afterbay.sizing.charts import CARPETS, alt_text, carpet_chart, describe_carpet
from afterbay.sizing.metrics import calculate_metrics

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

    from afterbay.sizing.simulation import HourlyResults

    Run = Callable[..., HourlyResults]

pytest.importorskip("matplotlib")


def image(figure: Figure, gid: str = "carpet") -> AxesImage:
    (found,) = (image for image in figure.axes[0].images if image.get_gid() == gid)
    return found


def cells(figure: Figure, gid: str = "carpet") -> np.ma.MaskedArray[Any, Any]:
    return np.ma.asarray(image(figure, gid).get_array())


@pytest.mark.parametrize(
    ("steps", "dt_h", "shape"),
    [
        (8_760, 1.0, (24, 365)),
        (8_784, 1.0, (24, 366)),
        (10, 1.0, (24, 1)),
        (24, 1.0, (24, 1)),
        (100, 1.0, (24, 5)),
        (35_040, 0.25, (96, 365)),
        (30, 0.25, (96, 1)),
    ],
)
def test_every_step_is_one_cell_at_its_day_and_hour(run: Run, steps: int, dt_h: float, shape: tuple[int, int]) -> None:
    results = run(steps=steps, dt_h=dt_h)

    drawn = cells(carpet_chart(results))

    assert drawn.shape == shape
    assert drawn.T.compressed() == pytest.approx(results.soc_pct)
    assert drawn.mask.sum() == shape[0] * shape[1] - steps


@pytest.mark.parametrize("column", CARPETS)
def test_every_column_has_a_bar_with_its_unit_and_a_question(run: Run, column: str) -> None:
    figure = carpet_chart(run(steps=240, dg_capacity=5.0), column)

    assert f"[{CARPETS[column].unit}" in figure.axes[1].get_ylabel()
    assert figure.axes[0].get_ylabel() == "Hour of the day [h]"
    assert figure.texts[0].get_text().endswith("?")


def test_signed_power_is_white_at_zero_with_equal_ends(run: Run) -> None:
    shown = image(carpet_chart(run(steps=240), "bess_power"))

    low, high = shown.get_clim()
    assert low == -high
    assert shown.norm(np.zeros(1)) == pytest.approx(0.5)
    assert shown.cmap(0.5)[:3] == pytest.approx((1.0, 1.0, 1.0), abs=0.02)
    blue, brown = shown.cmap(0.0), shown.cmap(1.0)
    assert blue[2] > blue[0]
    assert brown[0] > brown[2]


def test_magnitude_is_cividis_from_zero(run: Run) -> None:
    shown = image(carpet_chart(run(steps=240)))

    assert shown.cmap.name == "cividis"
    assert shown.get_clim() == (0.0, 100.0)


def test_the_overlay_marks_exactly_the_hours_that_delivery_misses(run: Run) -> None:
    results = run(dg_capacity=5.0)

    figure = carpet_chart(results)

    metrics = calculate_metrics(results, results.params)
    assert cells(figure, "unserved").count() == metrics.hours_with_load - metrics.hours_full_delivery
    assert cells(figure, "unserved").count() > 0


@pytest.mark.parametrize("column", ["unserved", "delivery_pct"])
def test_columns_that_say_it_themselves_are_not_painted_over(run: Run, column: str) -> None:
    figure = carpet_chart(run(steps=240), column)

    assert [picture.get_gid() for picture in figure.axes[0].images] == ["carpet"]


def test_a_run_that_is_served_has_no_overlay_and_no_key(run: Run) -> None:
    figure = carpet_chart(run(steps=240, dg_capacity=10.0))

    assert [picture.get_gid() for picture in figure.axes[0].images] == ["carpet"]
    assert figure.axes[0].get_legend() is None


def test_what_is_missing_is_hatched_and_explained(run: Run) -> None:
    figure = carpet_chart(run(steps=100, dg_capacity=10.0))

    (missing,) = (patch for patch in figure.axes[0].patches if patch.get_gid() == "missing")
    assert missing.get_hatch() == "////"
    legend = figure.axes[0].get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["no data"]


def test_hours_without_load_have_no_delivery(run: Run) -> None:
    load = np.where(np.arange(240) % 24 < 6, 0.0, 10.0)

    drawn = cells(carpet_chart(run(steps=240, load_profile=load, dg_capacity=10.0), "delivery_pct"))

    assert np.ma.getmaskarray(drawn)[:6].all()
    assert not np.ma.getmaskarray(drawn)[6:].any()
    assert drawn.min() == 100.0


def test_a_leap_year_has_its_twelve_months_and_a_start_its_dates(run: Run) -> None:
    leap = carpet_chart(run(steps=8_784))
    short = carpet_chart(run(steps=100), start=date(2024, 2, 27))

    assert [tick.get_text() for tick in leap.axes[0].get_xticklabels(minor=True)][-1] == "Dec"
    assert [tick.get_text() for tick in short.axes[0].get_xticklabels(minor=True)][2] == "29 Feb"


def test_nothing_at_all_can_be_drawn(run: Run) -> None:
    nothing = run(0, steps=48, load_profile=np.zeros(48), solar_profile=np.zeros(48), bess_capacity=0.0)

    for column in CARPETS:
        low, high = image(carpet_chart(nothing, column)).get_clim()
        assert low < high
    assert describe_carpet(nothing, "soc_pct") == "There is no battery; no load to serve."
    assert describe_carpet(nothing, "delivery_pct") == "There is no load; no load to serve."


def test_the_sentence_is_the_label_of_the_picture(run: Run) -> None:
    results = run(0, steps=24, solar_profile=np.zeros(24))

    assert "h not served" in describe_carpet(results)
    assert describe_carpet(results) in alt_text(carpet_chart(results))


def test_an_unknown_column_is_named_with_the_choice(run: Run) -> None:
    with pytest.raises(InvalidInputError, match="column: got 'dg_mode', allowed: soc_pct"):
        carpet_chart(run(steps=24), "dg_mode")
