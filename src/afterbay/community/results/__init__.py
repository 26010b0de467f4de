"""What a run means: figures with their definitions, tidy tables, checks, comparisons, and pictures in `charts`.

Figures: `community_kpis`, `house_kpis`, `transformer_kpis`, each defined in `KPI_DEFINITIONS`. Tables:
`kpis_frame`, `houses_frame`, `nodes_frame`, `series_frame`, written by `write_frame` or, all at once, by
`export_run`. `community_check` says how well a run obeys physics, `compare_runs` puts runs on identical inputs
side by side, `run_without_batteries` makes what peaks are compared with.
"""

from afterbay.community.results.baseline import run_without_batteries, without_batteries
from afterbay.community.results.checks import CommunityCheck, CommunityLaw, community_check
from afterbay.community.results.compare import compare_houses, compare_runs
from afterbay.community.results.definitions import KPI_DEFINITIONS, KpiDefinition, definitions_table, kpi_names
from afterbay.community.results.duration import LoadingDuration, loading_duration
from afterbay.community.results.export import export_run, write_frame
from afterbay.community.results.figures import (
    community_kpis,
    house_kpis,
    house_peaks_kw,
    loading_fraction,
    transformer_kpis,
)
from afterbay.community.results.flows import CommunityFlows, EnergyFlow, community_flows
from afterbay.community.results.frames import houses_frame, kpis_frame, nodes_frame, series_frame
from afterbay.community.results.imports import ImportChange, import_change
from afterbay.community.results.inputs import differing_inputs, require_same_inputs
from afterbay.community.results.origin import Origins, origins

__all__ = [
    "KPI_DEFINITIONS",
    "CommunityCheck",
    "CommunityFlows",
    "CommunityLaw",
    "EnergyFlow",
    "ImportChange",
    "KpiDefinition",
    "LoadingDuration",
    "Origins",
    "community_check",
    "community_flows",
    "community_kpis",
    "compare_houses",
    "compare_runs",
    "definitions_table",
    "differing_inputs",
    "export_run",
    "house_kpis",
    "house_peaks_kw",
    "houses_frame",
    "import_change",
    "kpi_names",
    "kpis_frame",
    "loading_duration",
    "loading_fraction",
    "nodes_frame",
    "origins",
    "require_same_inputs",
    "run_without_batteries",
    "series_frame",
    "transformer_kpis",
    "without_batteries",
    "write_frame",
]
