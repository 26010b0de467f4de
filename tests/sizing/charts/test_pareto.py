from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.typing import NDArray

from afterbay.core.errors import InvalidInputError
from afterbay.sizing.charts import GAINS, PRICES, alt_text, describe_pareto, pareto_chart
from afterbay.sizing.pareto import dominated_mask, pareto_front
from shared_data import shared_path

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PathCollection
    from matplotlib.figure import Figure

pytest.importorskip("matplotlib")

Rows = list[dict[str, Any]]
FloatArray = NDArray[np.float64]


def panel_of(figure: Figure) -> Axes:
    return figure.axes[0]


def markers(figure: Figure, kind: str) -> list[PathCollection]:
    return [dots for dots in panel_of(figure).collections if str(dots.get_gid()).startswith(kind)]  # type: ignore[misc]


def in_order(points: FloatArray) -> FloatArray:
    return points[np.lexsort((points[:, 1], points[:, 0]))]


def places(dots: list[PathCollection]) -> FloatArray:
    return in_order(np.concatenate([np.asarray(part.get_offsets(), dtype=float) for part in dots]))


def cost_and_delivery(rows: Rows) -> tuple[Any, Any]:
    return (
        np.array([row["capital_cost_usd"] for row in rows]),
        np.array([row["metrics"]["delivery_pct"] for row in rows]),
    )


def test_every_option_is_one_point_in_millions_and_percent(rows: Rows) -> None:
    cost, delivery = cost_and_delivery(rows)

    drawn = places(markers(pareto_chart(rows), ""))

    assert drawn == pytest.approx(in_order(np.column_stack([cost / 1e6, delivery])))


def test_exactly_the_dominated_options_are_hollow(rows: Rows) -> None:
    cost, delivery = cost_and_delivery(rows)
    beaten = dominated_mask(np.column_stack([cost, -delivery]))

    figure = pareto_chart(rows)

    hollow, full = markers(figure, "dominated"), markers(figure, "best")
    assert places(hollow) == pytest.approx(in_order(np.column_stack([cost[beaten] / 1e6, delivery[beaten]])))
    assert places(full) == pytest.approx(in_order(np.column_stack([cost[~beaten] / 1e6, delivery[~beaten]])))
    assert all((np.asarray(dots.get_facecolor()) == 1.0).all() for dots in hollow)
    assert not any((np.asarray(dots.get_facecolor())[:, :3] == 1.0).all(axis=1).any() for dots in full)


def test_the_line_steps_along_the_front_and_never_falls(rows: Rows) -> None:
    cost, delivery = cost_and_delivery(rows)
    front = pareto_front(cost, delivery)

    figure = pareto_chart(rows)

    (line,) = (line for line in panel_of(figure).lines if line.get_gid() == "front")
    x, y = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
    assert (np.diff(x) >= 0.0).all()
    assert (np.diff(y) >= 0.0).all()
    assert set(np.round(y, 9)) == set(np.round(delivery[front], 9))


def test_with_less_being_better_the_line_falls(rows: Rows) -> None:
    figure = pareto_chart(rows, x="capacity", y="pct_solar_curtailed")

    (line,) = (line for line in panel_of(figure).lines if line.get_gid() == "front")
    assert (np.diff(np.asarray(line.get_ydata())) <= 0.0).all()


def test_one_colour_for_each_generator_and_one_shape_for_each_duration(rows: Rows) -> None:
    figure = pareto_chart(rows)

    edges = {tuple(edge) for dots in markers(figure, "") for edge in np.asarray(dots.get_edgecolor())}
    shapes = {dots.get_paths()[0].vertices.tobytes() for dots in markers(figure, "")}  # type: ignore[union-attr]
    assert len(edges) == 3
    assert len(shapes) == 2


@pytest.mark.parametrize("x", PRICES)
@pytest.mark.parametrize("y", GAINS)
def test_every_pair_of_axes_names_its_units_and_asks_a_question(rows: Rows, x: str, y: str) -> None:
    figure = pareto_chart(rows, x=x, y=y)

    assert panel_of(figure).get_xlabel().endswith(f"[{PRICES[x].unit}]")
    assert panel_of(figure).get_ylabel().endswith(f"[{GAINS[y].unit}]")
    assert figure.texts[0].get_text().endswith("?")


def test_the_target_is_a_line_at_its_height(rows: Rows) -> None:
    figure = pareto_chart(rows, target_pct=99.0)

    (line,) = (line for line in panel_of(figure).lines if line.get_gid() == "target")
    assert set(np.asarray(line.get_ydata())) == {99.0}
    low, high = panel_of(figure).get_ylim()
    assert low < 99.0 < high


@pytest.mark.parametrize("x", ["capital_cost_usd", "dg_runtime_hours"])
def test_the_label_of_the_recommended_option_covers_no_point_and_is_whole(rows: Rows, x: str) -> None:
    for index in range(len(rows)):
        figure = pareto_chart(rows, x=x, target_pct=99.0, recommended=index)
        axes = panel_of(figure)
        (label,) = (text for text in axes.texts if text.get_gid() == "recommended-label")

        figure.canvas.draw()
        bubble = label.get_bbox_patch()
        assert bubble is not None
        box = bubble.get_window_extent()
        points = axes.transData.transform(places(markers(figure, "")))
        inside = (points >= box.min).all(axis=1) & (points <= box.max).all(axis=1)
        assert not inside.any()
        assert (np.asarray(box.min) >= 0.0).all()
        assert (np.asarray(box.max) <= np.asarray(figure.bbox.max)).all()


def test_without_room_among_the_points_the_label_goes_beside_the_panel() -> None:
    crowd = [
        {
            "capacity": 1_250.0,
            "duration": 4.0,
            "power": 312.5,
            "capital_cost_usd": 1e5 * cost,
            "metrics": {"delivery_pct": pct},
        }
        for cost in range(0, 1000, 12)
        for pct in range(0, 101, 2)
    ]

    figure = pareto_chart(crowd, recommended=1_500)

    (label,) = (text for text in panel_of(figure).texts if text.get_gid() == "recommended-label")
    box = label.get_window_extent()
    assert box.x0 > panel_of(figure).get_window_extent().x1
    assert box.x1 <= figure.bbox.x1


def test_the_legend_stands_beside_the_panel_and_on_the_sheet(rows: Rows) -> None:
    figure = pareto_chart(rows, target_pct=99.0, recommended=4)

    boxes = [legend.get_window_extent() for legend in figure.legends] + [
        artist.get_window_extent() for artist in figure.artists
    ]
    assert boxes
    assert min(box.x0 for box in boxes) > panel_of(figure).get_window_extent().x1
    assert max(box.x1 for box in boxes) <= figure.bbox.x1
    assert min(box.y0 for box in boxes) >= 0.0


def test_the_longest_legend_still_fits_and_nothing_is_written_over_it() -> None:
    crowd = [
        {
            "capacity": 10.0 * hours,
            "duration": float(hours),
            "power": 10.0,
            "dg_capacity": float(number % 30),
            "capital_cost_usd": 1e5 * (number + 1_000),
            "metrics": {"delivery_pct": float(height)},
        }
        for hours in range(1, 15)
        for number in range(0, 1_000, 30 + hours)
        for height in range(0, 101, 3)
    ]

    figure = pareto_chart(crowd, recommended=700, target_pct=99.0)

    boxes = [artist.get_window_extent() for artist in figure.artists]
    assert min(box.y0 for box in boxes) >= 0.0
    labels = [text for text in panel_of(figure).texts if text.get_gid() == "recommended-label"]
    assert not any(box.overlaps(label.get_window_extent()) for box in boxes for label in labels)
    assert "recommended is" in alt_text(figure)


def test_a_single_option_and_equal_options_can_be_drawn(rows: Rows) -> None:
    assert len(places(markers(pareto_chart(rows[:1], recommended=0), "best"))) == 1
    assert len(places(markers(pareto_chart([rows[0], rows[0]]), "best"))) == 2


def test_many_durations_share_the_last_shape(rows: Rows) -> None:
    many = [{**rows[0], "duration": float(hours)} for hours in range(1, 15)]

    legend = [text.get_text() for artist in pareto_chart(many).artists for text in artist.get_texts()]  # type: ignore[attr-defined]

    assert "10\u00a0h and more" in legend


def test_the_sentence_counts_the_front_and_the_options_that_meet_the_target(rows: Rows) -> None:
    cost, delivery = cost_and_delivery(rows)
    meeting = int((delivery >= 99.0).sum())

    sentence = describe_pareto(rows, target_pct=99.0, recommended=2)

    assert sentence.startswith(f"{len(pareto_front(cost, delivery))} of {len(rows)} options")
    assert f"{meeting} reach the target of 99.0\u00a0%" in sentence
    assert "recommended is 50\u00a0MWh / 25\u00a0MW (2\u00a0h), 10\u00a0MW generator" in sentence
    assert sentence in alt_text(pareto_chart(rows, target_pct=99.0, recommended=2))


def test_the_sentence_says_when_nothing_reaches_the_target(rows: Rows) -> None:
    assert "none reaches the target" in describe_pareto(rows[:1], target_pct=99.99)


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"x": "price"}, "^x: got 'price'"),
        ({"y": "capacity"}, "^y: got 'capacity'"),
        ({"target_pct": 101.0}, "target_pct"),
        ({"target_pct": True}, "target_pct"),
        ({"target_pct": 5.0, "y": "dg_runtime_hours"}, "target_pct.*in h"),
        ({"recommended": 30}, r"recommended: got 30, allowed: the number of a row, 0\.\.29"),
        ({"recommended": -1}, "recommended"),
    ],
)
def test_an_argument_that_cannot_be_used_is_named(rows: Rows, changes: dict[str, Any], where: str) -> None:
    with pytest.raises(InvalidInputError, match=where):
        pareto_chart(rows, **changes)


def test_rows_that_lack_a_number_are_counted_and_all_problems_come_together(rows: Rows) -> None:
    broken = [{**row, "capital_cost_usd": None} for row in rows[:3]]

    with pytest.raises(InvalidInputError) as caught:
        pareto_chart(broken, target_pct=200.0, recommended=9)

    assert [problem.where for problem in caught.value.problems] == [
        "rows[0].capital_cost_usd (and 2 more rows)",
        "target_pct",
        "recommended",
    ]


def test_no_rows_are_refused() -> None:
    with pytest.raises(InvalidInputError):
        pareto_chart([])


def test_a_real_year_of_sun_gives_the_picture_of_the_guide() -> None:
    from afterbay.sizing.grid import SizeGrid
    from afterbay.sizing.params import SimulationParams
    from afterbay.sizing.sweep import sweep

    solar = np.load(shared_path("golden/sizing/profiles.npz"))["solar_main"]
    params = SimulationParams(load_profile=np.full(8_760, 10.0), solar_profile=solar, dg_takeover_mode=False)
    rows = sweep(params, 1, SizeGrid((50.0, 100.0, 150.0, 200.0, 250.0), (4.0,), (0.0, 5.0, 10.0))).rows()

    figure = pareto_chart(rows, target_pct=99.0, recommended=8)

    assert len(places(markers(figure, ""))) == 15
    assert figure.texts[0].get_text() == "What does each extra percent of delivery cost?"
