"""Pictures of a sizing study: options, the year as a carpet, single days, flows of energy, years and money.

Needs matplotlib (`pip install "afterbay[report]"`), which is imported only when a picture is drawn. The
sentences (`describe_*`) and the choice of days (`worst_day`, ...) work without it.
"""

from afterbay.sizing.charts.carpet import carpet_chart
from afterbay.sizing.charts.cash import cash_chart
from afterbay.sizing.charts.day import MOST_DAYS, day_chart
from afterbay.sizing.charts.describe import day_headline, describe_carpet, describe_day, describe_pareto
from afterbay.sizing.charts.pareto import pareto_chart
from afterbay.sizing.charts.png import alt_text, save_png
from afterbay.sizing.charts.quantities import CARPETS, GAINS, PRICES
from afterbay.sizing.charts.sankey import SANKEY_FLOWS, sankey_chart, sankey_flows
from afterbay.sizing.charts.tornado import tornado_chart
from afterbay.sizing.charts.waterfall import waterfall_chart
from afterbay.sizing.charts.years import years_chart
from afterbay.sizing.days import best_day, typical_day, worst_day

__all__ = [
    "CARPETS",
    "GAINS",
    "MOST_DAYS",
    "PRICES",
    "SANKEY_FLOWS",
    "alt_text",
    "best_day",
    "carpet_chart",
    "cash_chart",
    "day_chart",
    "day_headline",
    "describe_carpet",
    "describe_day",
    "describe_pareto",
    "pareto_chart",
    "sankey_chart",
    "sankey_flows",
    "save_png",
    "tornado_chart",
    "typical_day",
    "waterfall_chart",
    "worst_day",
    "years_chart",
]
