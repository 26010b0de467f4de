from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from afterbay.core.errors import InvalidInputError
from afterbay.sizing.charts import alt_text, save_png, years_chart

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

pytest.importorskip("matplotlib")

YEARS = np.arange(21)
ENERGY = 100.0 * 0.98 ** np.where(YEARS < 8, YEARS, YEARS - 4)
DELIVERY = 100.0 - 0.1 * (100.0 - ENERGY)


def panels(figure: Figure) -> tuple[Axes, Axes]:
    top, bottom = figure.axes
    return top, bottom


def drawn(axes: Axes, gid: str) -> Any:
    (line,) = (line for line in axes.lines if line.get_gid() == gid)
    return np.asarray(line.get_xydata())


def event_words(figure: Figure) -> list[Text]:
    return [text for text in panels(figure)[0].texts if text.get_gid() == "event word"]


def test_both_panels_draw_the_numbers_they_were_given() -> None:
    top, bottom = panels(years_chart(YEARS, ENERGY, DELIVERY))

    assert drawn(top, "energy") == pytest.approx(np.column_stack([YEARS, ENERGY]))
    assert drawn(bottom, "delivery") == pytest.approx(np.column_stack([YEARS, DELIVERY]))
    assert top.get_xlim() == bottom.get_xlim()
    assert "[% of nameplate]" in top.get_ylabel()
    assert "[% of load hours]" in bottom.get_ylabel()


def test_every_number_is_inside_its_panel() -> None:
    energy = ENERGY + 30.0

    drawn_panels = panels(years_chart(YEARS, energy, DELIVERY, target_pct=80.0))

    for axes, values in zip(drawn_panels, (energy, DELIVERY), strict=True):
        low, high = axes.get_ylim()
        assert low < values.min()
        assert values.max() < high


def test_exactly_the_years_below_the_target_have_a_cross() -> None:
    _, bottom = panels(years_chart(YEARS, ENERGY, DELIVERY, target_pct=98.9))

    crosses = [dots for dots in bottom.collections if dots.get_gid() == "missed"]
    missed = DELIVERY < 98.9
    assert 0 < missed.sum() < len(YEARS)
    for dots in crosses:
        assert np.asarray(dots.get_offsets()) == pytest.approx(np.column_stack([YEARS, DELIVERY])[missed])
    assert set(drawn(bottom, "target")[:, 1]) == {98.9}


def test_a_target_that_is_met_has_no_cross() -> None:
    figure = years_chart(YEARS, ENERGY, DELIVERY, target_pct=50.0)

    assert not [dots for dots in panels(figure)[1].collections if dots.get_gid() == "missed"]
    assert "is met in every year" in alt_text(figure)


def test_an_event_is_a_line_in_both_panels_and_a_word() -> None:
    figure = years_chart(YEARS, ENERGY, DELIVERY, events=[("augmentation", 8)])

    for axes in panels(figure):
        assert set(drawn(axes, "event")[:, 0]) == {8.0}
    assert [text.get_text() for text in event_words(figure)] == ["augmentation"]
    assert "augmentation in year 8" in alt_text(figure)


def test_words_of_events_cover_neither_each_other_nor_the_sentence_and_stay_on_the_sheet() -> None:
    events = [(word, year) for year in range(21) for word in ("augmentation", "inverter replaced")]

    figure = years_chart(YEARS, ENERGY, DELIVERY, events=events)

    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in event_words(figure)]
    assert len(boxes) > 6
    assert not any(one.overlaps(other) for place, one in enumerate(boxes) for other in boxes[:place])
    assert max(box.y1 for box in boxes) < figure.texts[1].get_window_extent().y0
    assert min(box.x0 for box in boxes) >= 0.0
    assert max(box.x1 for box in boxes) <= figure.bbox.x1
    marks = [line for line in panels(figure)[0].lines if line.get_gid() == "event mark"]
    assert len(marks) == len(events)


def test_the_sentence_says_where_both_begin_and_end_and_what_is_missed() -> None:
    text = alt_text(years_chart([0, 1, 2], [100.0, 96.0, 98.0], [99.96, 97.0, 98.0], target_pct=99.0))

    assert "The battery holds 100.0\u00a0% in year 0 and 98.0\u00a0% in year 2, at least 96.0\u00a0% in year 1" in text
    assert "delivery is 99.96\u00a0% in year 0" in text
    assert "missed in 2 of 3 years, first in year 1" in text


@pytest.mark.parametrize("values", [0.0, 100.0])
def test_a_single_year_shows_only_its_own_number(values: float) -> None:
    figure = years_chart([3], [values], [values], target_pct=100.0, events=[("start", 3)])

    ticks = [label.get_text() for label in panels(figure)[1].get_xticklabels()]
    assert ticks == ["3"]


@pytest.mark.parametrize("delivery", [0.0, 0.5, 99.9, 100.0])
def test_no_delivery_below_zero_or_above_a_hundred_percent_can_be_read(delivery: float) -> None:
    figure = years_chart(YEARS, ENERGY, np.full(21, delivery))

    low, high = panels(figure)[1].get_ylim()
    ticks = [tick for tick in panels(figure)[1].get_yticks() if low <= tick <= high]
    assert len(ticks) > 2
    assert min(ticks) >= 0.0
    assert max(ticks) <= 100.0
    assert low < delivery < high


def test_titles_ticks_and_legends_stay_on_the_sheet() -> None:
    figure = years_chart(YEARS, ENERGY, DELIVERY, target_pct=99.0, events=[("augmentation", 8)])

    figure.canvas.draw()
    boxes = [artist.get_window_extent() for artist in figure.artists]
    boxes += [axes.yaxis.label.get_window_extent() for axes in panels(figure)]
    assert min(box.x0 for box in boxes) >= 0.0
    assert max(box.x1 for box in boxes) <= figure.bbox.x1
    for axes in panels(figure):
        title = axes.yaxis.label.get_window_extent()
        assert not any(title.overlaps(tick.get_window_extent()) for tick in axes.get_yticklabels())


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"year": [0, 2, 1]}, "^year: got years that do not rise"),
        ({"year": []}, "^year: got nothing"),
        ({"year": "ten"}, "^year"),
        ({"retention_pct": [100.0]}, "^retention_pct: got 1 numbers, allowed: 3"),
        ({"retention_pct": [100.0, -1.0, 90.0]}, "^retention_pct: got -1.0 at step 1"),
        ({"delivery_pct": [100.0, 100.1, 90.0]}, "^delivery_pct: got 100.1"),
        ({"delivery_pct": [100.0, np.nan, 90.0]}, "^delivery_pct: got nan at step 1"),
        ({"target_pct": 101.0}, "^target_pct"),
        ({"target_pct": True}, "^target_pct"),
        ({"events": [("augmentation", 9)]}, r"^events\[0\]: got augmentation in year 9, allowed: a year 0\.\.2"),
        ({"events": ["augmentation"]}, r"^events\[0\]"),
    ],
)
def test_an_argument_that_cannot_be_used_is_named(changes: dict[str, Any], where: str) -> None:
    given: dict[str, Any] = {"year": [0, 1, 2], "retention_pct": [100.0] * 3, "delivery_pct": [99.0] * 3}

    with pytest.raises(InvalidInputError, match=where):
        years_chart(**(given | changes))


def test_all_problems_come_together() -> None:
    with pytest.raises(InvalidInputError) as caught:
        years_chart([1, 0], [-1.0, 2.0], [300.0, 1.0], target_pct=-1.0)

    assert [problem.where for problem in caught.value.problems] == [
        "year",
        "retention_pct",
        "delivery_pct",
        "target_pct",
    ]


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = (
        save_png(years_chart(YEARS, ENERGY, DELIVERY, target_pct=99.0, events=[("augmentation", 8)]), tmp_path / name)
        for name in ("first.png", "second.png")
    )

    assert first.read_bytes() == second.read_bytes()
