"""Which battery to build: hourly dispatch, sweeps over sizes, recommendation and the reasons.

Start with `SimulationParams`, `run_simulation` and `calculate_metrics`; `sweep` runs thousands of sizes,
`calculate_recommendations` chooses among them, `nearest_changes` says what would reach a goal that none
reaches, and `explain` why an hour went as it did. Shares are fractions, power is in MW, energy in MWh.
"""

from afterbay.profiles import build_load_profile
from afterbay.sizing.cost import CapitalCosts, capital_cost_usd
from afterbay.sizing.degradation import DegradationConfig, calculate_degradation
from afterbay.sizing.explain import explain
from afterbay.sizing.finance import FinancialConfig, FinancialProjection, calculate_irr, calculate_npv
from afterbay.sizing.goal import Goal
from afterbay.sizing.grid import SizeGrid, inclusive_range
from afterbay.sizing.metrics import SummaryMetrics, calculate_metrics
from afterbay.sizing.nearest import NearestChanges, nearest_changes
from afterbay.sizing.params import SimulationParams
from afterbay.sizing.pareto import find_optimal_size, green_summary, pareto_front
from afterbay.sizing.projection import Projection, ProjectionConfig, project_years
from afterbay.sizing.recommendation import calculate_recommendations
from afterbay.sizing.simulation import HourlyResult, HourlyResults, run_simulation
from afterbay.sizing.sweep import SweepResult, sweep
from afterbay.sizing.templates import DISPATCH_TEMPLATES, Template, get_template_info, infer_template

__all__ = [
    "DISPATCH_TEMPLATES",
    "CapitalCosts",
    "DegradationConfig",
    "FinancialConfig",
    "FinancialProjection",
    "Goal",
    "HourlyResult",
    "HourlyResults",
    "NearestChanges",
    "Projection",
    "ProjectionConfig",
    "SimulationParams",
    "SizeGrid",
    "SummaryMetrics",
    "SweepResult",
    "Template",
    "build_load_profile",
    "calculate_degradation",
    "calculate_irr",
    "calculate_metrics",
    "calculate_npv",
    "calculate_recommendations",
    "capital_cost_usd",
    "explain",
    "find_optimal_size",
    "get_template_info",
    "green_summary",
    "inclusive_range",
    "infer_template",
    "nearest_changes",
    "pareto_front",
    "project_years",
    "run_simulation",
    "sweep",
]
