from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from afterbay.core.errors import InvalidInputError
from afterbay.sizing.charts import alt_text, save_png, waterfall_chart
from afterbay.sizing.charts.waterfall import money_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

pytest.importorskip("matplotlib")

PARTS = [
    ("Capital cost", -48.9e6),
    ("Battery replacement", -9.2e6),
    ("Fuel", -3.4e6),
    ("Penalty", -0.02e6),
    ("Energy revenue", 71.3e6),
    ("Residual value", 1.9e6),
]
TOTAL = sum(amount for _, amount in PARTS)


def bars(figure: Figure) -> list[Rectangle]:
    """The bars in their order; the last is the total."""
    return [bar for bar in figure.axes[0].patches if str(bar.get_gid()).startswith(("part", "total"))]  # type: ignore[misc]


def numbers(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts if str(text.get_gid()).endswith("number")]


def test_every_bar_is_as_long_as_its_amount_and_starts_where_the_last_one_ended() -> None:
    *parts, total = bars(waterfall_chart(PARTS))

    assert [bar.get_width() * 1e6 for bar in parts] == pytest.approx([amount for _, amount in PARTS])
    assert parts[0].get_x() == 0.0
    for before, after in pairwise(parts):
        assert after.get_x() == pytest.approx(before.get_x() + before.get_width())
    assert total.get_x() == 0.0
    assert total.get_width() == pytest.approx(parts[-1].get_x() + parts[-1].get_width())
    assert total.get_width() * 1e6 == pytest.approx(TOTAL)


def test_gains_and_costs_differ_in_direction_sign_and_pattern() -> None:
    figure = waterfall_chart(PARTS)

    for (_, amount), bar, number in zip(PARTS, bars(figure), numbers(figure), strict=False):
        assert (bar.get_width() > 0.0) == (amount > 0.0)
        assert bool(bar.get_hatch()) == (amount < 0.0)
        assert number.startswith("+") == (amount > 0.0)
        assert number.endswith("\u25b6") == (amount > 0.0)
        assert number.startswith("\u25c0 \u2212") == (amount < 0.0)


def test_a_small_amount_is_not_rounded_away() -> None:
    assert numbers(waterfall_chart(PARTS)) == [
        "\u25c0 \u221248.9",
        "\u25c0 \u22129.2",
        "\u25c0 \u22123.4",
        "\u25c0 \u22120.02",
        "+71.3 \u25b6",
        "+1.9 \u25b6",
        "11.7",
    ]


def test_an_amount_below_all_digits_is_written_as_less_than_the_last() -> None:
    assert numbers(waterfall_chart([("large", 1e9), ("tiny", -0.004)]))[1] == "\u25c0 \u2212<0.000001"


def test_parts_that_cancel_make_a_total_of_zero_whatever_rounding_leaves() -> None:
    assert 0.1 + 0.2 - 0.3 != 0.0

    assert numbers(waterfall_chart([("a", 0.1), ("b", 0.2), ("c", -0.3)]))[-1] == "0.00"


def test_the_names_stand_in_their_order_with_the_total_last() -> None:
    labels = waterfall_chart(PARTS, total_label="Net value").axes[0].get_yticklabels()

    assert [label.get_text() for label in labels] == [*(name for name, _ in PARTS), "Net value"]


def test_a_total_that_is_not_the_sum_is_refused() -> None:
    assert bars(waterfall_chart(PARTS, total=TOTAL))

    with pytest.raises(InvalidInputError, match=r"^total: got .*, allowed: 11,680,000\.00, what the parts add up to"):
        waterfall_chart(PARTS, total=TOTAL + 1.0)


@pytest.mark.parametrize("amounts", [[-48e3], [0.0], [0.0, 0.0], [5.0, -5.0], [-1e9, 2.5e9, -0.004], [1e6] * 30])
def test_names_numbers_and_legend_cover_nothing_and_stay_on_the_sheet(amounts: list[float]) -> None:
    figure = waterfall_chart(
        [(f"A part of the sum, number {place:02d}", amount) for place, amount in enumerate(amounts)]
    )

    figure.canvas.draw()
    axes = figure.axes[0]
    names = [label.get_window_extent() for label in axes.get_yticklabels()]
    written = [text.get_window_extent() for text in axes.texts]
    legend = [artist.get_window_extent() for artist in figure.artists]
    sentence = figure.texts[1].get_window_extent()
    assert not any(name.overlaps(number) for name in names for number in written)
    assert not any(number.overlaps(bar.get_window_extent()) for number in written for bar in bars(figure))
    assert not any(number.overlaps(entry) for number in written for entry in legend)
    assert min(name.x0 for name in names) >= 0.0
    assert max(entry.x1 for entry in legend) <= figure.bbox.x1
    assert max(box.y1 for box in [*names, *written, *legend]) < sentence.y0


def test_the_sentence_names_the_sum_and_the_largest_parts() -> None:
    text = alt_text(waterfall_chart(PARTS))

    assert "NPV is $11.7\u00a0M: $73.2\u00a0M of gains, most of all Energy revenue ($71.3\u00a0M)" in text
    assert "$61.5\u00a0M of costs, most of all Capital cost ($48.9\u00a0M)." in text


def test_a_loss_has_a_real_minus_before_its_currency() -> None:
    assert "NPV is \u2212$48.9\u00a0M: no gains" in alt_text(waterfall_chart(PARTS[:1]))
    assert "NPV is \u221248.9\u00a0M\u00a0EUR" in alt_text(waterfall_chart(PARTS[:1], currency="EUR"))


@pytest.mark.parametrize(
    ("largest", "unit", "shown"),
    [
        (48.91e6, "M$", "48.9"),
        (5.791e6, "M$", "5.79"),
        (146.4e6, "M$", "146"),
        (48e3, "k$", "48.0"),
        (7.0, "$", "7.00"),
    ],
)
def test_the_unit_follows_the_largest_amount_with_three_digits(largest: float, unit: str, shown: str) -> None:
    money = money_of(largest)

    assert (money.unit, money.number(largest)) == (unit, shown)


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"parts": []}, r"^parts: got 0 parts, allowed: 1\.\.30"),
        ({"parts": [("a", 1.0)] * 31}, "^parts: got 31 parts"),
        ({"parts": [("fuel", float("nan"))]}, r"^parts\[0\] \(fuel\): got nan"),
        ({"parts": [("fuel", True)]}, r"^parts\[0\] \(fuel\)"),
        ({"parts": [("fuel",)]}, r"^parts\[0\]"),
        ({"parts": [("f" * 33, 1.0)]}, r"^parts\[0\]: .*at most 32 letters"),
        ({"currency": ""}, "^currency"),
        ({"total_label": None}, "^total_label"),
        ({"total": "much"}, "^total: got much"),
    ],
)
def test_an_argument_that_cannot_be_used_is_named(changes: dict[str, Any], where: str) -> None:
    with pytest.raises(InvalidInputError, match=where):
        waterfall_chart(**({"parts": PARTS} | changes))


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = (save_png(waterfall_chart(PARTS), tmp_path / name) for name in ("first.png", "second.png"))

    assert first.read_bytes() == second.read_bytes()
