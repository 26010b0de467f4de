"""The checks of the original wizard, and where ours differ on purpose."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from afterbay.core.errors import InvalidInputError, Problems
from afterbay.core.units import fraction_to_percent
from afterbay.sizing.project import load_project
from afterbay.sizing.project.checks import check_rules
from afterbay.sizing.project.document import Document
from afterbay.sizing.project.keys import read_section
from afterbay.sizing.templates import TRIGGERS_OFFERED
from shared_data import shared_path


def _rules(setup: dict[str, Any], rules: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Return problems and warnings of some rules."""
    document = Document(Path("project.yaml"), {"setup_config": setup, "rules_config": rules})
    problems = Problems()
    read = [read_section(name, document, problems) for name in ("setup_config", "rules_config")]
    found = check_rules(read[0], read[1], document, problems)
    return [str(problem) for problem in problems.found], found.warnings


def test_rules_are_valid_where_the_original_says_so() -> None:
    cases = json.loads(shared_path("golden/sizing/other/template_inference.json").read_text())["validate"]

    assert len(cases) > 100
    for case in cases:
        rules = {
            "dg_timing": case["dg_timing"],
            "dg_trigger": case["dg_trigger"],
            "soc_on_threshold": fraction_to_percent(case["soc_on"]),
            "soc_off_threshold": fraction_to_percent(case["soc_off"]),
            "blackout_start_hour": case["blackout_start"],
            "blackout_end_hour": case["blackout_end"],
        }
        problems, warnings = _rules({"dg_enabled": case["dg_enabled"]}, rules)
        if case["dg_enabled"] and case["dg_trigger"] not in TRIGGERS_OFFERED[case["dg_timing"]]:
            # The original fills these holes with a template that ignores the answer; we refuse, with the reason.
            assert any("dg_trigger" in problem for problem in problems), case
            continue
        assert (not problems) == case["valid"], (case, problems)
        assert bool(warnings) == (case["kind"] == "deadband_warning"), case


def test_every_pair_that_is_not_offered_is_refused_with_a_reason() -> None:
    for timing, offered in TRIGGERS_OFFERED.items():
        for trigger in ("reactive", "soc_based", "proactive"):
            rules = {"dg_timing": timing, "dg_trigger": trigger, "blackout_start_hour": 22, "blackout_end_hour": 6}
            problems, _ = _rules({}, rules)
            assert (not problems) == (trigger in offered)
            assert all("->" in problem for problem in problems)


@pytest.mark.parametrize(
    ("rules", "named"),
    [
        ({"soc_on_threshold": 80, "soc_off_threshold": 20}, "ON 80 % with OFF 20 %"),
        ({"soc_on_threshold": 3}, "would never start"),
        ({"soc_off_threshold": 96}, "would never stop"),
    ],
)
def test_a_band_that_cannot_act_is_refused_naming_both_values(rules: dict[str, Any], named: str) -> None:
    problems, _ = _rules({}, {"dg_trigger": "soc_based", **rules})

    assert any(named in problem for problem in problems)


CYCLE_CHARGING = {"cycle_charging_enabled": True, "dg_charges_bess": True}


@pytest.mark.parametrize(("off_soc", "refused"), [(96, True), (95, False)])
def test_cycle_charging_must_be_able_to_stop(off_soc: float, refused: bool) -> None:
    setup = {"dg_operating_mode": "variable", "bess_max_soc": 95}

    problems, _ = _rules(setup, {**CYCLE_CHARGING, "cycle_charging_off_soc": off_soc})

    assert any("95 % (bess_max_soc) or less" in problem for problem in problems) == refused
    assert bool(problems) == refused


def test_the_end_of_cycle_charging_does_not_matter_when_it_is_off() -> None:
    assert _rules({"bess_max_soc": 95}, {"cycle_charging_off_soc": 96}) == ([], [])


@pytest.mark.parametrize(
    ("section", "key"),
    [
        ("setup", "dg_min_load_pct"), ("rules", "soc_on_threshold"), ("rules", "soc_off_threshold"),
        ("rules", "emergency_soc_threshold"), ("rules", "cycle_charging_off_soc"),
        ("rules", "cycle_charging_min_load_pct"),
    ],
)  # fmt: skip
@pytest.mark.parametrize(("value", "meant"), [(0.2, "20 %"), (1.0, "100 %")])
def test_a_fraction_in_place_of_a_percentage_is_refused(section: str, key: str, value: float, meant: str) -> None:
    problems, _ = _rules(*({key: value} if name == section else {} for name in ("setup", "rules")))

    assert any(key in problem and f"did you mean {meant}?" in problem for problem in problems)


def test_a_narrow_band_is_a_warning() -> None:
    problems, warnings = _rules({}, {"dg_trigger": "soc_based", "soc_on_threshold": 65})

    assert not problems
    assert "narrower than 20 points" in warnings[0]


def test_the_wizard_refuses_what_the_original_refuses(tmp_path: Path) -> None:
    cases = json.loads(shared_path("golden/sizing/other/wizard_validation.json").read_text())["cases"]
    (tmp_path / "sun.csv").write_text("solar_mw\n" + "0\n5\n" * 24)
    file = tmp_path / "project.yaml"

    for case in cases:
        changes = case["overrides"]
        content = {
            "setup_config": {"solar_file": "sun.csv", "solar_import": {"dt_h": 1}, **changes.get("setup", {})},
            "rules_config": changes.get("rules", {}),
            "sizing_config": changes.get("sizing", {}),
        }
        file.write_text(yaml.safe_dump(content))
        # Decision 9: a battery that may be emptied is valid; the original's own slider offered 0 and was refused.
        expected = case["valid"] or changes.get("setup") == {"bess_min_soc": 0.0}
        if expected:
            assert len(load_project(file).grid) == case["configs"], case
        else:
            with pytest.raises(InvalidInputError):
                load_project(file)
