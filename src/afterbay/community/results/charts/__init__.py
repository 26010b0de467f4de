"""Pictures of a community: loading of transformers, the year as a carpet, flows of energy, every house.

Needs matplotlib (`pip install "afterbay[report]"`), which is imported only when a picture is drawn.
"""

from afterbay.community.results.charts.carpet import community_carpet_chart
from afterbay.community.results.charts.dumbbell import house_dumbbell_chart
from afterbay.community.results.charts.loading import loading_duration_chart
from afterbay.community.results.charts.sankey import community_sankey_chart
from afterbay.community.results.charts.sheet import picture_text, save_picture

__all__ = [
    "community_carpet_chart",
    "community_sankey_chart",
    "house_dumbbell_chart",
    "loading_duration_chart",
    "picture_text",
    "save_picture",
]
