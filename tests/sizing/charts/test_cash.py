from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from afterbay.core.errors import InvalidInputError
from afterbay.sizing.charts import alt_text, cash_chart, save_png

if TYPE_CHECKING:
    from matplotlib.figure import Figure

pytest.importorskip("matplotlib")

YEARS = np.arange(21)
FLOWS = np.array([-48.9e6] + [6.6e6] * 9 + [-9.0e6] + [6.6e6] * 10)
CASH = FLOWS.cumsum()
DISCOUNTED = (FLOWS / 1.08**YEARS).cumsum()
PAYBACK = 7.0 + 2.7 / 6.6


def drawn(figure: Figure, gid: str) -> Any:
    (line,) = (line for line in figure.axes[0].lines if line.get_gid() == gid)
    return np.asarray(line.get_xydata())


def test_both_lines_draw_the_sums_in_millions() -> None:
    figure = cash_chart(YEARS, CASH, DISCOUNTED)

    assert drawn(figure, "cash") == pytest.approx(np.column_stack([YEARS, CASH / 1e6]))
    assert drawn(figure, "discounted") == pytest.approx(np.column_stack([YEARS, DISCOUNTED / 1e6]))
    assert figure.axes[0].get_ylabel().endswith("[M$]")


def test_the_payback_is_marked_where_the_line_crosses_zero() -> None:
    (at,) = drawn(cash_chart(YEARS, CASH, payback_year=PAYBACK), "payback")

    assert at == pytest.approx([PAYBACK, 0.0], abs=1e-9)


def test_without_a_payback_nothing_is_marked() -> None:
    figure = cash_chart(YEARS, CASH - 1e9)

    assert "payback" not in {line.get_gid() for line in figure.axes[0].lines}
    assert "has not paid for itself by year 20" in alt_text(figure)


def test_the_label_of_the_payback_covers_no_line_and_the_legend_stays_on_the_sheet() -> None:
    figure = cash_chart(YEARS, CASH, DISCOUNTED, PAYBACK)
    axes = figure.axes[0]

    figure.canvas.draw()
    (label,) = (text for text in axes.texts if text.get_gid() == "payback-label")
    bubble = label.get_bbox_patch()
    assert bubble is not None
    box = bubble.get_window_extent()
    years = np.linspace(0.0, 20.0, 2_001)
    for gid in ("cash", "discounted"):
        line = drawn(figure, gid)
        points = axes.transData.transform(np.column_stack([years, np.interp(years, line[:, 0], line[:, 1])]))
        assert not ((points >= box.min) & (points <= box.max)).all(axis=1).any()
    assert max(artist.get_window_extent().x1 for artist in figure.artists) <= figure.bbox.x1


def test_the_sentence_says_how_deep_it_falls_when_it_is_back_and_where_it_ends() -> None:
    text = alt_text(cash_chart(YEARS, CASH, DISCOUNTED, PAYBACK))

    assert "The sum of cash is $67.5\u00a0M in year 20" in text
    assert "lowest in year 0 with \u2212$48.9\u00a0M" in text
    assert "paid for itself after 7.41 years" in text
    assert f"at its value of today the sum ends at ${DISCOUNTED[-1] / 1e6:.1f}\u00a0M" in text


@pytest.mark.parametrize("amount", [0.0, -3e6, 250.0])
def test_a_single_year_can_be_drawn(amount: float) -> None:
    figure = cash_chart([0], [amount], [amount])

    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["0"]
    low, high = figure.axes[0].get_ylim()
    assert low < 0.0 < high


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"years": [0, 0]}, "^years: got years that do not rise"),
        ({"cumulative_usd": [1.0]}, "^cumulative_usd: got 1 numbers, allowed: 2"),
        ({"cumulative_usd": [1.0, np.inf]}, "^cumulative_usd: got inf at step 1"),
        ({"discounted_cumulative_usd": [[1.0, 2.0]]}, "^discounted_cumulative_usd: got shape"),
        ({"payback_year": 1.5}, r"^payback_year: got 1\.5, allowed: a year 0\.\.1, or None"),
        ({"payback_year": float("nan")}, "^payback_year"),
    ],
)
def test_an_argument_that_cannot_be_used_is_named(changes: dict[str, Any], where: str) -> None:
    given: dict[str, Any] = {"years": [0, 1], "cumulative_usd": [-1.0, 1.0]}

    with pytest.raises(InvalidInputError, match=where):
        cash_chart(**(given | changes))


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = (
        save_png(cash_chart(YEARS, CASH, DISCOUNTED, PAYBACK), tmp_path / name) for name in ("first.png", "second.png")
    )

    assert first.read_bytes() == second.read_bytes()
