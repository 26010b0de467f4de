"""How the numbers were made, in half a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from afterbay.sizing.goal import OPTIMIZE_FOR
from afterbay.sizing.project.words import rules_in_words

if TYPE_CHECKING:
    from afterbay.sizing.goal import Goal
    from afterbay.sizing.project.model import Project
    from afterbay.sizing.sweep import SweepResult

__all__ = ["goal_in_words", "method_paragraphs"]


def goal_in_words(goal: Goal) -> str:
    """Return what the study aims at."""
    target = f"{goal.delivery_target_pct or 0.0:g} %"
    aims = {
        "maximize": "the most load hours served whole",
        "at_least": f"at least {target} of the load hours served whole",
        "exactly": f"{target} of the load hours served whole, within a point",
    }
    limits = [aims[goal.delivery_mode]]
    if goal.max_wastage_pct is not None:
        limits.append(f"at most {goal.max_wastage_pct:g} % of the solar energy curtailed")
    if goal.max_dg_hours is not None:
        limits.append(f"at most {goal.max_dg_hours:g} generator hours")
    if goal.green_energy_target_pct is not None:
        limits.append(f"at least {goal.green_energy_target_pct:g} % green energy")
    return f"{', '.join(limits)}; among these the {OPTIMIZE_FOR[goal.optimize_for]}"


def method_paragraphs(project: Project, result: SweepResult, *, years: int = 0, money: bool = False) -> list[str]:
    """Return the method in paragraphs.

    Args:
        project: The project.
        result: Its sweep.
        years: How many years were simulated; 0: only the first.
        money: Is there a yearly statement?
    """
    dt_h = result.params.dt_h
    step = f"{dt_h:g} h" if dt_h >= 1.0 else f"{dt_h * 60:g} min"
    found = [
        f"Each of {len(result):,} sizes was simulated over {result.params.steps:,} steps of {step} with the same load "
        "and the same sun. In every step solar serves the load first; what it leaves over charges the battery, and "
        "the battery and the generator serve the rest by the rules below.",
        " ".join(rules_in_words(project)),
        "Half of the battery's round-trip loss falls on charging and half on discharging (the square root of the "
        "efficiency each way). Delivery counts load hours that are served whole, to a thousandth of a megawatt: an "
        "hour served by half does not count. Curtailed is the share of the solar energy that is neither used nor "
        "stored.",
        f"The goal is {goal_in_words(project.goal)}. Capital cost is the sum of size times price, plus installation; "
        "it is not a quotation. Ties go to the smaller battery.",
    ]
    if years:
        found.append(f"{years} years were simulated one after the other, each with the battery as it then is.")
    if money:
        found.append(
            "Money: year 0 is today and holds the capital; every other flow falls at the end of its year and is "
            "discounted to today."
        )
    found.append(
        "Every result carries a physics check: balances and bounds are computed again in every step, and a result "
        "that breaks one is not shown. The months add up to the year."
    )
    return found
