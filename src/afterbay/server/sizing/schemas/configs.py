"""The four sections of a project on the wire, with the sizing plan's keys: percent, MW, MWh, hours.

A section may be incomplete: what is missing takes the library's default when the project is run. How the stored
sections become a project of the library, the very one that `afterbay size run` uses, stands in
`afterbay.server.sizing.service.projects_study` (and `projects_money` for finance and years).
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from afterbay.server.sizing.schemas.configs_financial import (
    CostsConfig,
    DegradationConfigIn,
    FinancialConfigIn,
    ProjectionConfigIn,
)
from afterbay.server.sizing.schemas.configs_kinds import CHECKED
from afterbay.server.sizing.schemas.configs_rules import RulesConfig
from afterbay.server.sizing.schemas.configs_setup import LoadWindow, SetupConfig
from afterbay.server.sizing.schemas.configs_sizing import GoalConfig, SizingConfig

__all__ = [
    "Configs",
    "CostsConfig",
    "DegradationConfigIn",
    "FinancialConfigIn",
    "GoalConfig",
    "LoadWindow",
    "ProjectionConfigIn",
    "RulesConfig",
    "SetupConfig",
    "SizingConfig",
    "stored",
]


class Configs(BaseModel):
    """Any of the four sections, such as the overrides of a run."""

    model_config = CHECKED

    setup_config: SetupConfig | None = None
    rules_config: RulesConfig | None = None
    sizing_config: SizingConfig | None = None
    financial_config: FinancialConfigIn | None = None


def stored(section: BaseModel) -> dict[str, Any]:
    """Return a section as it is stored: what was given, and no defaults, so that defaults can be named as such."""
    return section.model_dump(exclude_unset=True)
