from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from community_results import elm_week, one_house, random_run, two_house_library, two_house_run

from afterbay.community.results import community_flows, import_change
from afterbay.community.results.charts import (
    community_carpet_chart,
    community_sankey_chart,
    house_dumbbell_chart,
    loading_duration_chart,
    picture_text,
    save_picture,
)
from afterbay.community.results.charts.carpet import carpet_table
from afterbay.community.simulation import CommunityRun, horizon, run_community
from afterbay.community.topology import set_fields, two_houses
from afterbay.core.errors import InvalidInputError, MissingExtraError, OutOfRangeError

pytest.importorskip("matplotlib")

PARTS = ("solar", "wind", "grid", "store_before", "batteries", "network", "demand", "export", "curtailed",
         "battery_losses", "network_losses", "store_after")  # fmt: skip
CHARTS: tuple[Callable[[CommunityRun], Any], ...] = (
    loading_duration_chart,
    community_carpet_chart,
    community_sankey_chart,
    house_dumbbell_chart,
)


def _by_gid(figure: Any, gid: str) -> list[Any]:
    return figure.findobj(lambda artist: artist.get_gid() == gid)  # type: ignore[no-any-return]


@pytest.mark.parametrize("chart", CHARTS)
@pytest.mark.parametrize("ending", ["png", "svg"])
def test_the_same_picture_has_the_same_bytes(tmp_path: Path, chart: Callable[..., Any], ending: str) -> None:
    run = elm_week()

    first = save_picture(chart(run), tmp_path / f"a.{ending}", 60)
    second = save_picture(chart(run), tmp_path / f"b.{ending}", 60)

    assert first.read_bytes() == second.read_bytes()
    assert first.read_bytes() != save_picture(chart(two_house_run()), tmp_path / f"c.{ending}", 60).read_bytes()


@pytest.mark.parametrize("chart", CHARTS)
def test_every_picture_asks_a_question_and_says_the_answer_in_words(chart: Callable[..., Any]) -> None:
    text = picture_text(chart(elm_week()))

    assert "?" in text
    assert text.endswith(".")


@pytest.mark.parametrize("chart", CHARTS)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_any_community_can_be_drawn(tmp_path: Path, chart: Callable[..., Any], seed: int) -> None:
    assert save_picture(chart(random_run(seed)), tmp_path / "a.png", 50).stat().st_size > 3_000


def test_the_loading_picture_counts_the_hours_above_the_rating() -> None:
    grid = set_fields(two_houses(), "T-1.1", rated_kw=0.4)
    run = run_community(grid, two_house_library(), "none", horizon("2023-06-01", 1))

    figure = loading_duration_chart(run)

    texts = [text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))]  # type: ignore[attr-defined]
    assert "hours above 100\u00a0%: 24" in texts
    assert "T-1.1 24\u00a0h" in picture_text(figure)
    (line,) = _by_gid(figure, "rating")
    assert set(line.get_ydata()) == {100.0}
    (curve,) = _by_gid(figure, "loading T-1.1")
    assert max(curve.get_ydata()) == pytest.approx(125.0)


def test_a_year_has_a_panel_of_its_own_for_the_highest_hours() -> None:
    assert len(loading_duration_chart(two_house_run()).axes) == 1
    assert len(loading_duration_chart(two_house_run(days=60)).axes) == 2


def test_a_picture_of_loading_needs_a_rating() -> None:
    grid = set_fields(two_houses(), "T-1.1", rated_kw=None)
    run = run_community(grid, two_house_library(), "none", horizon("2023-06-01", 1))

    with pytest.raises(InvalidInputError, match="rated_kw"):
        loading_duration_chart(run)


def test_the_carpet_shows_local_time_on_days_of_23_and_25_hours() -> None:
    spring, autumn = carpet_table(elm_week()), carpet_table(elm_week("2023-10-27"))

    assert spring.shape == autumn.shape == (96, 8)
    gone = np.isnan(spring)
    assert gone.sum() == 4
    assert gone[8:12, 4].all()
    assert not np.isnan(autumn).any()
    run = elm_week("2023-10-27")
    net = (run.nodes("up_kwh") - run.nodes("down_kwh"))[:, 0] / 0.25
    twice = net[run.days.starts[2] :][:100]
    assert autumn[8:12, 2] == pytest.approx((twice[8:12] + twice[12:16]) / 2.0)
    assert autumn[12:, 2] == pytest.approx(twice[16:])


def test_the_carpet_is_white_at_zero_with_equal_ends() -> None:
    image = community_carpet_chart(elm_week()).axes[0].images[0]

    low, high = image.get_clim()
    assert low == -high
    assert image.cmap(0.5)[:3] == pytest.approx((1.0, 1.0, 1.0), abs=0.02)


@pytest.mark.parametrize("seed", range(4))
def test_ribbons_are_as_high_as_the_bars_that_they_join(seed: int) -> None:
    run = random_run(seed)

    figure, found = community_sankey_chart(run), community_flows(run)

    drawn_bars = {part: _by_gid(figure, f"part {part}") for part in PARTS}
    bars = {part: found_bars[0].get_height() for part, found_bars in drawn_bars.items() if found_bars}
    scale = max(bars.values()) / max(found.through_kwh(part) for part in bars)
    drawn = {}
    for flow in found.flows:
        (ribbon,) = _by_gid(figure, f"{flow.source} to {flow.target}")
        corners = ribbon.get_path().vertices
        # The first and the last corner of the closed outline stand above each other.
        drawn[flow] = corners[0][1] - corners[-2][1]
        assert drawn[flow] == pytest.approx(flow.energy_kwh * scale)
    for part, height in bars.items():
        assert height == pytest.approx(found.through_kwh(part) * scale)
        entering = sum(size for flow, size in drawn.items() if flow.target == part)
        leaving = sum(size for flow, size in drawn.items() if flow.source == part)
        assert max(entering, leaving) == pytest.approx(height)


def test_what_was_not_served_is_marked_beside_the_demand() -> None:
    hours = np.full(96, 2.0)
    grid, library, run = one_house(hours, np.zeros(96))
    limited = run_community(set_fields(grid, "H-1.1.1", import_kw=1.0), library, "none", run.timeline)

    figure = community_sankey_chart(limited)

    assert "24.0\u00a0kWh are not served" in picture_text(figure)
    assert _by_gid(figure, "unserved")
    assert not _by_gid(community_sankey_chart(run), "unserved")


def test_dumbbells_are_sorted_and_show_before_and_after() -> None:
    run = elm_week()

    figure, change = house_dumbbell_chart(run), import_change(run)

    (before,), (after,) = _by_gid(figure, "before"), _by_gid(figure, "after")
    assert before.get_xdata().tolist() == sorted(change.before_kwh.tolist())
    order = [change.before_kwh.tolist().index(value) for value in before.get_xdata()]
    assert after.get_xdata().tolist() == change.after_kwh[order].tolist()
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == [change.shown[at] for at in order]
    (median,) = _by_gid(figure, "median before")
    assert median.get_xdata()[0] == pytest.approx(np.median(change.before_kwh))
    assert f"{change.gini_saved:.2f}" in picture_text(figure)


def test_a_picture_is_refused_a_bad_name_or_resolution(tmp_path: Path) -> None:
    figure = house_dumbbell_chart(two_house_run())

    with pytest.raises(InvalidInputError, match=r"\.png or \.svg"):
        save_picture(figure, tmp_path / "a.jpg")
    with pytest.raises(OutOfRangeError, match=r"50\.\.600"):
        save_picture(figure, tmp_path / "a.png", 10)
    assert list(tmp_path.iterdir()) == []


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)

    for chart in CHARTS:
        with pytest.raises(MissingExtraError, match=r"afterbay\[report\]"):
            chart(two_house_run())
