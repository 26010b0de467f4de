from __future__ import annotations

import re

from hypothesis import given, settings
from plants_by_hand import plain
from strategies import plants, template_numbers

from afterbay.sizing import SimulationParams, run_simulation
from afterbay.sizing.explain import explain


@settings(max_examples=60, deadline=None)
@given(plants(), template_numbers)
def test_the_sentence_says_what_happened_in_every_step(params: SimulationParams, number: int) -> None:
    run = run_simulation(params, number)

    for row in list(run)[:100]:
        said = explain(run, row.t)
        running = "generator starts" in said or "generator runs on" in said
        assert running == row.dg_running, said
        assert ("not served" in said) == (row.load > 0.0 and row.unserved >= 0.001), said
        assert said.endswith("The load is served whole.") == (row.load > 0.0 and row.unserved < 0.001), said
        if row.bess_to_load > 1e-6:
            assert "battery gives" in said, said
        if row.bess_to_load == 0.0:
            assert "battery gives" not in said, said
        assert not re.search(r"nan|inf\b", said), said


def test_a_night_without_sun_reads_like_a_logbook() -> None:
    params = plain([10.0] * 4, dg_capacity=10.0, bess_min_soc=0.05, bess_initial_soc=0.05)

    said = explain(run_simulation(params, 1), 4)

    assert said == (
        "Day 1, 03:00: load 10.0 MW; no sun; battery is at its floor (5.0 %); generator runs on, because solar "
        "and battery leave the load short: 10.0 MW (10.0 MW to the load). The load is served whole."
    )


def test_quarter_hours_have_their_minute() -> None:
    run = run_simulation(plain([1.0] * 96, dt_h=0.25), 0)

    assert explain(run, 96).startswith("Day 1, 23:45: ")
    assert explain(run, 2).startswith("Day 1, 00:15: ")
