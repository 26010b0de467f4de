from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from afterbay.core.errors import InvalidInputError
from afterbay.sizing.charts import SANKEY_FLOWS, alt_text, sankey_chart, sankey_flows, save_png
from afterbay.sizing.metrics import SummaryMetrics, calculate_metrics
from afterbay.sizing.simulation import HourlyResults

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.transforms import Bbox

    Run = Callable[..., HourlyResults]

pytest.importorskip("matplotlib")

FLOWS = {
    "solar": 120_000.0,
    "solar_to_load": 36_000.0,
    "solar_to_battery": 52_000.0,
    "solar_curtailed": 32_000.0,
    "generator": 9_000.0,
    "generator_to_load": 6_000.0,
    "generator_to_battery": 2_000.0,
    "generator_unused": 1_000.0,
    "battery_to_load": 44_800.0,
    "battery_losses": 9_170.0,
    "battery_change": 30.0,
    "load": 87_600.0,
    "unserved": 800.0,
}
NO_GENERATOR = FLOWS | {
    "generator": 0.0,
    "generator_to_load": 0.0,
    "generator_to_battery": 0.0,
    "generator_unused": 0.0,
    "unserved": 6_800.0,
    "battery_losses": 7_240.0,
    "battery_change": -40.0,
}
RIBBONS = [name for name in FLOWS if "_" in name and name != "battery_change"]


def box(figure: Figure, gid: str) -> Bbox:
    """The place of a ribbon or a bar [in]."""
    (patch,) = (patch for patch in figure.axes[0].patches if patch.get_gid() == gid)
    return patch.get_path().transformed(patch.get_patch_transform()).get_extents()


def drawn(figure: Figure) -> set[str]:
    return {str(patch.get_gid()) for patch in figure.axes[0].patches}


def thickness(figure: Figure, gid: str) -> tuple[float, float]:
    """Height of a ribbon where it begins and where it ends [in]."""
    (patch,) = (patch for patch in figure.axes[0].patches if patch.get_gid() == gid)
    points = np.asarray(patch.get_path().vertices)
    first, last = points[:, 0].min(), points[:, 0].max()
    ends = [points[points[:, 0] == x, 1] for x in (first, last)]
    return float(np.ptp(ends[0])), float(np.ptp(ends[1]))


def inches_per_mwh(figure: Figure, flows: dict[str, float]) -> float:
    return float(box(figure, "node load").height) / flows["load"]


@pytest.mark.parametrize("flows", [FLOWS, NO_GENERATOR])
def test_every_ribbon_is_as_wide_as_its_energy_at_both_ends(flows: dict[str, float]) -> None:
    figure = sankey_chart(flows)
    scale = inches_per_mwh(figure, flows)

    for name in RIBBONS:
        if flows[name] == 0.0:
            assert name not in drawn(figure)
        else:
            assert thickness(figure, name) == pytest.approx((flows[name] * scale,) * 2)


@pytest.mark.parametrize("flows", [FLOWS, NO_GENERATOR])
def test_what_enters_and_leaves_a_bar_fills_it(flows: dict[str, float]) -> None:
    figure = sankey_chart(flows)

    scale = inches_per_mwh(figure, flows)
    battery = box(figure, "node battery")
    charge = flows["solar_to_battery"] + flows["generator_to_battery"] + max(-flows["battery_change"], 0.0)
    assert battery.height == pytest.approx(charge * scale)
    discharge = flows["battery_to_load"] + flows["battery_losses"] + max(flows["battery_change"], 0.0)
    assert battery.height == pytest.approx(discharge * scale)
    load, missing = box(figure, "node load"), box(figure, "unserved")
    assert missing.y0 == pytest.approx(load.y0)
    assert missing.height == pytest.approx(flows["unserved"] * scale)


def test_the_change_of_the_store_is_drawn_on_its_side_of_the_battery() -> None:
    assert "stored_more" in drawn(sankey_chart(FLOWS))
    assert "stored_before" not in drawn(sankey_chart(FLOWS))
    assert "stored_before" in drawn(sankey_chart(NO_GENERATOR))
    assert "stored_more" not in drawn(sankey_chart(NO_GENERATOR))


def test_every_energy_is_written() -> None:
    written = {text.get_text() for text in sankey_chart(FLOWS).axes[0].texts}

    assert {
        "120,000\u00a0MWh",
        "9,000\u00a0MWh",
        "charge: solar 52,000\u00a0MWh",
        "charge: generator 2,000\u00a0MWh",
        "discharge: 44,800\u00a0MWh",
        "32,000\u00a0MWh",
        "87,600\u00a0MWh",
        "from solar 36,000\u00a0MWh",
        "from battery 44,800\u00a0MWh",
        "from generator 6,000\u00a0MWh",
        "\u2715 not served 800.0\u00a0MWh",
        "9,170\u00a0MWh",
        "30.0\u00a0MWh",
        "1,000\u00a0MWh",
    } <= written


def only(**some: float) -> dict[str, float]:
    return dict.fromkeys(SANKEY_FLOWS, 0.0) | some


@pytest.mark.parametrize(
    "flows",
    [
        FLOWS,
        NO_GENERATOR,
        only(load=10.0, unserved=10.0),
        only(solar=5.0, solar_curtailed=5.0),
        only(load=1e6, generator=1e6 + 1.0, generator_to_load=1e6, generator_unused=1.0),
        only(battery_change=-4.0, battery_losses=1.0, battery_to_load=3.0, load=3.0),
        FLOWS | {"solar": 1e7, "solar_curtailed": 1e7 - 88_000.0},
    ],
)
def test_labels_cover_no_label_no_bar_and_no_ribbon_of_the_battery_and_stay_on_the_sheet(
    flows: dict[str, float],
) -> None:
    figure = sankey_chart(flows)
    axes = figure.axes[0]

    figure.canvas.draw()
    labels = [text.get_window_extent() for text in axes.texts]
    bars = [patch.get_window_extent() for patch in axes.patches if str(patch.get_gid()).startswith("node")]
    slack = 1.5
    for place, label in enumerate(labels):
        inner = label.padded(-slack)
        assert not any(inner.overlaps(other.padded(-slack)) for other in labels[:place])
        assert not any(inner.overlaps(bar) for bar in bars)
        assert label.x0 >= 0.0
        assert label.x1 <= figure.bbox.x1
        assert label.y0 >= 0.0
        assert label.y1 < figure.texts[1].get_window_extent().y0
    for text in axes.texts:
        if text.get_gid() == "label battery":
            corners = text.get_window_extent().padded(-slack).corners()
            ribbons = [patch for patch in axes.patches if str(patch.get_gid()) in FLOWS]
            assert not any(ribbon.contains_point(corner) for ribbon in ribbons for corner in corners)


def test_a_run_without_any_energy_says_so() -> None:
    figure = sankey_chart(only())

    assert [text.get_text() for text in figure.axes[0].texts] == ["no energy"]
    assert "There is no load." in alt_text(figure)


def test_the_sentence_says_who_serves_the_load_and_what_is_lost() -> None:
    text = alt_text(sankey_chart(FLOWS))

    assert "The load of 87,600\u00a0MWh gets 41.1\u00a0% from solar, 51.1\u00a0% from the battery" in text
    assert "6.8\u00a0% from the generator" in text
    assert "800.0\u00a0MWh are not served" in text
    assert "9,170\u00a0MWh are lost in the battery" in text
    assert "the generator" not in alt_text(sankey_chart(NO_GENERATOR))


@pytest.mark.parametrize(
    ("changes", "nodes"),
    [
        ({"solar": 120_001.0}, ["Solar"]),
        ({"generator_unused": 0.0}, ["Generator"]),
        ({"battery_losses": 9_000.0}, ["Battery"]),
        ({"unserved": 0.0}, ["Load"]),
        ({"battery_to_load": 44_000.0}, ["Battery", "Load"]),
    ],
)
def test_a_node_whose_sides_differ_is_named(changes: dict[str, float], nodes: list[str]) -> None:
    with pytest.raises(InvalidInputError, match="the same energy on both sides") as caught:
        sankey_chart(FLOWS | changes)

    assert [problem.where for problem in caught.value.problems] == nodes


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"solar": float("nan")}, r"^flows\['solar'\]: got nan"),
        ({"load": -1.0}, r"^flows\['load'\]: got -1.0"),
        ({"unserved": True}, r"^flows\['unserved'\]"),
        ({"wind": 1.0}, r"^flows\['wind'\]: got a name"),
    ],
)
def test_a_flow_that_cannot_be_used_is_named(changes: dict[str, Any], where: str) -> None:
    with pytest.raises(InvalidInputError, match=where):
        sankey_chart(FLOWS | changes)


def test_every_missing_flow_is_named() -> None:
    with pytest.raises(InvalidInputError) as caught:
        sankey_chart({})

    assert len(caught.value.problems) == len(SANKEY_FLOWS)


def metrics_of(results: HourlyResults) -> SummaryMetrics:
    return calculate_metrics(results, results.params)


@pytest.mark.parametrize("changes", [{}, {"dg_capacity": 6.0}, {"bess_capacity": 0.0}, {"steps": 24}])
def test_the_flows_of_a_run_add_up_with_the_energy_it_began_with(run: Run, changes: dict[str, Any]) -> None:
    results = run(**changes)
    metrics = metrics_of(results)
    initial = results.params.bess_capacity * results.params.bess_initial_soc

    flows = sankey_flows(metrics, initial_mwh=initial)

    assert tuple(sorted(flows)) == tuple(sorted(SANKEY_FLOWS))
    assert flows["battery_change"] == metrics.final_soc - initial
    assert flows["battery_change"] == pytest.approx(sankey_flows(metrics)["battery_change"], abs=1e-6)
    assert "node load" in drawn(sankey_chart(flows))


def test_a_wrong_energy_at_the_start_breaks_the_balance_of_the_battery(run: Run) -> None:
    flows = sankey_flows(metrics_of(run()), initial_mwh=1.0)

    with pytest.raises(InvalidInputError, match=r"^Battery: got"):
        sankey_chart(flows)


def test_metrics_that_contradict_themselves_are_refused(run: Run) -> None:
    metrics = metrics_of(run(bess_initial_soc=0.05, steps=24))

    with pytest.raises(InvalidInputError, match=r"metrics\.final_soc"):
        sankey_flows(replace(metrics, total_solar_to_bess=metrics.total_solar_to_bess + 1_000.0))
    with pytest.raises(InvalidInputError, match="initial_mwh"):
        sankey_flows(metrics, initial_mwh=-1.0)


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = (save_png(sankey_chart(FLOWS), tmp_path / name) for name in ("first.png", "second.png"))

    assert first.read_bytes() == second.read_bytes()
