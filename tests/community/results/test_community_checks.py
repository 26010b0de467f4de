from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from community_results import elm_week, random_run, spoilt, two_house_run
from hypothesis import given, settings
from hypothesis import strategies as st

from afterbay.community.results import community_check, community_flows, house_kpis
from afterbay.core.compiled import Floats
from afterbay.core.errors import PhysicsError


def more(values: Floats) -> Floats:
    values.flat[0] += 0.01
    return values


def less(values: Floats) -> Floats:
    values.flat[0] -= 0.01
    return values


def lost(values: Floats) -> Floats:
    values.flat[0] = np.nan
    return values


def test_a_run_keeps_twelve_laws_and_two_more_with_series() -> None:
    assert community_check(elm_week()).summary == "physics 14/14"
    assert community_check(two_house_run()).passed
    check = community_check(elm_week()).to_dict()
    assert check["passed"] is True
    assert len({law["name"] for law in check["laws"]}) == 14


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["proportional", "equal", "priority", "none"]))
def test_random_communities_keep_every_law(seed: int, rule: str) -> None:
    check = community_check(random_run(seed, rule))

    check.raise_if_failed()


@pytest.mark.parametrize(
    ("table", "column", "change", "law"),
    [
        ("daily", "load_kwh", more, "every house takes in"),
        ("daily", "battery_loss_kwh", more, "every battery keeps"),
        ("daily", "stored_kwh", lambda values: values + 100.0, "stored energy stays"),
        ("daily", "charge_kwh", lambda values: values + 1_000.0, "batteries stay within their power"),
        ("daily", "curtailed_network_kwh", lambda values: values + 1_000.0, "curtailed at most"),
        ("daily", "unserved_network_kwh", lambda values: values + 1_000.0, "unserved at most"),
        ("daily", "own_use_kwh", lambda values: values, None),
        ("daily", "solar_kwh", lambda values: values - 1_000.0, "no flow is negative"),
        ("daily", "bought_kwh", more, "shared at most"),
        ("nodes", "supply_kwh", more, "supply and demand meet"),
        ("nodes", "up_kwh", lambda values: values + 0.1, "flows stay within limits"),
        ("nodes", "loss_kwh", more, "losses of transformers"),
        ("nodes", "down_kwh", less, "houses and losses add up"),
        ("series", "import_kwh", lambda values: values + 0.1, "no house imports and exports"),
        ("series", "export_kwh", more, "steps add up to days"),
        ("daily", "load_kwh", lost, "every house takes in"),
    ],
)
def test_a_number_that_is_wrong_breaks_the_law_that_it_is_under(table, column, change, law) -> None:  # type: ignore[no-untyped-def]
    check = community_check(spoilt(elm_week(), table, column, change))

    broken = [one.name for one in check.laws if not one.holds]
    if law is None:
        assert not broken
        return
    assert any(name.startswith(law) for name in broken)
    with pytest.raises(PhysicsError, match="breaks physics"):
        check.raise_if_failed()
    assert check.summary != "physics 14/14"


def test_the_residual_of_a_house_shows_energy_from_nowhere() -> None:
    run = spoilt(two_house_run(), "daily", "load_kwh", more)

    assert house_kpis(run)["residual_kwh"] == pytest.approx([0.01, 0.0])


def test_the_flows_of_two_houses_add_up() -> None:
    flows = {(flow.source, flow.target): flow.energy_kwh for flow in community_flows(two_house_run()).flows}

    assert flows == pytest.approx(
        {
            ("solar", "demand"): 24.0,
            ("solar", "network"): 48.0,
            ("network", "demand"): 36.0,
            ("network", "export"): 12.0,
        }
    )


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_what_enters_a_part_leaves_it(seed: int) -> None:
    run = random_run(seed)

    found = community_flows(run)

    scale = max((flow.energy_kwh for flow in found.flows), default=1.0)
    for part in ("network", "batteries"):
        assert abs(found.residual_kwh(part)) <= 1e-7 * scale, part
    generated = float((run.daily("solar_kwh") + run.daily("wind_kwh")).sum())
    assert found.through_kwh("solar") + found.through_kwh("wind") == pytest.approx(generated, abs=1e-7 * scale)
    demand = float((run.daily("load_kwh") + run.daily("car_kwh")).sum())
    assert found.through_kwh("demand") + found.unserved_kwh == pytest.approx(demand, abs=1e-7 * scale)


def test_the_docs_name_every_law() -> None:
    page = Path(__file__).resolve().parents[3] / "docs" / "concepts" / "community-results.md"
    text = " ".join(page.read_text(encoding="utf-8").split())

    for law in community_check(elm_week()).laws:
        assert law.name in text, law.name
