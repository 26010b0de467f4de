from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from afterbay.core.errors import InvalidInputError
from afterbay.sizing.charts import alt_text, save_png, tornado_chart

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

pytest.importorskip("matplotlib")

BASE = 20.4
BARS = [
    ("Fuel price ±20 %", 22.1, 18.7),
    ("Capital cost ±20 %", 29.9, 10.9),
    ("Load ±20 %", 18.2, 19.1),
    ("Tax", 20.4, 20.4),
    ("Solar yield ±20 %", 14.2, 20.4),
]
BY_SPAN = ["Capital cost ±20 %", "Solar yield ±20 %", "Fuel price ±20 %", "Load ±20 %", "Tax"]


def bar(figure: Figure, end: str, row: int) -> Rectangle:
    (found,) = (patch for patch in figure.axes[0].patches if patch.get_gid() == f"{end} {row}")
    return found  # type: ignore[return-value]


def number(figure: Figure, end: str, row: int) -> str:
    (found,) = (text for text in figure.axes[0].texts if text.get_gid() == f"{end} {row} number")
    return found.get_text()


def names(figure: Figure) -> list[str]:
    return [label.get_text() for label in figure.axes[0].get_yticklabels()]


def test_the_strongest_driver_is_on_top() -> None:
    figure = tornado_chart(BARS, BASE)

    assert names(figure) == BY_SPAN
    low, high = figure.axes[0].get_ylim()
    assert high < low


def test_equal_drivers_keep_their_order() -> None:
    assert names(tornado_chart([("b", 1.0, 3.0), ("a", 3.0, 1.0)], 2.0)) == ["b", "a"]


def test_every_bar_reaches_from_the_plan_to_its_result_and_says_it() -> None:
    figure = tornado_chart(BARS, BASE)
    results = {name: (low, high) for name, low, high in BARS}

    for row, name in enumerate(BY_SPAN):
        for end, result in zip(("low", "high"), results[name], strict=True):
            drawn = bar(figure, end, row)
            assert drawn.get_x() == BASE
            assert drawn.get_x() + drawn.get_width() == pytest.approx(result)
            assert float(number(figure, end, row)) == pytest.approx(result)


def test_low_and_high_are_two_patterns() -> None:
    figure = tornado_chart(BARS, BASE)

    assert all(bar(figure, "low", row).get_hatch() for row in range(len(BARS)))
    assert not any(bar(figure, "high", row).get_hatch() for row in range(len(BARS)))


def test_two_bars_on_one_side_hide_nothing_of_each_other() -> None:
    figure = tornado_chart(BARS, BASE)

    low, high = (bar(figure, end, BY_SPAN.index("Load ±20 %")) for end in ("low", "high"))
    assert low.get_y() + low.get_height() == pytest.approx(high.get_y())


@pytest.mark.parametrize(
    ("bars", "base"),
    [
        (BARS, BASE),
        ([("A single driver of thirty letters", -1.0, 2.0)], 0.0),
        ([("nothing moves", 0.0, 0.0)], 0.0),
        ([("deep", -1_234.5, -987.6), ("flat", -1_000.0, -1_000.0)], -1_000.0),
        ([(f"driver {place}", 100.0 + place, 130.0 + place) for place in range(30)], 50.0),
    ],
)
def test_names_numbers_and_legend_cover_nothing_and_stay_on_the_sheet(
    bars: list[tuple[str, float, float]], base: float
) -> None:
    named = [(name[:32], low, high) for name, low, high in bars]

    figure = tornado_chart(named, base)

    figure.canvas.draw()
    axes = figure.axes[0]
    labels = [label.get_window_extent() for label in axes.get_yticklabels()]
    written = [text.get_window_extent() for text in axes.texts]
    legend = [artist.get_window_extent() for artist in figure.artists]
    assert len(written) == 2 * len(bars)
    assert not any(label.overlaps(value) for label in labels for value in written)
    assert not any(one.overlaps(other) for place, one in enumerate(written) for other in written[:place])
    assert not any(entry.overlaps(value) for entry in legend for value in written)
    assert min(label.x0 for label in labels) >= 0.0
    assert max(entry.x1 for entry in legend) <= figure.bbox.x1
    assert max(box.y1 for box in [*labels, *written, *legend]) < figure.texts[1].get_window_extent().y0


def test_the_sentence_names_the_strongest_driver() -> None:
    text = alt_text(tornado_chart(BARS, BASE))

    assert "NPV is 20.4\u00a0M$ as planned; Capital cost ±20 % moves it most: 29.9\u00a0M$ when low" in text
    assert "no driver moves it" in alt_text(tornado_chart([("Tax", 1.0, 1.0)], 1.0))


def test_another_quantity_names_its_unit() -> None:
    figure = tornado_chart([("Load", 99.1, 97.25)], 98.0, quantity="Delivery", unit="%")

    assert figure.axes[0].get_xlabel() == "Delivery [%]"
    assert number(figure, "high", 0) == "97.25"


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"bars": []}, r"^bars: got 0 drivers, allowed: 1\.\.30"),
        ({"bars": [("a", 1.0, 2.0)] * 31}, "^bars: got 31 drivers"),
        ({"bars": [("Fuel", 1.0, float("nan"))]}, r"^bars\[0\] \(Fuel\): got 1.0 and nan"),
        ({"bars": [("Fuel", 1.0)]}, r"^bars\[0\]"),
        ({"bars": [("f" * 33, 1.0, 2.0)]}, r"^bars\[0\]: .*at most 32 letters"),
        ({"base": True}, "^base: got True"),
        ({"quantity": ""}, "^quantity"),
        ({"unit": 5}, "^unit"),
    ],
)
def test_an_argument_that_cannot_be_used_is_named(changes: dict[str, Any], where: str) -> None:
    given: dict[str, Any] = {"bars": BARS, "base": BASE}

    with pytest.raises(InvalidInputError, match=where):
        tornado_chart(**(given | changes))


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = (save_png(tornado_chart(BARS, BASE), tmp_path / name) for name in ("first.png", "second.png"))

    assert first.read_bytes() == second.read_bytes()
