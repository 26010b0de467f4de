"""How far a rule is from the best that physics allows, and which sizes cost least.

`bound` is the limit by perfect foresight, `schedule` a plan that really runs, `gap` what a rule leaves between.
"""

from afterbay.sizing.optimum.rule_gap import (
    Bound,
    Expansion,
    ExpansionCosts,
    RuleGap,
    RuleResult,
    Schedule,
    TemplateAdvice,
    as_grid,
    better_template,
    bound,
    expand,
    gap,
    schedule,
)

__all__ = [
    "Bound",
    "Expansion",
    "ExpansionCosts",
    "RuleGap",
    "RuleResult",
    "Schedule",
    "TemplateAdvice",
    "as_grid",
    "better_template",
    "bound",
    "expand",
    "gap",
    "schedule",
]
